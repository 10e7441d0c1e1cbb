"""How an account stands at this moment, read without changing anything.

A read never shows credits past their expiry, nor keeps any for a hold past its time, even before that is booked: it
settles in its head.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, bindparam, literal, literal_column, null, select, true, union_all

from creditapp import clock
from creditapp.db import UTCDateTime, db
from creditapp.errors import NotFound
from creditapp.ledger.burn import draw
from creditapp.ledger.models import OPEN, Account, CreditLot, CreditTransaction, Hold, LotRange
from creditapp.ledger.timeline import LotLeft, OpenHold, Standing

EXPIRING_WITHIN = timedelta(days=30)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's standing at this moment. ``expiring`` falls due within 30 days, the first at ``expiring_at``."""

    account_id: int
    balance: Decimal
    reserved: Decimal
    debt: Decimal
    total_purchased: Decimal
    total_consumed: Decimal
    expiring: Decimal
    expiring_at: datetime | None
    updated_at: datetime

    @property
    def available(self) -> Decimal:
        """What may be spent now."""
        return self.balance - self.reserved


def balance(account_id: int) -> Balance:
    """The account's standing now. One statement, so that the account and its lots can't disagree. Raises NotFound."""
    moment = clock.now()
    soon = moment + EXPIRING_WITHIN
    account, standing = _at(account_id, moment, expiring_by=soon)
    expiring = [lot for lot in standing.left if lot.expires_at is not None and lot.expires_at <= soon]
    return Balance(
        account_id=account_id,
        balance=standing.balance,
        reserved=standing.reserved,
        debt=standing.debt,
        total_purchased=account.total_purchased,
        total_consumed=account.consumed - account.total_reversed,
        expiring=sum((lot.remaining for lot in expiring), NOTHING),
        expiring_at=min((lot.expires_at for lot in expiring if lot.expires_at), default=None),
        updated_at=account.updated_at,
    )


def lots_left(account_id: int) -> list[LotLeft]:
    """What the account's credits consist of, in the order in which they will be spent. Raises NotFound."""
    _, standing = _at(account_id, clock.now())
    return standing.left


def lot_of(transaction: CreditTransaction) -> LotLeft | None:
    """The lot that a transaction brought in, and what is left of it now; None where it brought none."""
    query = select(*_LOT_COLUMNS).where(CreditLot.credit_transaction_id == transaction.id)
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    left = {lot.id: lot for lot in lots_left(transaction.account_id)}
    return left.get(row.id) or replace(_lot_left(row), remaining=NOTHING)


def payers(transaction: CreditTransaction) -> list[tuple[LotLeft, Decimal]]:
    """Which lots paid a consumption, and how much each: its place on the consumption axis tells."""
    if transaction.axis_from is None:
        return []
    start, end = transaction.axis_from, transaction.axis_from - transaction.amount
    account, standing = _as_booked(transaction.account_id)
    settled_ranges = db.session.execute(
        select(LotRange.axis_from, LotRange.axis_to, *_LOT_COLUMNS)
        .join(CreditLot, CreditLot.id == LotRange.lot_id)
        .where(LotRange.account_id == transaction.account_id, LotRange.axis_from < end, LotRange.axis_to > start)
        .order_by(LotRange.axis_from)
    )
    # What was settled since the account was read is counted below, from the lots as they were then.
    known = min(end, account.settled)
    settled = ((_lot_left(row), min(row.axis_to, known) - max(row.axis_from, start)) for row in settled_ranges)
    paid = [(lot, taken) for lot, taken in settled if taken > 0]
    position = account.settled
    for lot, taken in draw(standing.lots.values(), account.consumed - account.settled):
        overlap = min(position + taken, end) - max(position, start)
        if overlap > 0:
            paid.append((lot, overlap))
        position += taken
    return paid


