"""When an alert fires and when it is armed again, as pure rules."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from creditapp.alerts import rules

TODAY = date(2026, 11, 24)


def credits(*amounts: int | str) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]


def told(readings: list[Decimal], found: rules.Marks) -> list[Decimal]:
    """The readings at which somebody is told, from an armed rule on."""
    armed, at = True, []
    for reading in readings:
        verdict = rules.falling(reading, found, armed=armed)
        if verdict == "fires":
            at.append(reading)
        if verdict != "stays":
            armed = verdict == "recovers"
    return at


@pytest.mark.parametrize(
    ("readings", "at"),
    [
        (credits(600, "500.000001", 500, 400, 3), credits(500)),
        (credits(499, 501, 499, 530, 500, 550, 480), credits(499)),
        (credits(499, "550.000001", 500), credits(499, 500)),
        (credits(0, 5_000, 499, 0), credits(0, 499)),
    ],
    ids=["falling", "hovering up to 110 %", "back above 110 %", "topped up"],
)
def test_a_balance_that_falls_is_told_once_until_it_was_above_a_tenth_more(
    readings: list[Decimal], at: list[Decimal]
) -> None:
    found = rules.marks("balance", Decimal(500), None)
    assert found is not None
    assert told(readings, found) == at


def test_a_share_is_taken_of_what_came_in_last() -> None:
    found = rules.marks("share", Decimal(20), Decimal(5_000))
    assert found == rules.Marks(Decimal(1_000), Decimal(1_100))
    assert rules.marks("share", Decimal(20), None) is None


def test_one_credit_given_back_at_zero_does_not_make_running_out_news_again() -> None:
    found = rules.marks("run_out", Decimal(0), Decimal(1_000))
    assert found is not None
    assert told(credits(1, 0, 1, 0, 100, 0, 101, 0), found) == credits(0, 0)


@pytest.mark.parametrize(
    ("readings", "at"),
    [(credits(79, 80, 85, 99), credits(80)), (credits(80, 73, 81, 72, 80), credits(80, 80))],
    ids=["rising", "armed again a tenth below"],
)
def test_a_limit_that_is_used_up_is_told_once(readings: list[Decimal], at: list[Decimal]) -> None:
    armed, heard = True, []
    for reading in readings:
        verdict = rules.rising(reading, Decimal(80), armed=armed)
        if verdict == "fires":
            heard.append(reading)
        if verdict != "stays":
            armed = verdict == "recovers"
    assert heard == at


def test_a_day_of_more_than_three_times_the_median_is_a_spike_and_says_the_numbers() -> None:
    before = credits(100, 120, 0, 110, 90, 2_000, 100)
    assert rules.spike(Decimal(300), before, Decimal(3)) is None
    assert rules.spike(Decimal(301), before, Decimal(3)) == rules.Spike(Decimal(100), Decimal("3.0"), 7)


@pytest.mark.parametrize(
    ("today", "before"),
    [
        (5_000, credits(*[100] * 6)),
        (9, credits(*[1] * 14)),
        (5_000, credits(*[0] * 8, *[100] * 6)),
    ],
    ids=["less than a week is known", "next to nothing", "most days are idle"],
)
def test_without_enough_history_nothing_is_called_unusual(today: int, before: list[Decimal]) -> None:
    assert rules.spike(Decimal(today), before, Decimal(3)) is None


def test_only_the_last_fourteen_days_count() -> None:
    found = rules.spike(Decimal(100), credits(*[5_000] * 20, *[10] * 14), Decimal(3))
    assert found == rules.Spike(Decimal(10), Decimal("10.0"), 14)


@pytest.mark.parametrize(("used", "quiet"), [(909, True), (910, False), (0, True)])
def test_a_quiet_day_stays_a_tenth_below(used: int, quiet: bool) -> None:
    days = {TODAY - timedelta(days=1): Decimal(used), TODAY: Decimal(0), TODAY - timedelta(days=2): Decimal(0)}
    fired_on = TODAY - timedelta(days=2)
    assert rules.was_quiet(days, after=fired_on, before=TODAY, level=Decimal(1_000)) is quiet


@pytest.mark.parametrize(("days", "wide"), [(31, None), (30, 30), (8, 30), (7, 7), (2, 7), (1, 1), (0, 1)])
def test_an_expiry_belongs_to_the_narrowest_window(days: int, wide: int | None) -> None:
    assert rules.window(days, credits(30, 7, 1)) == wide
