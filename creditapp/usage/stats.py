"""What was used, read from the usage records: days are those of the zone that is asked for.

An operation that was given back counts nowhere; one given back in part counts with what is left of it. Both are told
apart. It is the day of the operation that counts, not the day on which it was given back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)

from creditapp import clock
from creditapp.db import Credits, db, is_postgres
from creditapp.ledger import Account, CreditTransaction, UsageRecord
from creditapp.ledger.models import RETURNS
from creditapp.usage.periods import DAY, HOUR, INSTANT, Span, midnight, offsets, span, span_before, span_of_days
from creditapp.usage.summary import UNLABELLED, Day, Summary, Use, by_day, summary

FIRST_DAY = date(1970, 1, 1)
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
    return by_day(uses_in(account_id, asked), asked.days)


def uses_in(account_id: int, asked: Span, *, hourly: bool = False) -> list[Use]:
    """What the account used in this span, as finely as statistics tell it apart, by day or by hour of the clock."""
    unit = HOUR if hourly else DAY
    groups = (
        _number_of(UsageRecord.created_at, asked, unit).label("number"),
        UsageRecord.operation_type,
        UsageRecord.api_endpoint,
        UsageRecord.api_key_id,
    )
    used = select(*groups, func.count(), func.sum(UsageRecord.credits_consumed)).where(*_in(account_id, asked))
    returned = _returned(account_id)
    complete = case((returned.c.credits >= UsageRecord.credits_consumed, 1), else_=0)
    given_back = (
        select(*groups, func.sum(complete), type_coerce(func.sum(returned.c.credits), Credits))
        .join(returned, returned.c.charge == UsageRecord.credit_transaction_id)
        .where(*_in(account_id, asked))
    )
    first = datetime(1970, 1, 1, tzinfo=asked.zone) if hourly else FIRST_DAY
    back = {tuple(row[:4]): row[4:] for row in db.session.execute(_grouped(given_back))}
    return [
        Use(
            first + number * unit,
            operation or UNLABELLED,
            endpoint,
            key,
            count,
            credits,
            *(back.get((number, operation, endpoint, key), (0, NOTHING))),
        )
        for number, operation, endpoint, key, count, credits in db.session.execute(_grouped(used))
    ]


def used_in(account_id: int, asked: Span) -> Decimal:
    """How many credits the account used in this span."""
    used = db.session.scalar(select(func.sum(UsageRecord.credits_consumed)).where(*_in(account_id, asked)))
    return (used or NOTHING) - sum(_given_back_by_day(account_id, asked).values(), NOTHING)


def used_since(account_id: int, days: int) -> Decimal:
    """How much the account used in the last *days* times 24 hours."""
    now = clock.now()
    return used_in(account_id, Span(now - timedelta(days=days), now, ZoneInfo("UTC")))


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
    back = _given_back_by_day(account_id, asked) if reversed_ else {}
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


def _given_back_by_day(account_id: int, asked: Span) -> dict[date, Decimal]:
    returned = _returned(account_id)
    day = _number_of(UsageRecord.created_at, asked, DAY)
    rows = db.session.execute(
        select(day, type_coerce(func.sum(returned.c.credits), Credits))
        .join(returned, returned.c.charge == UsageRecord.credit_transaction_id)
        .where(*_in(account_id, asked))
        .group_by(day)
    )
    return {FIRST_DAY + number * DAY: credits for number, credits in rows}


def _returned(account_id: int) -> Any:
    """How much was given back of each charge: found by the partial index, in whose words it is asked."""
    return (
        select(
            cast(CreditTransaction.reference_id, BigInteger).label("charge"),
            func.sum(CreditTransaction.amount).label("credits"),
        )
        .where(
            CreditTransaction.account_id == account_id,
            literal_column(RETURNS),
            CreditTransaction.transaction_type == "reversal",
        )
        .group_by(CreditTransaction.reference_id)
        .subquery()
    )


def _in(account_id: int, asked: Span) -> tuple[ColumnElement[bool], ...]:
    return (
        UsageRecord.account_id == account_id,
        UsageRecord.created_at >= asked.since,
        UsageRecord.created_at <= asked.until,
    )


def _grouped(query: Any) -> Select[Any]:
    grouped: Select[Any] = query.group_by(literal_column("number"), *list(query.selected_columns)[1:4])
    return grouped


def _number_of(moment: Any, asked: Span, unit: timedelta) -> ColumnElement[int]:
    """The number of the day or hour into which *moment* falls, by the clocks of the span's zone."""
    if is_postgres():
        epoch = cast(func.floor(func.extract("epoch", moment)), BigInteger)
    else:
        epoch = cast(func.strftime("%s", moment), Integer)
    (_, first), *changes = offsets(asked)
    seconds = (
        case(*((moment >= since, offset) for since, offset in reversed(changes)), else_=first) if changes else first
    )
    return (epoch + seconds) // int(unit.total_seconds())


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
