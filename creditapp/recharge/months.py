"""Where a month begins for an account: at midnight of its own zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from creditapp import ledger
from creditapp.db import db


def month_start(now: datetime, account_id: int) -> datetime:
    """The beginning of the month that *now* lies in."""
    zone = db.session.scalar(select(ledger.Account.time_zone).where(ledger.Account.id == account_id)) or "UTC"
    local = now.astimezone(ZoneInfo(zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return local.astimezone(UTC)
