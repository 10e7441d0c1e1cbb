"""How long credits last: through expiries, recharges and days of any length, and never for ever."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from creditapp.ledger import LotLeft
from creditapp.recharge import Ahead
from creditapp.usage import HORIZON_DAYS, MOST_RECHARGES, Runway, Step, runway, walk
from tests.recharge.test_rules import SOLD, STANDING, TERMS

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)
TODAY = date(2026, 11, 24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")


def lot(remaining: int | Decimal, expires_at: datetime | None = None) -> LotLeft:
    amount = Decimal(remaining)
    return LotLeft(0, 0, "purchased", 0, amount, amount, expires_at, MIDNIGHT)


def every_day(amount: int | Decimal) -> Callable[[date], Decimal]:
    return lambda _: Decimal(amount)


def steps(
    *lots: LotLeft,
    use: int | Decimal,
    now: datetime = MIDNIGHT,
    zone: ZoneInfo = UTC_ZONE,
    recharges: Ahead | None = None,
) -> list[Step]:
    return list(walk(lots, every_day(use), now, zone, recharges=recharges))


def recharging(credits: int = 5_000, *, zone: ZoneInfo = UTC_ZONE, spent: int = 0, **terms: object) -> Ahead:
    """At 500 credits, one package for 4,000 cents, without a monthly limit unless one is given."""
    return Ahead(
        terms=replace(TERMS, **({"monthly_cap_cents": None} | terms)),
        standing=replace(STANDING, spent_this_month_cents=spent),
        sold=replace(SOLD, credits=Decimal(credits)),
        month=TODAY.replace(day=1),
        zone=zone,
    )


def bought(found: list[Step]) -> list[tuple[Decimal, Decimal]]:
    """When, in days from now, and how much there was just before."""
    return [(round(step.days, 9), round(step.left - step.bought, 6)) for step in found if step.bought]


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


def test_a_recharge_comes_when_the_threshold_is_reached_and_credits_go_on() -> None:
    found = steps(lot(1_000), use=100, recharges=recharging())

    assert bought(found)[:3] == [(5, 500), (55, 500), (105, 500)]
    assert [step.left for step in found if step.bought][:2] == [5_500, 5_500]
    assert runway(found) is None


def test_who_is_below_the_threshold_already_is_recharged_at_once() -> None:
    assert bought(steps(lot(120), use=100, recharges=recharging()))[0] == (0, 120)


def test_the_monthly_limit_stops_recharges_until_the_next_month_begins() -> None:
    enough_for_one = recharging(monthly_cap_cents=4_000)
    used_up = recharging(monthly_cap_cents=4_000, spent=4_000)

    # The 24th of November is today; 500 last until the month is over, and then December allows another package.
    assert bought(steps(lot(500), use=60, recharges=used_up))[0] == (7, 80)
    # 5,500 are gone after 55 days at 100 a day, 50 of them are of December and January: each allows one more.
    assert bought(steps(lot(500), use=100, recharges=enough_for_one))[:2] == [(0, 500), (50, 500)]
    # 1,000 a day are more than one package a month.
    assert runway(steps(lot(500), use=1_000, recharges=enough_for_one)) == Runway(Decimal("5.5"), TODAY + 5 * DAY)


def test_a_month_begins_in_the_zone_of_the_account() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    used_up = recharging(monthly_cap_cents=4_000, spent=4_000, zone=zone)

    found = steps(lot(500), use=24, now=MIDNIGHT, zone=zone, recharges=used_up)

    assert next(step.on for step in found if step.bought) == date(2026, 12, 1)
    assert bought(found)[0][0] == round(7 + Decimal(8) / 24, 9)  # it is the 23rd there, 16:00


def test_two_recharges_are_an_hour_apart() -> None:
    found = steps(lot(500), use=2_400, recharges=recharging(50, quantity=1))

    assert bought(found)[:3] == [(0, 500), (round(Decimal(1) / 24, 9), 450), (round(Decimal(2) / 24, 9), 400)]
    assert runway(found) == Runway(Decimal("0.4"), TODAY)  # 50 an hour against 100


def test_a_pause_that_is_not_over_is_waited_for() -> None:
    cooling = recharging(cooling_until=MIDNIGHT + HOUR / 2)

    assert bought(steps(lot(500), use=2_400, recharges=cooling))[0] == (round(Decimal(1) / 48, 9), 450)


def test_packages_are_bought_up_to_the_target() -> None:
    found = steps(lot(1_000), use=100, recharges=recharging(quantity=None, target=Decimal(12_000)))

    assert next(step.bought for step in found if step.bought) == 15_000


def test_recharges_that_are_blocked_count_for_nothing() -> None:
    for blocked in (recharging(has_card=False), recharging(enabled=False), recharging(stopped_reason="Declined.")):
        assert steps(lot(1_000), use=100, recharges=blocked)[-1].days == 10


def test_recharges_at_zero_come_when_nothing_is_left() -> None:
    found = steps(lot(1_000), use=100, recharges=recharging(threshold=Decimal(0)))

    assert bought(found)[:2] == [(10, 0), (60, 0)]
    assert runway(found) is None


def test_an_expiry_can_bring_a_recharge_about() -> None:
    found = steps(lot(900, MIDNIGHT + 3 * DAY), lot(200), use=100, recharges=recharging())

    assert bought(found)[0] == (3, 200)


def test_who_is_recharged_for_ever_is_not_followed_for_ever() -> None:
    found = steps(lot(500), use=10_000, recharges=recharging())

    assert len(bought(found)) == MOST_RECHARGES
    assert found[-1].days < HORIZON_DAYS
    assert runway(found) is None


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


@given(lots, st.integers(1, 3_000), st.integers(0, 2_000), st.integers(1, 2_000), st.integers(0, 9))
def test_with_recharges_every_credit_is_accounted_for_too(
    those: list[LotLeft], use: int, threshold: int, package: int, most: int
) -> None:
    plan = recharging(package, threshold=Decimal(threshold), monthly_cap_cents=4_000 * most)
    found = steps(*those, use=use, recharges=plan)

    assert all(earlier.days <= later.days and later.left >= 0 for earlier, later in pairwise(found))
    came = sum((one.remaining for one in those), Decimal(0)) + sum(step.bought for step in found)
    used = found[-1].days * use
    assert abs(came - used - sum(step.lapsed for step in found) - found[-1].left) < Decimal("0.000001")
    assert all(step.left - step.bought <= threshold for step in found if step.bought)
    alone, helped = runway(steps(*those, use=use)), runway(found)
    assert helped is None or (alone is not None and helped.days >= alone.days)


@given(lots, st.integers(1, 400))
def test_who_uses_less_never_runs_out_earlier(those: list[LotLeft], use: int) -> None:
    fast, slow = runway(steps(*those, use=use + 1)), runway(steps(*those, use=use))

    assert fast is not None or slow is None
    assert slow is None or fast is None or fast.days <= slow.days
