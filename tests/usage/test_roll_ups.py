"""Usage by day is kept beside every charge, and is what the ledger says, whatever happened and in whichever zone."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from creditapp import clock, identity, ledger, schedule, usage
from creditapp.db import MILLIONTH, db, transaction
from creditapp.ledger import buckets
from creditapp.onecall import at_once
from creditapp.usage.reading import uses_of_records
from tests.asking import statements
from tests.ledger import callers, door
from tests.ledger.narrowed import NarrowedProof
from tests.racing import CALLERS, Racers
from tests.usage.counting import counted, recorded, rolled_up

pytestmark = pytest.mark.both_databases

STORIES, ALL_STORIES = 15, 500
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "CET",
)
# The evenings before the clocks change in one of them, forward or back.
BEGINNINGS = [datetime(2026, month, day, 18, tzinfo=UTC) for month, day in ((3, 28), (10, 3), (10, 24), (10, 31))]

what = {
    "operation_type": st.sampled_from([None, "ai_analysis", "other"]),
    "api_endpoint": st.sampled_from([None, "/v1"]),
}
amounts = st.integers(1, 3_000_000).map(lambda millionths: Decimal(millionths).scaleb(-6))
charges = st.fixed_dictionaries({**what, "amount": amounts, "units": st.integers(1, 9)})
pauses = st.timedeltas(timedelta(0), timedelta(hours=30))
happenings = st.one_of(
    st.tuples(st.just("charge"), charges, st.booleans(), pauses),
    st.tuples(st.just("charge"), charges, st.booleans(), pauses),
    st.tuples(st.just("batch"), st.lists(charges, min_size=2, max_size=4), st.booleans(), pauses),
    st.tuples(st.just("hold"), st.lists(amounts, min_size=1, max_size=3), st.fixed_dictionaries(what), pauses),
    st.tuples(st.just("give back"), st.integers(0, 30), st.sampled_from([1, 2, 3]), pauses),
    st.tuples(st.just("refused"), pauses),
    st.tuples(st.just("again"), pauses),
    st.tuples(st.just("moves"), st.sampled_from(ZONES), pauses),
)


class Story:
    """An account to which things happen, one after the other."""

    def __init__(self, beginning: datetime, zone: str) -> None:
        self.now = beginning
        with clock.at(beginning):
            self.account = door.open_account(holding=1_000)
            self.key = door.key_of(self.account)
        self.moves(zone)
        self.charged: list[int] = []
        self.repeatable: list[dict[str, Any]] = []

    def tell(self, kind: str, *of: Any) -> None:
        """Let something happen, after a pause."""
        *told, pause = of
        self.now += pause
        with clock.at(self.now):
            getattr(self, kind.replace(" ", "_"))(*told)

    def charge(self, about: dict[str, Any], by_key: bool) -> None:
        about = {**about, "key": f"charge {len(self.repeatable)}", "api_key_id": self.key if by_key else None}
        self.repeatable.append(about)
        charge = ledger.Charge(**about)
        spent = at_once(lambda: ledger.spend(self.account, charge)) if by_key else door.spend(self.account, **about)
        self.charged.append(spent.transaction_id)

    def batch(self, together: list[dict[str, Any]], all_or_none: bool) -> None:
        charges = [ledger.Charge(**about) for about in together]
        if not all_or_none:
            charges.append(ledger.Charge(amount=Decimal(1_000_000)))  # refused, and no matter of the others
        spend = ledger.spend_all if all_or_none else ledger.spend_each
        outcomes = at_once(lambda: [*spend(self.account, charges)])
        self.charged += [one.transaction_id for one in outcomes if isinstance(one, ledger.Spent)]
        assert len(outcomes) == len(charges)

    def hold(self, parts: list[Decimal], about: dict[str, Any]) -> None:
        held = door.hold(self.account, sum(parts) + 1)
        for part in parts:
            charge = ledger.Charge(amount=part, api_key_id=self.key, units=2, **about)
            self.charged.append(door.capture(self.account, held.id, part, charge=charge).transaction.id)
        door.release(self.account, held.id)

    def give_back(self, place: int, share: int) -> None:
        if not self.charged:
            return
        entry = ledger.entry(self.account, self.charged[place % len(self.charged)])
        left = -entry.amount - entry.gone_back
        if left:
            door.reverse(self.account, entry.id, max((left / share).quantize(MILLIONTH), MILLIONTH))

    def refused(self) -> None:
        with pytest.raises(ledger.InsufficientCredits):
            door.spend(self.account, 1_000_000)

    def again(self) -> None:
        for about in self.repeatable[-2:]:
            assert door.spend(self.account, **about).replayed

    def moves(self, zone: str) -> None:
        with transaction():
            identity.set_time_zone(self.account, zone)


def test_what_is_given_back_counts_on_the_day_of_the_operation(app: Flask) -> None:
    with clock.at(door.NOON):
        account = door.open_account(holding=100)
        charge = door.spend(account, 5, operation_type="ai_analysis", units=3).transaction_id
    today = (door.NOON.date(), "ai_analysis", "", 0)
    with clock.at(door.NOON + DAY):
        door.reverse(account, charge, 2)
        assert rolled_up(account) == {today: (1, 3, 5, 0, 2)}
        door.reverse(account, charge)
        assert rolled_up(account) == {today: (1, 3, 5, 1, 5)}


def test_whatever_happens_the_days_say_what_the_ledger_says(app: Flask, full: bool) -> None:
    @settings(
        max_examples=ALL_STORIES if full else STORIES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(
        beginning=st.sampled_from(BEGINNINGS),
        zone=st.sampled_from(ZONES),
        told=st.lists(happenings, min_size=4, max_size=25),
        pieces=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=3),
    )
    def in_every_story(beginning: datetime, zone: str, told: list[Any], pieces: list[tuple[float, float]]) -> None:
        story = Story(beginning, zone)
        for happening in told:
            story.tell(*happening)

        assert rolled_up(story.account) == recorded(story.account)
        proof = NarrowedProof(story.account)
        assert proof.differences() == []
        proof.close()
        here = ZoneInfo(usage.zone_of(story.account))
        with clock.at(story.now):
            whole = usage.statistics(story.account, "last_90_days", here.key)
            assert counted(whole.uses) == counted(uses_of_records(story.account, whole.span, DAY))
        for piece in pieces:
            since, until = sorted(beginning + share * (story.now - beginning) for share in piece)
            span = usage.Span(since, until, here)
            assert counted(usage.uses_in(story.account, span)) == counted(uses_of_records(story.account, span, DAY))
        with transaction():
            usage.rebuild(story.account)
        assert rolled_up(story.account) == recorded(story.account)

    in_every_story()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/St_Johns", date(2026, 11, 1), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Asia/Kathmandu", date(2026, 10, 25), 24),
        ("Asia/Kolkata", date(2026, 10, 25), 24),
    ],
)
def test_a_day_has_as_many_hours_as_its_clocks_show(app: Flask, zone: str, day: date, hours: float) -> None:
    begins, ends = (usage.midnight(on, ZoneInfo(zone)) for on in (day, day + DAY))
    assert (ends - begins) / HOUR == hours
    with clock.at(begins - HOUR):
        account = door.open_account(holding=100)
        with transaction():
            identity.set_time_zone(account, zone)
    instant = timedelta(microseconds=1)
    for moment, amount in ((begins - instant, 1), (begins, 10), (ends - instant, 20), (ends, 2)):
        with clock.at(moment):
            door.spend(account, amount)

    assert {on: credits for (on, *_), (_, _, credits, *_) in rolled_up(account).items()} == {
        day - DAY: 1,
        day: 30,
        day + DAY: 2,
    }
    with clock.at(ends + HOUR):
        assert [one.total for one in usage.daily(account, 3, zone)] == [1, 30, 2]


def test_in_every_zone_that_can_be_chosen_the_database_knows_the_day_as_we_do(app: Flask) -> None:
    moments = [datetime(2026, month, 25, hour, 45, tzinfo=UTC) for month in (1, 7) for hour in (0, 6, 10, 14, 22)]
    at_the_change = [datetime(2026, 7, 25, 22, 30, tzinfo=UTC), datetime(2026, 1, 25, 22, 30, tzinfo=UTC)]
    wrong = [
        zone
        for zone in sorted(identity.time_zones())
        for moment in (*moments, *at_the_change)
        if db.session.scalar(select(func.local_day(stored(moment), zone)).select_from(select(1).subquery()))
        not in {on := moment.astimezone(ZoneInfo(zone)).date(), on.isoformat()}
    ]
    assert wrong == []


def test_charges_of_one_account_at_once_across_midnight_count_on_their_days(app: Flask, racers: Racers) -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    with clock.at(midnight - HOUR):
        account = door.open_account(holding=1_000)
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])

    moments = [midnight + (number - CALLERS // 2) * timedelta(milliseconds=1) for number in range(CALLERS)]
    racers.race(url, callers.charge_at, [(account, moment, "0.5") for moment in moments])

    assert sum(credits for _, _, credits, *_ in rolled_up(account).values()) == CALLERS * Decimal("0.5")
    assert rolled_up(account) == recorded(account)
    assert door.differences() == []


def test_usage_is_counted_in_the_charges_own_call(app: Flask) -> None:
    account = door.open_account(holding=10)
    with pytest.raises(ZeroDivisionError), transaction():
        ledger.spend(account, ledger.Charge(amount=Decimal(1)))
        _ = 1 / 0

    assert rolled_up(account) == {}


def test_where_much_was_used_a_new_zone_is_never_shown_wrong_while_the_clock_counts(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening = datetime(2026, 11, 20, 20, tzinfo=UTC)
    with clock.at(evening):
        account = door.open_account(holding=100)
        door.spend(account, 5, operation_type="ai_analysis")
    monkeypatch.setattr(buckets, "AT_ONCE", 0)

    with clock.at(evening + 2 * HOUR), transaction():
        identity.set_time_zone(account, "Asia/Kathmandu")
    with clock.at(evening + 3 * HOUR):
        for zone, on in (("Asia/Kathmandu", date(2026, 11, 21)), ("UTC", date(2026, 11, 20))):
            assert [day.on for day in usage.daily(account, 3, zone) if day.total] == [on]
        door.spend(account, 7)
        assert door.differences() == []
        schedule.rebuild_usage()
        assert {on for on, *_ in rolled_up(account)} == {date(2026, 11, 21)}
        assert rolled_up(account) == recorded(account)
        assert door.differences() == []

    with transaction():
        identity.set_time_zone(account, "UTC")
        identity.set_time_zone(account, "Asia/Kathmandu")
    assert ledger.counted_otherwise(10) == []


def test_days_of_the_accounts_own_zone_are_read_without_its_records(app: Flask) -> None:
    with clock.at(door.NOON):
        account = door.open_account(holding=100)
        door.spend(account, 5)
        with statements() as asked:
            assert [day.total for day in usage.daily(account, 90, "UTC") if day.total] == [5]
            assert usage.statistics(account, "last_year", "UTC").summary.credits == 5
    assert len([statement for statement in asked if "usage_buckets" in statement]) == 3
    # What the year before had after this time of its last day is left out.
    assert len([statement for statement in asked if "usage_records" in statement]) == 2


def stored(moment: datetime) -> Any:
    """A moment as the database keeps it."""
    return moment if db.engine.dialect.name == "postgresql" else moment.replace(tzinfo=None).isoformat(" ")
