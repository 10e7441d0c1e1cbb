"""What was used: days are those of the zone that is asked for.

An operation that was given back counts nowhere; one given back in part counts with what is left of it. Both are told
apart. It is the day of the operation that counts, not the day on which it was given back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select

from creditapp import clock
from creditapp.db import db
from creditapp.ledger import Account, CreditTransaction, UsageRecord
from creditapp.usage.periods import DAY, HOUR, INSTANT, Span, midnight, span, span_before, span_of_days
from creditapp.usage.reading import given_back_by_day, uses_of_buckets, uses_of_records
from creditapp.usage.summary import Day, Summary, Use, by_day, summary, taken_off

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Statistics:
    """The usage of some days or hours, and how much it was in the same stretch before."""

    span: Span
    uses: list[Use]
    summary: Summary
    credits_before: Decimal


def statistics(account_id: int, period: str, time_zone: str) -> Statistics:
    """What the account used in one of PERIODS, day by day in *time_zone*."""
    asked = span(period, ZoneInfo(time_zone), clock.now())
    return _statistics(account_id, asked, span_before(asked, period))


def statistics_between(account_id: int, first: date, last: date, time_zone: str) -> Statistics:
    """What the account used from the day *first* to the day *last*, both included, day by day in *time_zone*."""
    asked = span_of_days(first, last, ZoneInfo(time_zone), clock.now())
    return _statistics(account_id, asked, span_before(asked))


def daily(account_id: int, days: int, time_zone: str) -> list[Day]:
    """The last *days* days, today included, oldest first; days without usage are there, empty."""
    zone = ZoneInfo(time_zone)
    now = clock.now()
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    asked = Span(midnight(first, zone), now, zone)
    return by_day(uses_in(account_id, asked, by_operation=True), asked.days)


def uses_in(account_id: int, asked: Span, *, hourly: bool = False, by_operation: bool = False) -> list[Use]:
    """What the account used in this span, by day or by hour of the clock, and as finely as statistics tell it apart.

    Days of the account's own zone are read from its buckets; what these have beside the span on its first and last day
    is taken off again. Hours, and the days of another zone, are read from the usage records. *by_operation*: endpoints
    and keys need not be told apart, which is cheaper.
    """
    rolled_up = None if hourly else uses_of_buckets(account_id, asked, by_operation=by_operation)
    if rolled_up is None:
        return uses_of_records(account_id, asked, HOUR if hourly else DAY)
    beside = [use for edge in asked.beside(rolled_up.until) for use in uses_of_records(account_id, edge, DAY)]
    return [*rolled_up.uses, *taken_off(beside)]


def used_in(account_id: int, asked: Span) -> Decimal:
    """How many credits the account used in this span."""
    return sum((use.credits - use.reversed_credits for use in uses_in(account_id, asked, by_operation=True)), NOTHING)


def used_since(account_id: int, days: int) -> Decimal:
    """How much the account used in the last *days* times 24 hours."""
    now = clock.now()
    return used_in(account_id, Span(now - timedelta(days=days), now, ZoneInfo(zone_of(account_id))))


def on_complete_days(account_id: int, days: int, time_zone: str) -> list[Decimal]:
    """What the account used on each of its last *days* days that are over, oldest first; none before its first use.

    Read off the consumption axis at every midnight: it costs one index entry a day, however much was used.
    """
    zone = ZoneInfo(time_zone)
    today = clock.now().astimezone(zone).date()
    midnights = {f"midnight_{ago}": midnight(today - timedelta(days=ago), zone) for ago in range(days, -1, -1)}
    consumed, reversed_, *axis = db.session.execute(
        _axis_at(tuple(midnights)), {"account_id": account_id, **midnights}
    ).one()
    at_midnight = [consumed if stood is None else stood for stood in axis]
    asked = Span(midnight(today - timedelta(days=days), zone), midnight(today, zone) - INSTANT, zone)
    back = given_back_by_day(account_id, asked) if reversed_ else {}
    return [
        after - before - back.get(on, NOTHING)
        for on, (before, after) in zip(asked.days, pairwise(at_midnight), strict=True)
        if after
    ]


def zone_of(account_id: int) -> str:
    """The zone in which the account's days are counted, where nothing else is asked for."""
    return db.session.scalar(select(Account.time_zone).where(Account.id == account_id)) or "UTC"


def first_used_on(account_id: int, zone: ZoneInfo) -> date | None:
    """The day of the account's first use; None before it."""
    query = select(UsageRecord.created_at).where(UsageRecord.account_id == account_id)
    first = db.session.scalar(query.order_by(UsageRecord.created_at).limit(1))
    return first.astimezone(zone).date() if first else None


def units_of(transaction_ids: Collection[int]) -> dict[int, int]:
    """How many units each of these consumptions was for, by the id of its credit transaction."""
    query = select(UsageRecord.credit_transaction_id, UsageRecord.units_consumed).where(
        UsageRecord.credit_transaction_id.in_(transaction_ids)
    )
    return dict(db.session.execute(query).all())


def _statistics(account_id: int, asked: Span, before: Span) -> Statistics:
    uses = uses_in(account_id, asked)
    return Statistics(asked, uses, summary(uses, asked.days), credits_before=used_in(account_id, before))


@cache
def _axis_at(moments: tuple[str, ...]) -> Select[Any]:
    """What was consumed and given back in all, and where the consumption axis stood at each of the named moments.

    At a moment it stood where the first charge from then on begins; null without one. Built once, since that takes
    longest.
    """
    record, entry, account = (table.__table__ for table in (UsageRecord, CreditTransaction, Account))
    stood = (
        select(entry.c.axis_from)
        .join(record, record.c.credit_transaction_id == entry.c.id)
        .where(record.c.account_id == bindparam("account_id"), record.c.created_at >= bindparam(moment))
        .order_by(record.c.created_at, record.c.credit_transaction_id)
        .limit(1)
        .scalar_subquery()
        for moment in moments
    )
    return select(account.c.consumed, account.c.total_reversed, *stood).where(account.c.id == bindparam("account_id"))
