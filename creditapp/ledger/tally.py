"""What moved in a stretch of time, so that it ties out: opening, every kind of movement, closing.

Numbers follow time without gaps. Where a stretch begins and ends is found by halving, and what was consumed in it lies
between two places on the consumption axis: however many charges there are, none of them is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select, type_coerce

from creditapp.db import Credits, db
from creditapp.ledger.models import Account, CreditTransaction

NOTHING = Decimal(0)
# In these words the partial index of the rare types serves.
RARE = CreditTransaction.transaction_type != "consumption"


@dataclass(frozen=True, slots=True)
class Stood:
    """Where an account stood: the number of its last movement, 0 before the first, and the balance after it."""

    number: int
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Moved:
    """All movements of one type: how many, and what they did to the balance and to the debt."""

    count: int = 0
    credits: Decimal = NOTHING
    debt: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Tally:
    """An account's movements from one moment until just before another: those numbered *first* to *last*."""

    first: int
    last: int
    opening: Decimal
    closing: Decimal
    opening_debt: Decimal
    closing_debt: Decimal
    moved: Mapping[str, Moved]

    @property
    def count(self) -> int:
        """How many movements; 0 where *last* lies before *first*."""
        return self.last - self.first + 1

    @property
    def ties_out(self) -> bool:
        """Whether opening and every movement make closing, and none is missing."""
        moved = self.moved.values()
        return (
            self.opening + sum((one.credits for one in moved), NOTHING) == self.closing
            and self.opening_debt + sum((one.debt for one in moved), NOTHING) == self.closing_debt
            and sum(one.count for one in moved) == self.count
        )

    def of(self, transaction_type: str) -> Moved:
        """The movements of this type, none of them too."""
        return self.moved.get(transaction_type, Moved())


def tally(account_id: int, since: datetime, until: datetime) -> Tally:
    """What moved from *since* until just before *until*."""
    before, after = stood_before(account_id, (since, until))
    rows = db.session.execute(
        select(
            CreditTransaction.transaction_type,
            func.count(),
            type_coerce(func.sum(CreditTransaction.amount), Credits),
            type_coerce(func.sum(CreditTransaction.debt_change), Credits),
        )
        .where(
            CreditTransaction.account_id == account_id,
            RARE,
            CreditTransaction.number > before.number,
            CreditTransaction.number <= after.number,
        )
        .group_by(CreditTransaction.transaction_type)
    )
    moved = {transaction_type: Moved(count, credits, debt) for transaction_type, count, credits, debt in rows}
    charges = after.number - before.number - sum(one.count for one in moved.values())
    if charges:
        consumed = _consumed_by(account_id, after.number) - _consumed_by(account_id, before.number)
        moved["consumption"] = Moved(charges, -consumed)
    return Tally(
        first=before.number + 1,
        last=after.number,
        opening=before.balance,
        closing=after.balance,
        opening_debt=_debt_by(account_id, before.number),
        closing_debt=_debt_by(account_id, after.number),
        moved=moved,
    )


def stood_before(account_id: int, moments: Sequence[datetime]) -> list[Stood]:
    """Where the account stood just before each of these moments."""
    numbers = _numbers_before(account_id, moments)
    query = select(CreditTransaction.number, CreditTransaction.balance_after).where(
        CreditTransaction.account_id == account_id, CreditTransaction.number.in_(set(numbers))
    )
    balances: dict[int, Decimal] = dict(db.session.execute(query).all())
    return [Stood(number, balances.get(number, NOTHING)) for number in numbers]


def _numbers_before(account_id: int, moments: Sequence[datetime]) -> list[int]:
    newest = db.session.scalar(select(Account.last_number).where(Account.id == account_id)) or 0
    found = [range(newest + 1) for _ in moments]  # each holds the number that is looked for
    while pending := {numbers[len(numbers) // 2] for numbers in found if len(numbers) > 1}:
        query = select(CreditTransaction.number, CreditTransaction.processed_at).where(
            CreditTransaction.account_id == account_id, CreditTransaction.number.in_(pending)
        )
        at: dict[int, datetime] = dict(db.session.execute(query).all())
        found = [
            _halved(numbers, at, moment) if len(numbers) > 1 else numbers
            for numbers, moment in zip(found, moments, strict=True)
        ]
    return [numbers[0] for numbers in found]


def _halved(numbers: range, at: Mapping[int, datetime], moment: datetime) -> range:
    middle = len(numbers) // 2
    return numbers[middle:] if at[numbers[middle]] < moment else numbers[:middle]


def _consumed_by(account_id: int, number: int) -> Decimal:
    """Where the consumption axis stood after this number: where the next charge begins, else where it ends now."""
    following = (
        select(CreditTransaction.axis_from)
        .where(
            CreditTransaction.account_id == account_id,
            CreditTransaction.transaction_type == "consumption",
            CreditTransaction.number > number,
        )
        .order_by(CreditTransaction.number)
        .limit(1)
        .scalar_subquery()
    )
    query = select(func.coalesce(following, Account.consumed, type_=Credits)).where(Account.id == account_id)
    return db.session.scalar(query) or NOTHING


def _debt_by(account_id: int, number: int) -> Decimal:
    """What was owed after this number: the debt now, without what changed since."""
    since = (
        select(func.coalesce(func.sum(CreditTransaction.debt_change), 0))
        .where(CreditTransaction.account_id == account_id, RARE, CreditTransaction.number > number)
        .scalar_subquery()
    )
    query = select(type_coerce(Account.debt - since, Credits)).where(Account.id == account_id)
    return db.session.scalar(query) or NOTHING
