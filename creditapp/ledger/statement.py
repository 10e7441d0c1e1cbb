"""What the books say, read without changing them.

A read never shows credits past their expiry, even before they are booked as expired: it settles in its head.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, type_coerce

from creditapp import clock
from creditapp.db import LARGEST_ID, Credits, UTCDateTime, db
from creditapp.errors import NotFound
from creditapp.ledger.burn import burn_order, draw
from creditapp.ledger.models import Account, CreditLot, CreditTransaction, Hold, LotRange, UsageRecord

EXPIRING_WITHIN = timedelta(days=30)
STREAM_ROWS = 500
RETURNABLE = frozenset({"consumption", "purchase"})
LONGEST_ID = 18  # digits that surely fit


@dataclass(frozen=True, slots=True)
class LotLeft:
    """A lot, and what is left of it at this moment, were everything settled."""

    id: int
    credit_transaction_id: int
    source: str
    priority: int
    amount: Decimal
    remaining: Decimal
    expires_at: datetime | None
    created_at: datetime


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


@dataclass(frozen=True, slots=True)
class Filters:
    """Which transactions are asked for; what is None does not narrow. ``since`` is inclusive, ``until`` is not."""

    transaction_type: str | None = None
    operation_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Totals:
    """Lifetime sums of an account, each positive, as credits that came in or went out."""

    purchased: Decimal
    bonus: Decimal
    consumed: Decimal
    reversed: Decimal
    refunded: Decimal
    expired: Decimal
    adjusted: Decimal
    count: int


def balance(account_id: int) -> Balance:
    """The account's standing now. One statement, so that the account and its lots can't disagree. Raises NotFound."""
    moment = clock.now()
    account, lots = _standing(account_id, expiring_by=moment + EXPIRING_WITHIN)
    # What a hold past its time keeps is free, and what an open one covers does not expire.
    reserved = account.reserved - _held_in_vain(account_id, moment) if account.reserved else account.reserved
    due = sum((lot.remaining for lot in lots if _is_due(lot, moment)), Decimal(0))
    due = min(due, account.balance - reserved)
    soon = [lot for lot in lots if not _is_due(lot, moment) and _is_due(lot, moment + EXPIRING_WITHIN)]
    return Balance(
        account_id=account_id,
        balance=account.balance - due,
        reserved=reserved,
        debt=account.debt,
        total_purchased=account.total_purchased,
        total_consumed=account.consumed - account.total_reversed,
        expiring=sum((lot.remaining for lot in soon), Decimal(0)),
        expiring_at=min((lot.expires_at for lot in soon if lot.expires_at), default=None),
        updated_at=account.updated_at,
    )


def lots_left(account_id: int) -> list[LotLeft]:
    """What the account's credits consist of, in the order in which they will be spent."""
    moment = clock.now()
    _, lots = _standing(account_id)
    return [lot for lot in lots if not _is_due(lot, moment)]


def entry(account_id: int, transaction_id: int) -> CreditTransaction:
    """One transaction of this account. Raises NotFound, for another's too."""
    query = select(CreditTransaction).where(
        CreditTransaction.account_id == account_id, CreditTransaction.id == min(transaction_id, LARGEST_ID)
    )
    found = db.session.scalar(query)
    if found is None:
        message = "There is no such transaction."
        raise NotFound(message)
    return _with_returns([found])[0]


def usage_of(transaction: CreditTransaction) -> UsageRecord | None:
    """What a consumption was for."""
    return db.session.get(UsageRecord, transaction.id)


def entries(
    account_id: int, filters: Filters = EVERYTHING, *, before: int | None = None, limit: int = 25
) -> Sequence[CreditTransaction]:
    """A page of transactions, newest first; *before* is the ``number`` at which the page before ended."""
    query = _matching(account_id, filters).order_by(CreditTransaction.number.desc()).limit(limit)
    if before is not None:
        query = query.where(CreditTransaction.number < before)
    return _with_returns(db.session.scalars(query).all())


