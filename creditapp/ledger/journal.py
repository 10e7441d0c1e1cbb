"""The only writer of balances.

Every movement is one credit transaction, booked under the account's lock together with the new balance. Nothing
here commits: the caller's transaction does.
"""

import hashlib
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from creditapp import clock
from creditapp.db import MILLIONTH, UTCDateTime, db, is_postgres
from creditapp.errors import NotFound
from creditapp.ledger import lots
from creditapp.ledger.errors import IdempotencyMismatch, InsufficientCredits, InvalidAmount
from creditapp.ledger.models import Account, CreditLot, CreditTransaction

LARGEST_AMOUNT = Decimal(1_000_000_000)
NO_DEBT = Decimal(0)
SOURCE_OF = {"purchase": "purchased", "bonus": "bonus", "adjustment": "adjustment"}


def open_account(
    *, welcome: Decimal | int = 0, welcome_expires_days: int | None = None, time_zone: str = "UTC"
) -> Account:
    """A new account, with *welcome* credits as a bonus where there are any."""
    moment = clock.now()
    account = Account(time_zone=time_zone, opened_at=moment, updated_at=moment)
    db.session.add(account)
    db.session.flush()
    if welcome:
        expires_at = moment + timedelta(days=welcome_expires_days) if welcome_expires_days else None
        grant(
            account.id,
            Decimal(welcome),
            transaction_type="bonus",
            key="welcome",
            description="Welcome credits",
            expires_at=expires_at,
        )
    return account


def lock(account_id: int) -> Account:
    """The account as it is now; nobody else changes it until the transaction ends. Raises NotFound."""
    account = db.session.get(Account, account_id, with_for_update=True, populate_existing=True)
    if account is None:
        message = "There is no such account."
        raise NotFound(message)
    return account


def grant(
    account_id: int,
    amount: Decimal,
    *,
    transaction_type: str,
    key: str,
    description: str | None = None,
    expires_at: datetime | None = None,
    priority: int = 0,
    paid_cents: int | None = None,
    currency: str | None = None,
    reference_id: str | None = None,
    polar_order_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> CreditTransaction:
    """Put *amount* credits in, as a lot of their own, once per *key*.

    1. Lock the account. A key that was used for the same grant gives the first transaction again.
    2. Settle the lots and expire what is due, so that the new lot pays only for what comes after it.
    3. Book the credits and make the lot; then they repay debt, where there is any.

    Raises NotFound, InvalidAmount (not above 0, finer than a millionth, more than a thousand million) and
    IdempotencyMismatch (the key was used for another grant).
    """
    check_amount(amount)
    account = lock(account_id)
    request = fingerprint("grant", transaction_type, amount, polar_order_id)
    if done := already_done(account, key, request):
        return done
    moment = moment_of(account)
    lots.settle(account)
    expire_due(account, moment)
    if transaction_type == "purchase":
        account.total_purchased += amount
    granted = post(
        account,
        transaction_type,
        amount,
        moment=moment,
        key=key,
        request=request,
        description=description,
        reference_id=reference_id,
        polar_order_id=polar_order_id,
        details=details or {},
    )
    lots.add(
        account,
        granted,
        source=SOURCE_OF[transaction_type],
        priority=priority,
        expires_at=expires_at,
        paid_cents=paid_cents,
        currency=currency,
    )
    repay(account, granted)
    return granted


def adjust(account_id: int, amount: Decimal, *, reason: str, key: str) -> CreditTransaction:
    """Correct the balance by *amount*, up or down, for a *reason*, once per *key*.

    Down never takes what is not available: raises InsufficientCredits.
    """
    check_amount(amount.copy_abs())
    if amount > 0:
        return grant(account_id, amount, transaction_type="adjustment", key=key, description=reason)
    account = lock(account_id)
    request = fingerprint("adjust", amount)
    if done := already_done(account, key, request):
        return done
    moment = moment_of(account)
    lots.settle(account)
    expire_due(account, moment)
    if account.available < -amount:
        raise InsufficientCredits(
            required=-amount, balance=account.balance, reserved=account.reserved, debt=account.debt
        )
    adjusted = post(account, "adjustment", amount, moment=moment, key=key, request=request, description=reason)
    lots.revoke(account, -amount)
    return adjusted


def expire(account_id: int) -> int:
    """Book the expiry of every lot of the account that has fallen due; how many did."""
    account = lock(account_id)
    lots.settle(account)
    return expire_due(account, moment_of(account))


def settle(account_id: int) -> Account:
    """The locked account with its lots settled and everything due expired."""
    account = lock(account_id)
    lots.settle(account)
    expire_due(account, moment_of(account))
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


def repay(account: Account, credits_in: CreditTransaction) -> None:
    """Let credits that just came in repay the debt of the locked *account*, as far as they are available."""
    amount = min(account.debt, credits_in.amount, account.available)
    if amount <= 0:
        return
    lots.revoke(account, amount)
    post(
        account,
        "repayment",
        -amount,
        debt_change=-amount,
        moment=credits_in.processed_at,
        key=f"repay:{credits_in.id}",
        description="Debt repaid",
        reference_id=str(credits_in.id),
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
    """What *key* did before; None where it did nothing yet. Raises IdempotencyMismatch for another request."""
    if key is None:
        return None
    query = select(CreditTransaction).where(CreditTransaction.account_id == account.id, CreditTransaction.key == key)
    done = db.session.scalar(query)
    if done is not None and done.request != request:
        raise IdempotencyMismatch(key)
    return done


def expire_due(account: Account, moment: datetime) -> int:
    """Book what has fallen due on the locked and settled *account*; how many lots did."""
    if account.next_expiry_at is None or account.next_expiry_at > moment:
        return 0
    due: list[CreditLot] = [lot for lot in lots.left(account) if lot.expires_at and lot.expires_at <= moment]
    for lot in due:
        lot.expired += lot.remaining
        post(
            account,
            "expiration",
            -lot.remaining,
            moment=moment,
            key=f"expire:{lot.id}:{lot.expired}",
            description=f"{lot.source.capitalize()} credits expired",
            reference_id=str(lot.credit_transaction_id),
        )
        lot.remaining = Decimal(0)
    db.session.flush()
    lots.notice_next_expiry(account)
    return len(due)
