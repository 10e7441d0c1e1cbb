"""How long credits last: through expiries and days of any length, and never for ever."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from creditapp.ledger import LotLeft
from creditapp.usage import HORIZON_DAYS, Runway, Step, runway, walk

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
TODAY = date(2026, 11, 24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


def lot(remaining: int | Decimal, expires_at: datetime | None = None) -> LotLeft:
    amount = Decimal(remaining)
    return LotLeft(0, 0, "purchased", 0, amount, amount, expires_at, MIDNIGHT)


def every_day(amount: int | Decimal) -> Callable[[date], Decimal]:
    return lambda _: Decimal(amount)


def steps(*lots: LotLeft, use: int | Decimal, now: datetime = MIDNIGHT, zone: ZoneInfo = UTC_ZONE) -> list[Step]:
    return list(walk(lots, every_day(use), now, zone))


def test_credits_last_as_long_as_the_pace_says() -> None:
    assert runway(steps(lot(410), use=10)) == Runway(Decimal(41), TODAY + 40 * DAY)
    assert runway(steps(lot(25), use=10)) == Runway(Decimal("2.5"), TODAY + 2 * DAY)


def test_the_rest_of_today_is_a_part_of_a_day() -> None:
    assert runway(steps(lot(25), use=10, now=MIDNIGHT + 18 * HOUR)) == Runway(Decimal("2.5"), TODAY + 3 * DAY)


def test_without_credits_nothing_lasts() -> None:
    assert runway(steps(use=10)) == Runway(Decimal(0), TODAY)


def test_what_expires_before_it_is_spent_does_not_help() -> None:
    soon = lot(1_000, MIDNIGHT + 3 * DAY)
    found = steps(soon, lot(50), use=10)

    assert runway(found) == Runway(Decimal(8), TODAY + 7 * DAY)
    assert [(step.on, step.lapsed) for step in found if step.lapsed] == [(TODAY + 3 * DAY, 970)]


def test_what_expires_after_it_is_spent_changes_nothing() -> None:
    found = steps(lot(20, MIDNIGHT + 3 * DAY), lot(50), use=10)

    assert runway(found) == Runway(Decimal(7), TODAY + 6 * DAY)
    assert not any(step.lapsed for step in found)


def test_an_expiry_within_a_day_is_met_at_its_hour() -> None:
    assert runway(steps(lot(1_000, MIDNIGHT + 6 * HOUR), use=10)) == Runway(Decimal("0.2"), TODAY)


def test_a_day_of_23_or_25_hours_is_one_day() -> None:
    for before in (date(2026, 3, 28), date(2026, 10, 24)):
        now = datetime(before.year, before.month, before.day, 12, tzinfo=BERLIN).astimezone(UTC)
        assert runway(steps(lot(20), use=10, now=now, zone=BERLIN)) == Runway(Decimal(2), before + 2 * DAY)


def test_weekends_are_walked_as_weekends() -> None:
    def working_days(on: date) -> Decimal:
        return Decimal(0 if on.weekday() >= 5 else 10)

    tuesday = walk([lot(40)], working_days, MIDNIGHT, UTC_ZONE)
    exactly = walk([lot(41)], working_days, MIDNIGHT, UTC_ZONE)

    assert runway(list(tuesday)) == Runway(Decimal(4), TODAY + 3 * DAY)
    assert runway(list(exactly)) == Runway(Decimal("6.1"), TODAY + 6 * DAY)


def test_beyond_two_years_no_end_is_claimed() -> None:
    assert runway(steps(lot(10 * HORIZON_DAYS), use=10)) is not None
    assert runway(steps(lot(10 * HORIZON_DAYS + 1), use=10)) is None
    assert runway(steps(lot(1), use=0)) is None


lots = st.lists(
    st.tuples(st.integers(1, 5_000), st.none() | st.integers(1, 60 * 24)).map(
        lambda pair: lot(pair[0], None if pair[1] is None else MIDNIGHT + pair[1] * HOUR)
    ),
    max_size=6,
)


@given(lots, st.integers(1, 500))
def test_every_credit_is_either_used_or_lapses_or_is_left(those: list[LotLeft], use: int) -> None:
    found = steps(*those, use=use)

    assert all(earlier.left >= later.left >= 0 for earlier, later in pairwise(found))
    assert all(earlier.days <= later.days for earlier, later in pairwise(found))
    used = found[-1].days * use
    total = sum((one.remaining for one in those), Decimal(0))
    assert abs(total - used - sum(step.lapsed for step in found) - found[-1].left) < Decimal("0.000001")


@given(lots, st.integers(1, 400))
def test_who_uses_less_never_runs_out_earlier(those: list[LotLeft], use: int) -> None:
    fast, slow = runway(steps(*those, use=use + 1)), runway(steps(*those, use=use))

    assert fast is not None or slow is None
    assert slow is None or fast is None or fast.days <= slow.days
