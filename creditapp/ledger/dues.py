"""What falls due: lots and holds, booked in the order of their times before anything else happens to an account.

Between two bookings the set of lots is constant and no expiry passes, so that which lots paid for a charge follows from
its place on the consumption axis alone.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from creditapp import clock
from creditapp.db import db
from creditapp.ledger import journal, lots
from creditapp.ledger.models import Account, CreditLot, Hold


@dataclass(frozen=True, slots=True)
class Due:
    """Now, as the account knows it, and how many lots and holds were found due."""

    moment: datetime
    booked: int


def bring_up_to_date(account: Account) -> Due:
    """Settle the lots of the locked *account* and book what has fallen due, in the order in which it did.

    A hold that ends frees its credits; a lot that falls due expires, but for what an open hold covers: that may be
    spent until the latest open hold ends.
    """
    moment = journal.moment_of(account)
    lots.settle(account)
    booked = 0
    for hold in _due_holds(account, moment):
        booked += _expire_lots(account, hold.expires_at, moment, strictly=True)
        end(account, hold, "expired", moment)
        booked += 1
    booked += _expire_lots(account, moment, moment)
    return Due(moment, booked)


def has_due_holds(account_id: int) -> bool:
    """Whether an open hold of the account is past its time."""
    query = select(Hold.id).where(Hold.account_id == account_id, Hold.state == "open", Hold.expires_at <= clock.now())
    return db.session.scalar(query.limit(1)) is not None


def end(account: Account, hold: Hold, state: str, moment: datetime) -> None:
    """End an open hold of the locked *account*: what was not captured is free, and repays debt where there is any."""
    rest = hold.remaining
    account.reserved -= rest
    hold.released += rest
    hold.state, hold.ended_at = state, moment
    account.updated_at = moment
    db.session.flush()
    journal.repay(account, rest, key=f"hold:{hold.id}", reference_id=f"hold:{hold.id}", moment=moment)


def _due_holds(account: Account, moment: datetime) -> list[Hold]:
    if account.reserved == 0:
        return []
    query = (
        select(Hold)
        .where(Hold.account_id == account.id, Hold.state == "open", Hold.expires_at <= moment)
        .order_by(Hold.expires_at, Hold.id)
    )
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def _expire_lots(account: Account, until: datetime, moment: datetime, *, strictly: bool = False) -> int:
    """Book the lots that fell due by *until*: what is not reserved expires, the rest is given grace."""
    booked = 0
    while account.next_expiry_at is not None and _has_come(account.next_expiry_at, until, strictly):
        fell_due = account.next_expiry_at
        due = [lot for lot in lots.left(account) if lot.expires_at == fell_due]
        expiring = min(sum((lot.remaining for lot in due), Decimal(0)), account.available)
        # Covered is what would be burnt first: the last in burn order expire.
        for lot in reversed(due):
            gone = min(lot.remaining, expiring)
            expiring -= gone
            if gone:
                _expire(account, lot, gone, moment)
                booked += 1
            if lot.remaining:
                lot.expires_at = _latest_deadline(account)
        db.session.flush()
        lots.notice_next_expiry(account)
    return booked


def _has_come(expiry: datetime, until: datetime, strictly: bool) -> bool:
    return expiry < until if strictly else expiry <= until


def _expire(account: Account, lot: CreditLot, amount: Decimal, moment: datetime) -> None:
    lot.remaining -= amount
    lot.expired += amount
    journal.post(
        account,
        "expiration",
        -amount,
        moment=moment,
        key=f"expire:{lot.id}:{lot.expired}",
        description=f"{lot.source.capitalize()} credits expired",
        reference_id=str(lot.credit_transaction_id),
    )


def _latest_deadline(account: Account) -> datetime:
    query = select(Hold.expires_at).where(Hold.account_id == account.id, Hold.state == "open")
    return max(db.session.scalars(query))
