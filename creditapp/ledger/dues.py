"""What fell due is booked before anything else happens to an account.

Between two bookings the set of lots is constant and no expiry passes, so that which lots paid for a charge follows from
its place on the consumption axis alone.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import literal_column, select

from creditapp.db import db
from creditapp.ledger import journal, lots
from creditapp.ledger.models import OPEN, Account, CreditLot, Hold
from creditapp.ledger.timeline import Covered, Ended, Expired, LotLeft, OpenHold, Standing


@dataclass(frozen=True, slots=True)
class Due:
    """Now, as the account knows it, and how many lots and holds were found due."""

    moment: datetime
    booked: int


def bring_up_to_date(account: Account) -> Due:
    """Settle the lots of the locked *account* and book what has fallen due, in the order in which it did."""
    moment = journal.moment_of(account)
    lots.settle(account)
    lot_is_due = account.next_expiry_at is not None and account.next_expiry_at <= moment
    hold_is_due = account.reserved > 0 and has_due_holds(account.id, moment)
    if not lot_is_due and not hold_is_due:
        return Due(moment, 0)
    left = {lot.id: lot for lot in lots.left(account)}
    holds = _open_holds(account) if account.reserved else {}
    standing = Standing(
        balance=account.balance,
        reserved=account.reserved,
        debt=account.debt,
        lots={lot.id: _as_it_is(lot) for lot in left.values()},
        holds={hold.id: OpenHold(hold.id, hold.remaining, hold.expires_at) for hold in holds.values()},
    )
    booked = 0
    for event in standing.pass_to(moment):
        match event:
            case Ended(hold_id):
                end(account, holds[hold_id], "expired", moment)
                booked += 1
            case Expired(lot_id, amount):
                _expire(account, left[lot_id], amount, moment)
                booked += 1
            case Covered(lot_id, until):
                left[lot_id].expires_at = until
    db.session.flush()
    lots.notice_next_expiry(account)
    return Due(moment, booked)


def has_due_holds(account_id: int, moment: datetime) -> bool:
    """Whether an open hold of the account is past its time."""
    query = select(Hold.id).where(Hold.account_id == account_id, literal_column(OPEN), Hold.expires_at <= moment)
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


def _open_holds(account: Account) -> dict[int, Hold]:
    query = select(Hold).where(Hold.account_id == account.id, literal_column(OPEN))
    return {hold.id: hold for hold in db.session.scalars(query.execution_options(populate_existing=True))}


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


def _as_it_is(lot: CreditLot) -> LotLeft:
    return LotLeft(
        id=lot.id,
        credit_transaction_id=lot.credit_transaction_id,
        source=lot.source,
        priority=lot.priority,
        amount=lot.amount,
        remaining=lot.remaining,
        expires_at=lot.expires_at,
        created_at=lot.created_at,
    )
