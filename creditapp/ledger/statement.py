"""What the books say: rows, pages of them and their sums, read without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Select, func, literal_column, or_, select, type_coerce

from creditapp import clock
from creditapp.db import LARGEST_ID, Credits, db
from creditapp.errors import NotFound
from creditapp.ledger.bounds import number_before, number_from
from creditapp.ledger.models import RETURNS, Account, CreditTransaction, Hold, UsageRecord

RETURNABLE = frozenset({"consumption", "purchase"})
LONGEST_ID = 18  # digits that surely fit
NOTHING = Decimal(0)
# What a row changed in all: credits that came or went, and debt that was made, repaid or forgiven.
NET = CreditTransaction.amount - CreditTransaction.debt_change


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
    """Lifetime sums of an account, each as it is usually said: consumed, refunded and expired went out.

    What a refund made debt counts as refunded, and what was forgiven as adjusted, so that all of them together are the
    balance less the debt.
    """

    purchased: Decimal
    bonus: Decimal
    consumed: Decimal
    reversed: Decimal
    refunded: Decimal
    expired: Decimal
    adjusted: Decimal
    count: int


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


def returns_of(transaction: CreditTransaction, limit: int) -> Sequence[CreditTransaction]:
    """What went back of a charge or of a purchase since, oldest first; nothing does of any other transaction."""
    if transaction.transaction_type not in RETURNABLE:
        return []
    query = select(CreditTransaction).where(
        CreditTransaction.account_id == transaction.account_id,
        literal_column(RETURNS),  # in the words of the partial index, so that it serves
        CreditTransaction.reference_id == str(transaction.id),
    )
    return db.session.scalars(query.order_by(CreditTransaction.number).limit(limit)).all()


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


def totals(account_id: int) -> Totals:
    """The account's lifetime totals. Charges are not summed: the account row knows what was consumed."""
    account = db.session.execute(select(Account.consumed, Account.last_number).where(Account.id == account_id)).one()
    rows = db.session.execute(
        select(CreditTransaction.transaction_type, type_coerce(func.sum(NET), Credits))
        .where(CreditTransaction.account_id == account_id, CreditTransaction.transaction_type != "consumption")
        .group_by(CreditTransaction.transaction_type)
    )
    sums: dict[str, Decimal] = dict(rows.all())
    return Totals(
        purchased=sums.get("purchase", NOTHING),
        bonus=sums.get("bonus", NOTHING),
        consumed=account.consumed,
        reversed=sums.get("reversal", NOTHING),
        refunded=-sums.get("refund", NOTHING),
        expired=-sums.get("expiration", NOTHING),
        adjusted=sums.get("adjustment", NOTHING),
        count=account.last_number,
    )


def opened_at(account_id: int) -> datetime:
    """When the account was opened: nothing moved before."""
    return db.session.execute(select(Account.opened_at).where(Account.id == account_id)).scalar_one()


def uses_key(account_id: int, key: str) -> bool:
    """Whether a key of the account moved credits, or set some aside, before."""
    moved = select(CreditTransaction.id).where(CreditTransaction.account_id == account_id, CreditTransaction.key == key)
    held = select(Hold.id).where(Hold.account_id == account_id, Hold.key == key)
    return db.session.scalar(moved) is not None or db.session.scalar(held) is not None


def account_ids(limit: int, *, after: int = 0) -> Sequence[int]:
    """Some of all accounts, in the order of their ids, from the one behind *after* on."""
    return db.session.scalars(select(Account.id).where(Account.id > after).order_by(Account.id).limit(limit)).all()


def due_accounts(limit: int) -> Sequence[int]:
    """Accounts with credits past their expiry that are not yet booked as expired."""
    query = (
        select(Account.id).where(Account.next_expiry_at <= clock.now()).order_by(Account.next_expiry_at).limit(limit)
    )
    return db.session.scalars(query).all()


def _with_returns(found: Sequence[CreditTransaction]) -> Sequence[CreditTransaction]:
    """The same rows, each knowing how much of it went back since: one query for all of them."""
    whose = {str(one.id): one for one in found if one.transaction_type in RETURNABLE}
    if not whose:
        return found
    query = (
        select(CreditTransaction.reference_id, type_coerce(func.sum(NET), Credits))
        .where(
            CreditTransaction.account_id == found[0].account_id,
            literal_column(RETURNS),  # in the words of the partial index, so that it serves
            CreditTransaction.reference_id.in_(whose),
        )
        .group_by(CreditTransaction.reference_id)
    )
    returns = {str(name): net for name, net in db.session.execute(query)}
    for name, one in whose.items():
        one.gone_back = abs(returns.get(name, NOTHING))
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
        behind = number_before(account_id, filters.since)
        query = query.where(CreditTransaction.processed_at >= filters.since, CreditTransaction.number > behind)
    if filters.until is not None:
        ahead = number_from(account_id, filters.until)
        query = query.where(CreditTransaction.processed_at < filters.until, CreditTransaction.number < ahead)
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
