"""What was used, day by day in the account's own time zone."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, Select, bindparam, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from creditapp import clock
from creditapp.db import db, is_postgres
from creditapp.ledger import Account, CreditTransaction, UsageRecord

# Every zone's midnight falls on a quarter of an hour, so that quarters can be put into any zone's days.
QUARTER_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Day:
    """What an account used on one of its days, by operation."""

    on: date
    by_operation: dict[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """All of it."""
        return sum(self.by_operation.values(), Decimal(0))


def daily(account_id: int, days: int, time_zone: str) -> list[Day]:
    """The last *days* days, today included, oldest first; days without usage are there, empty."""
    zone = ZoneInfo(time_zone)
    today = clock.now().astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    since = midnight(first, zone)
    quarter = _quarter_of(UsageRecord.created_at)
    rows = db.session.execute(
        select(quarter, UsageRecord.operation_type, func.sum(UsageRecord.credits_consumed))
        .where(UsageRecord.account_id == account_id, UsageRecord.created_at >= since)
        .group_by(quarter, UsageRecord.operation_type)
    )
    found: defaultdict[date, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for start, operation, total in rows:
        on = datetime.fromtimestamp(start * QUARTER_SECONDS, zone).date()
        found[on][operation or "other"] += total
    return [Day(on, dict(found[on])) for on in (first + timedelta(days=number) for number in range(days))]


def on_complete_days(account_id: int, days: int, time_zone: str) -> list[Decimal]:
    """What the account used on each of its last *days* days that are over, oldest first.

    Read off the consumption axis at every midnight: it costs one index entry a day, however much was used.
    """
    zone = ZoneInfo(time_zone)
    today = clock.now().astimezone(zone).date()
    midnights = {f"midnight_{ago}": midnight(today - timedelta(days=ago), zone) for ago in range(days, -1, -1)}
    row = db.session.execute(_axis_at(tuple(midnights)), {"account_id": account_id, **midnights}).one()
    consumed = row[0]
    at_midnight = [consumed if axis is None else axis for axis in row[1:]]
    return [after - before for before, after in pairwise(at_midnight)]


def units_of(transaction_ids: Collection[int]) -> dict[int, int]:
    """How many units each of these consumptions was for, by the id of its credit transaction."""
    query = select(UsageRecord.credit_transaction_id, UsageRecord.units_consumed).where(
        UsageRecord.credit_transaction_id.in_(transaction_ids)
    )
    return dict(db.session.execute(query).all())


def used_since(account_id: int, days: int) -> Decimal:
    """How much the account used in the last *days* times 24 hours."""
    since = clock.now() - timedelta(days=days)
    total = db.session.scalar(
        select(func.sum(UsageRecord.credits_consumed)).where(
            UsageRecord.account_id == account_id, UsageRecord.created_at >= since
        )
    )
    return total or Decimal(0)


def midnight(on: date, zone: ZoneInfo) -> datetime:
    """When the day *on* begins in *zone*, in UTC."""
    return datetime.combine(on, time(), zone).astimezone(UTC)


@cache
def _axis_at(moments: tuple[str, ...]) -> Select[Any]:
    """Where the consumption axis stands, and stood at each of the named moments; built once, since that takes longest.

    At a moment it stood where the first charge from then on begins; null without one.
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
    return select(account.c.consumed, *stood).where(account.c.id == bindparam("account_id"))


def _quarter_of(moment: InstrumentedAttribute[datetime]) -> ColumnElement[int]:
    epoch = func.extract("epoch", moment) if is_postgres() else cast(func.strftime("%s", moment), Integer)
    return cast(func.floor(epoch / QUARTER_SECONDS), Integer) if is_postgres() else epoch.op("/")(QUARTER_SECONDS)
