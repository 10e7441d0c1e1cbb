"""Where a month begins for an account: at midnight of its own zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from creditapp import ledger
from creditapp.db import db

SURELY_NEXT_MONTH = timedelta(days=32)


def month_start(now: datetime, account_id: int) -> datetime:
    """The beginning of the month that *now* lies in."""
    local = now.astimezone(zone_of(account_id)).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return local.astimezone(UTC)


def next_month(now: datetime, account_id: int) -> date:
    """The first day of the month after the one that *now* lies in."""
    return (now.astimezone(zone_of(account_id)).date().replace(day=1) + SURELY_NEXT_MONTH).replace(day=1)


def zone_of(account_id: int) -> ZoneInfo:
    """The account's own."""
    name = db.session.scalar(select(ledger.Account.time_zone).where(ledger.Account.id == account_id))
    return ZoneInfo(name or "UTC")
