"""Watch levels: whoever wants to hear of an account that runs low says how low, and every charge tells by itself.

The account row carries the highest level that anybody wants, so that a charge above it costs nobody a look.
"""

from decimal import Decimal

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Credits, Model, db
from creditapp.ledger import journal


class WatchLevel(Model):
    """At how many available credits, or fewer, one who watches the account wants to hear of it."""

    __tablename__ = "watch_levels"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    wanted_by: Mapped[str] = mapped_column(String(32), primary_key=True)
    level: Mapped[Decimal] = mapped_column(Credits)


def watch(account_id: int, level: Decimal | None, *, by: str) -> None:
    """Let every charge and hold that leaves *level* or less say so; None: *by* does not want to hear of it any more.

    Each who watches has one level; the highest of all counts. Raises NotFound.
    """
    account = journal.lock(account_id)
    found = db.session.get(WatchLevel, (account_id, by), populate_existing=True)
    if level is None:
        if found is not None:
            db.session.delete(found)
    elif found is None:
        db.session.add(WatchLevel(account_id=account_id, wanted_by=by, level=level))
    else:
        found.level = level
    db.session.flush()
    account.watch_level = db.session.scalar(
        select(func.max(WatchLevel.level)).where(WatchLevel.account_id == account_id)
    )
    db.session.flush()
