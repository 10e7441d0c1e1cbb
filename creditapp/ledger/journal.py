"""The only writer of balances.

Every movement is one credit transaction, booked under the account's lock together with the new balance. Nothing
here commits: the caller's transaction does.
"""

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from creditapp import clock
from creditapp.db import MILLIONTH, UTCDateTime, db, is_postgres
from creditapp.errors import NotFound
from creditapp.ledger import lots
from creditapp.ledger.errors import IdempotencyMismatch, InvalidAmount
from creditapp.ledger.models import Account, CreditTransaction, Hold
from creditapp.ledger.timeline import repayment
from creditapp.onecall import only_in_a_transaction

LARGEST_AMOUNT = Decimal(1_000_000_000)
NO_DEBT = Decimal(0)


def lock(account_id: int) -> Account:
    """The account as it is now; nobody else changes it until the transaction ends. Raises NotFound."""
    only_in_a_transaction()
    account = db.session.get(Account, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        message = "There is no such account."
        raise NotFound(message)
    return account


def post(
    account: Account,
    transaction_type: str,
    amount: Decimal,
    *,
    moment: datetime,
    debt_change: Decimal = NO_DEBT,
    **columns: Any,
) -> CreditTransaction:
    """Book one movement on the locked *account*: the row, the new balance and the new debt together."""
    account.last_number += 1
    before = account.balance
    account.balance = before + amount
    account.debt += debt_change
    account.updated_at = moment
    transaction = CreditTransaction(
        account_id=account.id,
        number=account.last_number,
        transaction_type=transaction_type,
        amount=amount,
        debt_change=debt_change,
        balance_before=before,
        balance_after=account.balance,
        reserved_after=account.reserved,
        processed_at=moment,
        **columns,
    )
    db.session.add(transaction)
    db.session.flush()
    return transaction


def repay(account: Account, amount: Decimal, *, key: str, reference_id: str, moment: datetime) -> None:
    """Let *amount* credits that came in or became free just now repay the locked *account*'s debt, where it has any."""
    amount = repayment(amount, debt=account.debt, available=account.available)
    if not amount:
        return
    lots.revoke(account, amount)
    post(
        account,
        "repayment",
        -amount,
        debt_change=-amount,
        moment=moment,
        key=f"repay:{key}",
        description="Debt repaid",
        reference_id=reference_id,
    )


def moment_of(account: Account) -> datetime:
    """Now, read after the lock and never before the account's last movement."""
    if clock.given() is None and is_postgres():
        return max(db.session.scalars(select(func.clock_timestamp(type_=UTCDateTime))).one(), account.updated_at)
    return max(clock.now(), account.updated_at)


def check_amount(amount: Decimal) -> None:
    """Refuse what can't move: zero, below zero, finer than a millionth, beyond any sane size."""
    if not amount.is_finite() or amount <= 0:
        message = "The amount must be greater than 0."
        raise InvalidAmount(message)
    if amount > LARGEST_AMOUNT:
        message = f"The amount must be at most {LARGEST_AMOUNT:,} credits."
        raise InvalidAmount(message)
    if amount != amount.quantize(MILLIONTH):  # exact for any number of digits, unlike a product
        message = "The amount may have at most six decimals."
        raise InvalidAmount(message)


def fingerprint(*parts: object) -> str:
    """A short, stable mark of a request, to tell a repetition from another request under the same key."""
    text = "\x1f".join(str(part.normalize()) if isinstance(part, Decimal) else str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def already_done(account: Account, key: str | None, request: str) -> CreditTransaction | None:
    """What *key* did before; None where it did nothing yet. Raises IdempotencyMismatch for another request.

    A key that opened a hold is another request too. Charges alone don't look there, for the sake of their speed: who
    takes keys from outside looks before them.
    """
    if key is None:
        return None
    query = select(CreditTransaction).where(CreditTransaction.account_id == account.id, CreditTransaction.key == key)
    done = db.session.scalar(query)
    if done is not None and done.request == request:
        return done
    held = select(Hold.id).where(Hold.account_id == account.id, Hold.key == key)
    if done is not None or db.session.scalar(held) is not None:
        raise IdempotencyMismatch(key)
    return None
