"""The pace: what a day costs, judged by days that are over."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditapp.usage import LOOK_BACK_DAYS, Pace, pace

MONDAY = date(2026, 11, 23)
amounts = st.decimals(0, 100_000, places=6)


def paced(*used: int, until: date = MONDAY) -> Pace:
    return pace([Decimal(amount) for amount in used], until)


def test_a_young_account_is_divided_by_the_days_since_its_first_use() -> None:
    assert paced(10, 20, 30).daily == 20


def test_idle_days_since_the_first_use_count() -> None:
    assert paced(30, 30, 30, 0, 0, 0).daily == 15


def test_no_more_than_four_weeks_are_looked_at() -> None:
    found = paced(*[500] * 30, *[10] * 28)

    assert (found.daily, found.days, found.active_days) == (10, LOOK_BACK_DAYS, 28)


@pytest.mark.parametrize(("used", "active"), [((), 0), ((5,), 1), ((5, 0, 5), 2), ((0,) * 28, 0)])
def test_below_three_active_days_nothing_is_guessed(used: tuple[int, ...], active: int) -> None:
    found = paced(*used)

    assert (found.daily, found.active_days) == (None, active)
    assert found.project(MONDAY, 30) is None


def test_three_active_days_are_enough() -> None:
    projected = paced(10, 10, 10).project(MONDAY, 30)

    assert projected is not None
    assert (projected.low, projected.expected, projected.high) == (300, 300, 300)


def test_from_three_weeks_on_a_weekend_is_not_taken_for_a_working_day() -> None:
    week = [100, 100, 100, 100, 100, 10, 0]  # the last of them is the Sunday before
    known, unknown = paced(*week * 3), paced(*(week * 3)[1:])

    assert [known.on(MONDAY + timedelta(days=ahead)) for ahead in range(7)] == week
    assert unknown.on(MONDAY + timedelta(days=6)) == unknown.daily
    assert known.daily == Decimal(510) / 7
    projected = known.project(MONDAY + timedelta(days=5), 2)
    assert projected is not None
    assert (projected.low, projected.expected, projected.high) == (10, 10, 10)


def test_weekdays_follow_from_the_day_on_which_the_history_ends() -> None:
    wednesday = MONDAY + timedelta(days=2)
    used = [7 if (wednesday - timedelta(days=ago)).weekday() == 1 else 1 for ago in range(28, 0, -1)]

    found = paced(*used, until=wednesday)

    assert [day for day in range(7) if found.on(MONDAY + timedelta(days=day)) == 7] == [1]


@given(st.lists(amounts, max_size=40), st.integers(1, 365))
def test_what_is_expected_lies_between_low_and_high_and_low_is_never_negative(used: list[Decimal], days: int) -> None:
    projected = pace(used, MONDAY).project(MONDAY, days)

    if projected is not None:
        assert 0 <= projected.low <= projected.expected <= projected.high


@given(st.lists(amounts, min_size=3, max_size=40), st.integers(1, 20))
def test_four_weeks_ahead_are_four_weeks_of_the_average(used: list[Decimal], weeks: int) -> None:
    found = pace(used, MONDAY)
    projected = found.project(MONDAY, 7 * weeks)

    # With a part of a week behind, its weekdays weigh more in the average than in the forecast.
    if projected is not None and found.daily is not None and (not found.by_weekday or found.days % 7 == 0):
        assert abs(projected.expected - found.daily * 7 * weeks) < Decimal("0.001")


def test_a_steadier_account_is_foretold_more_closely() -> None:
    steady, wild = paced(*[90, 110] * 10), paced(*[0, 200] * 10)
    narrow, wide = steady.project(MONDAY, 30), wild.project(MONDAY, 30)

    assert narrow is not None
    assert wide is not None
    assert narrow.expected == wide.expected == 3_000
    assert narrow.high - narrow.low < wide.high - wide.low


def test_who_grows_or_shrinks_from_week_to_week_is_foretold_less_closely() -> None:
    steady, wandering = paced(*[100] * 28), paced(*[70] * 7, *[110] * 7, *[90] * 7, *[130] * 7)
    once, later = (wandering.project(MONDAY, days) for days in (7, 28))

    assert steady.drift == 0 < wandering.drift
    assert once is not None
    assert later is not None
    assert once.expected * 4 == later.expected == 2_800
    assert (later.high - later.low) / 4 > once.high - once.low  # the further ahead, the less is known


def test_from_less_than_four_weeks_no_drift_is_told() -> None:
    assert paced(*[70] * 9, *[110] * 9, *[130] * 9).drift == 0


@pytest.mark.parametrize("known_days", [5, 14, 28])
def test_four_of_five_months_turn_out_within_the_band(known_days: int) -> None:
    chance = Random(known_days)
    held = 0
    for _ in range(400):
        life = [Decimal(round(max(chance.gauss(100, 40), 0))) for _ in range(known_days + 30)]
        projected = pace(life[:known_days], MONDAY).project(MONDAY, 30)
        assert projected is not None
        held += projected.low <= sum(life[known_days:]) <= projected.high

    assert 0.73 <= held / 400 <= 0.87
