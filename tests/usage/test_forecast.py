"""The pace: what a day costs, judged by days that are over."""

from decimal import Decimal

import pytest

from creditapp.usage import Pace, pace


def days(*used: int) -> list[Decimal]:
    """Thirty days that end with these."""
    return [Decimal(0)] * (30 - len(used)) + [Decimal(amount) for amount in used]


def test_two_weeks_with_usage_give_their_average() -> None:
    assert pace(days(*[500] * 16, *[100, 0] * 7)) == Pace(Decimal(50), 16 + 7)


def test_a_young_account_is_not_divided_by_days_before_its_first() -> None:
    assert pace(days(10, 20, 30)).daily == Decimal(20)


def test_idle_days_since_the_first_usage_count() -> None:
    assert pace(days(30, 30, 30, 0, 0, 0)).daily == Decimal(15)


def test_where_two_weeks_are_not_enough_the_month_is_asked() -> None:
    assert pace(days(40, 40, *[0] * 16, 40)).daily == Decimal(120) / 19


@pytest.mark.parametrize(("used", "active"), [((), 0), ((5,), 1), ((5, 0, 5), 2)])
def test_below_three_active_days_there_is_no_pace(used: tuple[int, ...], active: int) -> None:
    found = pace(days(*used))

    assert found == Pace(None, active)
    assert found.lasts(Decimal(1_000)) is None


def test_credits_last_as_long_as_the_pace_says() -> None:
    assert pace(days(10, 10, 10)).lasts(Decimal(410)) == 41
    assert pace(days(10, 10, 10)).lasts(Decimal(0)) == 0