# Built once and from plain columns: the balance is what is read most, and the ORM costs more than the database.
_ACCOUNT, _LOT, _HOLD = Account.__table__.c, CreditLot.__table__.c, Hold.__table__.c
_ACCOUNT_COLUMNS = (
    _ACCOUNT.balance,
    _ACCOUNT.reserved,
    _ACCOUNT.debt,
    _ACCOUNT.consumed,
    _ACCOUNT.settled,
    _ACCOUNT.total_purchased,
    _ACCOUNT.total_reversed,
    _ACCOUNT.updated_at,
)
_LOT_COLUMNS = (
    _LOT.id,
    _LOT.credit_transaction_id,
    _LOT.source,
    _LOT.priority,
    _LOT.amount,
    _LOT.remaining,
    _LOT.expires_at,
    _LOT.created_at,
)
_THIS = bindparam("account_id", type_=BigInteger)
_WITH_SOMETHING_LEFT = (_LOT.account_id == _THIS) & literal_column("remaining > 0")  # said as the partial index says it
_BY_THEN = _ACCOUNT.next_expiry_at <= bindparam("expiring_by", type_=UTCDateTime)
_WITH_LOTS_IF_DUE = (
    select(*_ACCOUNT_COLUMNS, *_LOT_COLUMNS)
    .select_from(Account.__table__.outerjoin(CreditLot.__table__, _WITH_SOMETHING_LEFT & _BY_THEN))
    .where(_ACCOUNT.id == _THIS)
)
_OPEN_HOLDS = select(
    _HOLD.id,
    null(),
    literal("hold"),
    null(),
    _HOLD.amount,
    _HOLD.amount - _HOLD.captured - _HOLD.released,
    _HOLD.expires_at,
    _HOLD.opened_at,
).where(_HOLD.account_id == _THIS, literal_column(OPEN))
_PARTS = union_all(select(*_LOT_COLUMNS).where(_WITH_SOMETHING_LEFT), _OPEN_HOLDS).subquery()
_WITH_LOTS_AND_HOLDS = (
    select(*_ACCOUNT_COLUMNS, *_PARTS.c)
    .select_from(Account.__table__.outerjoin(_PARTS, true()))
    .where(_ACCOUNT.id == _THIS)
)


def _at(account_id: int, moment: datetime, *, expiring_by: datetime | None = None) -> tuple[Any, Standing]:
    """The account row, and how it stands at *moment*; without its lots where nothing is held or expires by then."""
    account, standing = _as_booked(account_id, expiring_by=expiring_by)
    if standing.lots:
        for lot, taken in draw(standing.left, account.consumed - account.settled):
            standing.lots[lot.id] = replace(lot, remaining=lot.remaining - taken)
    for _ in standing.pass_to(moment):
        pass
    return account, standing


def _as_booked(account_id: int, *, expiring_by: datetime | None = None) -> tuple[Any, Standing]:
    if expiring_by is None:
        rows = db.session.execute(_WITH_LOTS_AND_HOLDS, {"account_id": account_id}).all()
    else:
        rows = db.session.execute(_WITH_LOTS_IF_DUE, {"account_id": account_id, "expiring_by": expiring_by}).all()
    if not rows:
        message = "There is no such account."
        raise NotFound(message)
    account = rows[0]
    if expiring_by is not None and account.reserved:
        return _as_booked(account_id)
    parts = [row for row in rows if row.id is not None]
    return account, Standing(
        balance=account.balance,
        reserved=account.reserved,
        debt=account.debt,
        lots={row.id: _lot_left(row) for row in parts if row.source != "hold"},
        holds={row.id: OpenHold(row.id, row.remaining, row.expires_at) for row in parts if row.source == "hold"},
    )


def _lot_left(row: Any) -> LotLeft:
    return LotLeft(
        id=row.id,
        credit_transaction_id=row.credit_transaction_id,
        source=row.source,
        priority=row.priority,
        amount=row.amount,
        remaining=row.remaining,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )
