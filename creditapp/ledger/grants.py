"""Credits in, corrections, and what falls due."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from creditapp import clock
from creditapp.db import db
from creditapp.ledger import dues, journal, lots
from creditapp.ledger.errors import InsufficientCredits
from creditapp.ledger.models import Account, CreditTransaction

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
    journal.check_amount(amount)
    account = journal.lock(account_id)
    request = journal.fingerprint("grant", transaction_type, amount, polar_order_id)
    if done := journal.already_done(account, key, request):
        return done
    moment = dues.bring_up_to_date(account).moment
    if transaction_type == "purchase":
        account.total_purchased += amount
    granted = journal.post(
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
    if expires_at is None or expires_at > moment:  # what came too late can't be spent, not even on debt
        journal.repay(account, amount, key=str(granted.id), reference_id=str(granted.id), moment=moment)
    return granted


def adjust(account_id: int, amount: Decimal, *, reason: str, key: str) -> CreditTransaction:
    """Correct the balance by *amount*, up or down, for a *reason*, once per *key*.

    Down never takes what is not available: raises InsufficientCredits.
    """
    journal.check_amount(amount.copy_abs())
    if amount > 0:
        return grant(account_id, amount, transaction_type="adjustment", key=key, description=reason)
    account = journal.lock(account_id)
    request = journal.fingerprint("adjust", amount)
    if done := journal.already_done(account, key, request):
        return done
    moment = dues.bring_up_to_date(account).moment
    if account.available < -amount:
        raise InsufficientCredits(
            required=-amount, balance=account.balance, reserved=account.reserved, debt=account.debt
        )
    adjusted = journal.post(account, "adjustment", amount, moment=moment, key=key, request=request, description=reason)
    lots.revoke(account, -amount)
    return adjusted


def expire(account_id: int) -> int:
    """Settle the account's lots and book everything that has fallen due, lots and holds; how much did."""
    return dues.bring_up_to_date(journal.lock(account_id)).booked
