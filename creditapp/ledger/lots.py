"""Lots, settled lazily: a charge touches none; whatever changes the set of lots settles first.

Every function here needs the account row locked.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from creditapp.db import db
from creditapp.ledger.burn import burn_order, draw
from creditapp.ledger.models import Account, CreditLot, CreditTransaction, LotRange


def left(account: Account) -> list[CreditLot]:
    """The lots of *account* with something left, in burn order."""
    query = select(CreditLot).where(CreditLot.account_id == account.id, CreditLot.remaining > 0)
    return burn_order(db.session.scalars(query.execution_options(populate_existing=True)))


def settle(account: Account) -> None:
    """Allot everything consumed since the last time to the lots that pay for it, in burn order."""
    if account.settled == account.consumed:
        return
    position = account.settled
    last = _range_ending_at(account, position)
    for lot, taken in draw(left(account), account.consumed - account.settled):
        lot.remaining -= taken
        if last is not None and last.lot_id == lot.id:
            last.axis_to += taken
        else:
            last = LotRange(account_id=account.id, lot_id=lot.id, axis_from=position, axis_to=position + taken)
            db.session.add(last)
        position += taken
    account.settled = account.consumed
    db.session.flush()
    notice_next_expiry(account)


def add(
    account: Account,
    transaction: CreditTransaction,
    *,
    source: str,
    priority: int,
    expires_at: datetime | None,
    paid_cents: int | None,
    currency: str | None,
) -> CreditLot:
    """Make the credits of *transaction* a lot of their own."""
    lot = CreditLot(
        account_id=account.id,
        credit_transaction_id=transaction.id,
        source=source,
        priority=priority,
        amount=transaction.amount,
        remaining=transaction.amount,
        expires_at=expires_at,
        paid_cents=paid_cents,
        currency=currency,
        created_at=transaction.processed_at,
    )
    db.session.add(lot)
    db.session.flush()
    notice_next_expiry(account)
    return lot


def revoke(account: Account, amount: Decimal) -> None:
    """Take *amount* out of the settled lots in burn order, without it being consumed."""
    for lot, taken in draw(left(account), amount):
        lot.remaining -= taken
        lot.revoked += taken
    db.session.flush()
    notice_next_expiry(account)


def take_out(settled: Iterable[CreditLot], amount: Decimal) -> Decimal:
    """Take up to *amount* out of these lots, in the order given; how much that was."""
    missing = amount
    for lot in settled:
        taken = min(lot.remaining, missing)
        lot.remaining -= taken
        lot.revoked += taken
        missing -= taken
    db.session.flush()
    return amount - missing


def notice_next_expiry(account: Account) -> None:
    """Write on the account when the next credits fall due."""
    account.next_expiry_at = min((lot.expires_at for lot in left(account) if lot.expires_at), default=None)
    db.session.flush()


def _range_ending_at(account: Account, position: Decimal) -> LotRange | None:
    query = (
        select(LotRange)
        .where(LotRange.account_id == account.id, LotRange.axis_from < position)
        .order_by(LotRange.axis_from.desc())
        .limit(1)
    )
    return db.session.scalar(query.execution_options(populate_existing=True))
