"""How usage is read: the account's own days from their buckets; hours, and days of any other zone, from the records."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    type_coerce,
)

from creditapp.db import Credits, db, is_postgres
from creditapp.ledger import Account, CreditTransaction, UsageBucket, UsageRecord, number_before
from creditapp.ledger.models import RETURNS
from creditapp.usage.periods import DAY, HOUR, Span, offsets
from creditapp.usage.summary import UNLABELLED, Use

FIRST_DAY = date(1970, 1, 1)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What the buckets say of whole days, up to the account's last movement *until*."""

    uses: list[Use]
    until: datetime


def uses_of_buckets(account_id: int, asked: Span, *, by_operation: bool) -> RolledUp | None:
    """What was used on the days that the span touches, whole; None where the account's days are another zone's."""
    days, zone = asked.days, asked.zone.key
    if not days:
        return None
    given = {"account_id": account_id, "in_zone": zone, "first": days[0], "last": days[-1]}
    rows = db.session.execute(_BY_OPERATION if by_operation else _BUCKETS, given).all()
    if not rows or rows[0].zone != zone:
        return None
    uses = [
        Use(on, operation or UNLABELLED, endpoint or None, key or None, *counted)
        for _, _, on, operation, endpoint, key, *counted in rows
        if on is not None
    ]
    return RolledUp(uses, rows[0].updated_at)


def uses_of_records(account_id: int, asked: Span, unit: timedelta) -> list[Use]:
    """What was used in this span, by day or by hour of the clock."""
    groups = (
        _number_of(UsageRecord.created_at, asked, unit).label("number"),
        UsageRecord.operation_type,
        UsageRecord.api_endpoint,
        UsageRecord.api_key_id,
    )
    used = select(*groups, func.count(), func.sum(UsageRecord.credits_consumed)).where(*_within(account_id, asked))
    returned = _returned(account_id, asked.since)
    complete = case((returned.c.credits >= UsageRecord.credits_consumed, 1), else_=0)
    given_back = (
        select(*groups, func.sum(complete), type_coerce(func.sum(returned.c.credits), Credits))
        .join(returned, returned.c.charge == UsageRecord.credit_transaction_id)
        .where(*_within(account_id, asked))
    )
    first = datetime(1970, 1, 1, tzinfo=asked.zone) if unit == HOUR else FIRST_DAY
    back = {tuple(row[:4]): row[4:] for row in db.session.execute(_grouped(given_back))}
    return [
        Use(
            first + number * unit,
            operation or UNLABELLED,
            endpoint or None,
            key,
            count,
            credits,
            *(back.get((number, operation, endpoint, key), (0, NOTHING))),
        )
        for number, operation, endpoint, key, count, credits in db.session.execute(_grouped(used))
    ]


def given_back_by_day(account_id: int, asked: Span) -> dict[date, Decimal]:
    """How many of the credits used on each day of the span were given back since."""
    returned = _returned(account_id, asked.since)
    day = _number_of(UsageRecord.created_at, asked, DAY)
    rows = db.session.execute(
        select(day, type_coerce(func.sum(returned.c.credits), Credits))
        .join(returned, returned.c.charge == UsageRecord.credit_transaction_id)
        .where(*_within(account_id, asked))
        .group_by(day)
    )
    return {FIRST_DAY + number * DAY: credits for number, credits in rows}


_ACCOUNT, _BUCKET = Account.__table__.c, UsageBucket.__table__.c
_ZONE = func.coalesce(_ACCOUNT.counted_in, _ACCOUNT.time_zone)
_THIS = bindparam("account_id", type_=BigInteger)


def _buckets(*names: ColumnElement[Any]) -> Select[Any]:
    """The buckets of some days, summed up by *names*; one row of nothing where there are none.

    One statement, so that the account's zone, its last movement and its buckets are of the same moment.
    """
    summed = (
        select(
            _BUCKET.used_on,
            *names,
            cast(func.sum(_BUCKET.operations), BigInteger).label("operations"),
            type_coerce(cast(func.sum(_BUCKET.credits), BigInteger), Credits).label("credits"),
            cast(func.sum(_BUCKET.reversed_operations), BigInteger).label("reversed_operations"),
            type_coerce(cast(func.sum(_BUCKET.reversed_credits), BigInteger), Credits).label("reversed_credits"),
        )
        .where(
            _BUCKET.account_id == _THIS,
            _BUCKET.used_on >= bindparam("first", type_=Date),
            _BUCKET.used_on <= bindparam("last", type_=Date),
        )
        .group_by(_BUCKET.used_on, *names)
        .subquery()
    )
    return (
        select(_ZONE.label("zone"), _ACCOUNT.updated_at, *summed.c)
        .select_from(Account.__table__.outerjoin(summed, bindparam("in_zone") == _ZONE))
        .where(_ACCOUNT.id == _THIS)
    )


_BUCKETS = _buckets(_BUCKET.operation_type, _BUCKET.api_endpoint, _BUCKET.api_key_id)
_BY_OPERATION = _buckets(
    _BUCKET.operation_type, cast(null(), String).label("api_endpoint"), cast(null(), BigInteger).label("api_key_id")
)


def _returned(account_id: int, since: datetime) -> Any:
    """How much was given back of each charge from *since* on, which was later: no older reversal is read.

    Found by a partial index, in whose words it is asked.
    """
    return (
        select(
            cast(CreditTransaction.reference_id, BigInteger).label("charge"),
            func.sum(CreditTransaction.amount).label("credits"),
        )
        .where(
            CreditTransaction.account_id == account_id,
            literal_column(RETURNS),
            CreditTransaction.transaction_type == "reversal",
            CreditTransaction.number > number_before(account_id, since),
        )
        .group_by(CreditTransaction.reference_id)
        .subquery()
    )


def _within(account_id: int, asked: Span) -> tuple[ColumnElement[bool], ...]:
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
