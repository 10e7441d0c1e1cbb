"""What was used, day by day in the account's own time zone."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Integer, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute

from creditapp import clock
from creditapp.db import db, from_millionths, is_postgres
from creditapp.ledger import UsageRecord

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
    since = datetime.combine(first, time(), zone).astimezone(UTC)
    quarter = _quarter_of(UsageRecord.created_at)
    rows = db.session.execute(
        select(quarter, UsageRecord.operation_type, func.sum(UsageRecord.credits_consumed))
        .where(UsageRecord.account_id == account_id, UsageRecord.created_at >= since)
        .group_by(quarter, UsageRecord.operation_type)
    )
    found: defaultdict[date, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for start, operation, total in rows.tuples():
        on = datetime.fromtimestamp(start * QUARTER_SECONDS, zone).date()
        found[on][operation or "other"] += from_millionths(int(total))
    return [
        Day(on, dict(found[on])) for on in (first + timedelta(days=number) for number in range(days))
    ]


def used_since(account_id: int, days: int) -> Decimal:
    """How much the account used in the last *days* times 24 hours."""
    since = clock.now() - timedelta(days=days)
    total = db.session.scalar(
        select(func.sum(UsageRecord.credits_consumed)).where(
            UsageRecord.account_id == account_id, UsageRecord.created_at >= since
        )
    )
    return from_millionths(int(total or 0))


def _quarter_of(moment: InstrumentedAttribute[datetime]) -> ColumnElement[int]:
    epoch = func.extract("epoch", moment) if is_postgres() else cast(func.strftime("%s", moment), Integer)
    return cast(func.floor(epoch / QUARTER_SECONDS), Integer) if is_postgres() else epoch.op("/")(QUARTER_SECONDS)
