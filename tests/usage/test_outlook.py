"""What becomes of an account's credits: its month, its bounds, and the recharges to come."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditapp import clock, identity, ledger, usage
from creditapp.ledger import LotLeft
from creditapp.recharge import Ahead
from creditapp.usage import Outlook, Runway, pace, walk
from tests.usage.test_runway import recharging
from tests.web.seeing import DAY, NOON, grant, set_account, signed_up, spend_at

UTC_ZONE = ZoneInfo("UTC")


def seen(used: list[int], available: int, now: datetime = NOON, recharges: Ahead | None = None) -> Outlook:
    """An outlook at *now* after so many days of usage."""
    amount = Decimal(available)
    lots = (LotLeft(0, 0, "purchased", 0, amount, amount, None, now),) if available else ()
    found = pace([Decimal(one) for one in used], now.date())
    steps = tuple(walk(lots, found.on, now, UTC_ZONE, recharges=recharges))
    return Outlook(now, UTC_ZONE, found, amount, lots, recharges, steps)


def test_the_rest_of_a_month_is_what_is_left_of_today_and_the_days_after() -> None:
    rest = seen([10] * 5, 1_000).rest_of_month()

    assert rest is not None
    assert rest.expected == 5 + 6 * 10  # half of the 24th, and the 25th to the 30th


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (datetime(2026, 11, 30, 12, tzinfo=UTC), "0.5"),
        (datetime(2026, 12, 31, 18, tzinfo=UTC), "0.25"),
        (datetime(2026, 12, 1, tzinfo=UTC), "31"),
        (datetime(2028, 2, 28, tzinfo=UTC), "2"),
    ],
)
def test_a_month_ends_where_the_calendar_says(now: datetime, days: str) -> None:
    rest = seen([10] * 5, 1_000, now).rest_of_month()

    assert rest is not None
    assert rest.expected == 10 * Decimal(days)


def test_recharges_are_told_beside_what_happens_without_them() -> None:
    outlook = seen([10] * 5, 100, recharges=recharging(100, threshold=Decimal(44)))

    assert [step.on for step in outlook.buys[:2]] == [date(2026, 11, 30), date(2026, 12, 10)]
    assert outlook.runway is None
    assert outlook.runway_alone == Runway(Decimal(10), date(2026, 12, 4))


def test_without_recharges_there_is_one_runway() -> None:
    outlook = seen([10] * 5, 100)

    assert outlook.buys == []
    assert outlook.runway == outlook.runway_alone == Runway(Decimal(10), date(2026, 12, 4))


def test_bounds_are_told_as_far_as_no_recharge_can_have_come() -> None:
    outlook = seen([5, 15, 10, 0, 20] * 4, 200, recharges=recharging(100, threshold=Decimal(44)))
    little, much = outlook.bounds(60)

    assert little[-1].days == much[-1].days < outlook.buys[0].days
    assert all(not step.bought and step.left > 44 for step in much)


@given(st.lists(st.integers(0, 200), min_size=5, max_size=28), st.integers(1, 5_000))
def test_the_expected_end_lies_between_the_earliest_and_the_latest(used: list[int], available: int) -> None:
    outlook = seen(used, available)
    little, much = outlook.bounds(60)

    if outlook.pace.daily is not None:
        at = {step.days: step.left for step in outlook.steps}
        assert all(step.left <= at[step.days] for step in much if step.days in at)
        assert all(step.left >= at[step.days] for step in little if step.days in at)


def test_without_a_pace_there_are_no_bounds() -> None:
    assert seen([1, 1], 100).bounds(30) == ([], [])


@pytest.mark.both_databases
def test_reserved_credits_are_spent_first_and_do_not_last(app: object, account: int) -> None:
    with clock.at(NOON - 5 * DAY):
        grant(account, 1_000)
    for ago in range(4, 0, -1):
        spend_at(NOON - ago * DAY, account, 10)
    set_account(account, reserved=Decimal(500))

    with clock.at(NOON):
        standing = ledger.balance(account)
        outlook = usage.outlook(standing, "UTC")

    assert outlook.available == standing.balance - standing.reserved
    assert sum(lot.remaining for lot in outlook.lots) == outlook.available


@pytest.fixture
def account(app: object) -> int:
    return identity.account_id_of(signed_up(app, "alice@example.com"))  # type: ignore[arg-type]