def entries_after(
    account_id: int, filters: Filters = EVERYTHING, *, after: int, limit: int = 25
) -> Sequence[CreditTransaction]:
    """The page back: the transactions that follow the ``number`` *after*, newest first."""
    query = _matching(account_id, filters).where(CreditTransaction.number > after)
    return _with_returns(db.session.scalars(query.order_by(CreditTransaction.number).limit(limit)).all()[::-1])


def every_entry(account_id: int, filters: Filters = EVERYTHING) -> Iterator[CreditTransaction]:
    """All matching transactions, newest first, read page by page."""
    before: int | None = None
    while page := entries(account_id, filters, before=before, limit=STREAM_ROWS):
        yield from page
        before = page[-1].number
        db.session.expunge_all()


def totals(account_id: int) -> Totals:
    """The account's lifetime totals. Charges are not summed: the account row knows what was consumed."""
    account = db.session.execute(select(Account.consumed, Account.last_number).where(Account.id == account_id)).one()
    rows = db.session.execute(
        select(CreditTransaction.transaction_type, func.sum(CreditTransaction.amount))
        .where(CreditTransaction.account_id == account_id, CreditTransaction.transaction_type != "consumption")
        .group_by(CreditTransaction.transaction_type)
    )
    sums: dict[str, Decimal] = dict(rows.all())
    nothing = Decimal(0)
    return Totals(
        purchased=sums.get("purchase", nothing),
        bonus=sums.get("bonus", nothing),
        consumed=account.consumed,
        reversed=sums.get("reversal", nothing),
        refunded=-sums.get("refund", nothing),
        expired=-sums.get("expiration", nothing),
        adjusted=sums.get("adjustment", nothing),
        count=account.last_number,
    )


def lot_of(transaction: CreditTransaction) -> LotLeft | None:
    """The lot that a transaction brought in, and what is left of it now; None where it brought none."""
    query = select(*_LOT_COLUMNS).where(CreditLot.credit_transaction_id == transaction.id)
    row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    left = {lot.id: lot.remaining for lot in lots_left(transaction.account_id)}
    return replace(_lot_left(row), remaining=left.get(row.id, Decimal(0)))


def payers(transaction: CreditTransaction) -> list[tuple[LotLeft, Decimal]]:
    """Which lots paid a consumption, and how much each: its place on the consumption axis tells."""
    if transaction.axis_from is None:
        return []
    start, end = transaction.axis_from, transaction.axis_from - transaction.amount
    account, lots = _standing(transaction.account_id, settle=False)
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
    for lot, taken in draw(lots, account.consumed - account.settled):
        overlap = min(position + taken, end) - max(position, start)
        if overlap > 0:
            paid.append((lot, overlap))
        position += taken
    return paid


def uses_key(account_id: int, key: str) -> bool:
    """Whether a key of the account moved credits, or set some aside, before."""
    moved = select(CreditTransaction.id).where(CreditTransaction.account_id == account_id, CreditTransaction.key == key)
    held = select(Hold.id).where(Hold.account_id == account_id, Hold.key == key)
    return db.session.scalar(moved) is not None or db.session.scalar(held) is not None


def due_accounts(limit: int) -> Sequence[int]:
    """Accounts with credits past their expiry that are not yet booked as expired."""
    query = (
        select(Account.id).where(Account.next_expiry_at <= clock.now()).order_by(Account.next_expiry_at).limit(limit)
    )
    return db.session.scalars(query).all()


# Built once and from plain columns: the balance is what is read most, and the ORM costs more than the database.
_ACCOUNT, _LOT = Account.__table__.c, CreditLot.__table__.c
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
_OF_ACCOUNT = (_LOT.account_id == _ACCOUNT.id) & (_LOT.remaining > 0)
_DUE = _ACCOUNT.next_expiry_at <= bindparam("expiring_by", type_=UTCDateTime)
_WITH_LOTS, _WITH_LOTS_IF_DUE = (
    select(*_ACCOUNT_COLUMNS, *_LOT_COLUMNS)
    .select_from(Account.__table__.outerjoin(CreditLot.__table__, wanted))
    .where(_ACCOUNT.id == bindparam("account_id"))
    for wanted in (_OF_ACCOUNT, _OF_ACCOUNT & _DUE)
)


def _standing(
    account_id: int, *, expiring_by: datetime | None = None, settle: bool = True
) -> tuple[Any, list[LotLeft]]:
    """The account row and its lots with something left, in burn order; only where one expires by *expiring_by*."""
    if expiring_by is None:
        rows = db.session.execute(_WITH_LOTS, {"account_id": account_id}).all()
    else:
        rows = db.session.execute(_WITH_LOTS_IF_DUE, {"account_id": account_id, "expiring_by": expiring_by}).all()
    if not rows:
        message = "There is no such account."
        raise NotFound(message)
    account = rows[0]
    lots = burn_order(_lot_left(row) for row in rows if row.id is not None)
    if lots and settle:
        taken = {lot.id: paid for lot, paid in draw(lots, account.consumed - account.settled)}
        lots = [replace(lot, remaining=lot.remaining - taken.get(lot.id, Decimal(0))) for lot in lots]
    return account, [lot for lot in lots if lot.remaining > 0]


def _held_in_vain(account_id: int, moment: datetime) -> Decimal:
    """What open holds past their time still keep."""
    rest = type_coerce(func.sum(Hold.amount - Hold.captured - Hold.released), Credits)
    query = select(rest).where(Hold.account_id == account_id, Hold.state == "open", Hold.expires_at <= moment)
    return db.session.scalar(query) or Decimal(0)


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


def _is_due(lot: LotLeft, moment: datetime) -> bool:
    return lot.expires_at is not None and lot.expires_at <= moment


def _with_returns(found: Sequence[CreditTransaction]) -> Sequence[CreditTransaction]:
    """The same rows, each knowing how much of it went back since: one query for all of them."""
    whose = {str(one.id): one for one in found if one.transaction_type in RETURNABLE}
    if not whose:
        return found
    account_id = found[0].account_id
    query = (
        select(
            CreditTransaction.reference_id,
            type_coerce(func.sum(CreditTransaction.amount - CreditTransaction.debt_change), Credits),
        )
        .where(
            CreditTransaction.account_id == account_id,
            CreditTransaction.transaction_type.in_(("reversal", "refund")),
            CreditTransaction.reference_id.in_(whose),
        )
        .group_by(CreditTransaction.reference_id)
    )
    returns = {str(name): sum_ for name, sum_ in db.session.execute(query)}
    for name, one in whose.items():
        one.gone_back = abs(returns.get(name, Decimal(0)))
    return found


def _matching(account_id: int, filters: Filters) -> Select[CreditTransaction]:
    query = select(CreditTransaction).where(CreditTransaction.account_id == account_id)
    if filters.transaction_type is not None:
        query = query.where(CreditTransaction.transaction_type == filters.transaction_type)
        if filters.transaction_type != "consumption":  # said again in these words, so that the partial index serves
            query = query.where(CreditTransaction.transaction_type != "consumption")
    if filters.operation_type is not None:
        query = query.where(CreditTransaction.operation_type == filters.operation_type)
    if filters.since is not None:
        query = query.where(CreditTransaction.processed_at >= filters.since)
    if filters.until is not None:
        query = query.where(CreditTransaction.processed_at < filters.until)
    if filters.text:
        words = filters.text.strip()
        meant = [
            CreditTransaction.description.icontains(words, autoescape=True),
            CreditTransaction.operation_id == words,
            CreditTransaction.reference_id == words,
            CreditTransaction.polar_order_id == words,
        ]
        if words.isascii() and words.isdigit() and len(words) <= LONGEST_ID:
            meant += [CreditTransaction.id == int(words), CreditTransaction.number == int(words)]
        query = query.where(or_(*meant))
    return query
