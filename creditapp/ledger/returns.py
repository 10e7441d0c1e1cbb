"""Credits that go back: a purchase refunded, a refund that fell through, an operation given back, debt forgiven.

Whatever comes in while there is debt repays it at once, by a row of its own, so that every row says one thing.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, literal_column, select, type_coerce

from creditapp.db import LARGEST_ID, Credits, db
from creditapp.errors import CreditAppError, InvalidInput, NotFound
from creditapp.ledger import buckets, dues, journal, lots
from creditapp.ledger.errors import InvalidAmount
from creditapp.ledger.models import RETURNS, Account, CreditLot, CreditTransaction, LotRange
from creditapp.ledger.policy import policy

NOTHING = Decimal(0)
# Own money first, and what was given away last.
CLAWBACK_ORDER = {"purchased": 0, "adjustment": 1, "bonus": 2}


class AlreadyReversed(CreditAppError):
    """Nothing is left of the charge to give back."""

    code, status, title = "already_reversed", 409, "This charge was given back already"


class NotAConsumption(InvalidInput):
    """Only what was consumed can be given back."""

    code = "not_a_consumption"


def claw_back(
    account_id: int,
    amount: Decimal,
    *,
    purchase_id: int,
    key: str,
    description: str,
    polar_order_id: str,
    polar_transaction_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> CreditTransaction:
    """Take back *amount* of the purchase whose credit transaction is *purchase_id*, once per *key*.

    1. From its own lot; then, where the policy says so, from other purchased lots, and from bonuses last. Never what is
       reserved.
    2. What is missing becomes debt; where the policy forgives it, it is written off at once.

    Raises InvalidAmount (also where less is left of the purchase), NotFound and IdempotencyMismatch.
    """
    journal.check_amount(amount)
    account = journal.lock(account_id)
    request = journal.fingerprint("claw_back", purchase_id, amount)
    if done := journal.already_done(account, key, request):
        return done
    own = _lot_of(account, purchase_id)
    _check_left(amount, own.amount + _returned(account, purchase_id), "of this purchase are left to take back")
    moment = dues.bring_up_to_date(account).moment
    others = [lot for lot in lots.left(account) if lot is not own] if policy().clawback_other_lots else []
    others.sort(key=lambda lot: CLAWBACK_ORDER[lot.source])
    taken = lots.take_out([own, *others], min(amount, account.available))
    lots.notice_next_expiry(account)
    account.total_purchased -= amount
    posted = journal.post(
        account,
        "refund",
        -taken,
        debt_change=amount - taken,
        moment=moment,
        key=key,
        request=request,
        description=description,
        reference_id=str(purchase_id),
        polar_order_id=polar_order_id,
        polar_transaction_id=polar_transaction_id,
        details=details or {},
    )
    if posted.debt_change and policy().forgive_shortfall:
        write_off(account_id, posted.debt_change, reason="A shortfall after a refund, forgiven", key=f"{key}:forgiven")
    return posted


def give_back(
    account_id: int,
    amount: Decimal,
    *,
    purchase_id: int,
    key: str,
    description: str,
    polar_order_id: str,
    polar_transaction_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> CreditTransaction:
    """Undo so much of what was taken back of a purchase, once per *key*: the credits return to its own lot.

    Raises InvalidAmount (also where less was taken back), NotFound and IdempotencyMismatch.
    """
    journal.check_amount(amount)
    account = journal.lock(account_id)
    request = journal.fingerprint("give_back", purchase_id, amount)
    if done := journal.already_done(account, key, request):
        return done
    own = _lot_of(account, purchase_id)
    _check_left(amount, -_returned(account, purchase_id), "of this purchase were taken back")
    moment = dues.bring_up_to_date(account).moment
    _return_to(own, amount, moment)
    lots.notice_next_expiry(account)
    account.total_purchased += amount
    posted = journal.post(
        account,
        "refund",
        amount,
        moment=moment,
        key=key,
        request=request,
        description=description,
        reference_id=str(purchase_id),
        polar_order_id=polar_order_id,
        polar_transaction_id=polar_transaction_id,
        details=details or {},
    )
    journal.repay(account, amount, key=str(posted.id), reference_id=str(posted.id), moment=moment)
    return posted


def reverse(
    account_id: int,
    transaction_id: int,
    amount: Decimal | None = None,
    *,
    key: str | None,
    reason: str | None = None,
    request: str | None = None,
) -> CreditTransaction:
    """Give back a charge, or *amount* of it, once per *key*, to the lots that paid for it, last taken first.

    Raises NotFound (for another account's too), NotAConsumption, AlreadyReversed where nothing is left of it,
    InvalidAmount where less is left than *amount*, and IdempotencyMismatch.
    """
    account = journal.lock(account_id)
    request = request or journal.fingerprint("reverse", transaction_id, amount)
    if done := journal.already_done(account, key, request):
        return done
    charge = _charge(account, transaction_id)
    left = -charge.amount - _returned(account, charge.id)
    if left == 0:
        message = "All of this charge was given back already."
        raise AlreadyReversed(message)
    amount = left if amount is None else amount
    journal.check_amount(amount)
    _check_left(amount, left, "of this charge are left to give back")
    moment = dues.bring_up_to_date(account).moment
    assert charge.axis_from is not None  # noqa: S101  (every consumption lies on the axis)
    end = charge.axis_from + left
    for lot, returned in _drawn_between(account, end - amount, end):
        _return_to(lot, returned, moment)
    db.session.flush()
    lots.notice_next_expiry(account)
    account.total_reversed += amount
    posted = journal.post(
        account,
        "reversal",
        amount,
        moment=moment,
        key=key,
        request=request,
        description=reason,
        reference_id=str(charge.id),
        operation_type=charge.operation_type,
        operation_id=charge.operation_id,
    )
    buckets.give_back(charge.id, amount, complete=amount == left)
    journal.repay(account, amount, key=str(posted.id), reference_id=str(posted.id), moment=moment)
    return posted


def write_off(account_id: int, amount: Decimal, *, reason: str, key: str) -> CreditTransaction:
    """Forgive *amount* of the account's debt for a *reason*, once per *key*.

    Raises InvalidAmount where the debt is smaller, NotFound and IdempotencyMismatch.
    """
    journal.check_amount(amount)
    account = journal.lock(account_id)
    request = journal.fingerprint("write_off", amount)
    if done := journal.already_done(account, key, request):
        return done
    moment = dues.bring_up_to_date(account).moment
    _check_left(amount, account.debt, "are owed")
    return journal.post(
        account,
        "adjustment",
        NOTHING,
        debt_change=-amount,
        moment=moment,
        key=key,
        request=request,
        description=reason,
    )


def _returned(account: Account, transaction_id: int) -> Decimal:
    """What went back of a charge, above 0, or of a purchase, below 0, in credits or as debt."""
    net = type_coerce(func.sum(CreditTransaction.amount - CreditTransaction.debt_change), Credits)
    query = select(net).where(
        CreditTransaction.account_id == account.id,
        literal_column(RETURNS),  # in the words of the partial index, so that it serves
        CreditTransaction.reference_id == str(transaction_id),
    )
    return db.session.scalar(query) or NOTHING


def _check_left(amount: Decimal, left: Decimal, what: str) -> None:
    if amount > left:
        message = f"Only {left.normalize():f} credits {what}."
        raise InvalidAmount(message)


def _lot_of(account: Account, purchase_id: int) -> CreditLot:
    query = select(CreditLot).where(
        CreditLot.account_id == account.id,
        CreditLot.credit_transaction_id == purchase_id,
        CreditLot.source == "purchased",
    )
    lot = db.session.scalar(query.execution_options(populate_existing=True))
    if lot is None:
        message = "There is no such purchase."
        raise NotFound(message)
    return lot


def _charge(account: Account, transaction_id: int) -> CreditTransaction:
    query = select(CreditTransaction).where(
        CreditTransaction.account_id == account.id, CreditTransaction.id == min(transaction_id, LARGEST_ID)
    )
    charge = db.session.scalar(query)
    if charge is None:
        message = "There is no such transaction."
        raise NotFound(message)
    if charge.transaction_type != "consumption":
        message = f"Only a consumption can be given back; this is a {charge.transaction_type}."
        raise NotAConsumption(message)
    return charge


def _drawn_between(account: Account, start: Decimal, end: Decimal) -> list[tuple[CreditLot, Decimal]]:
    """Which lots paid for a stretch of the settled axis, and how much each."""
    query = (
        select(LotRange, CreditLot)
        .join(CreditLot, CreditLot.id == LotRange.lot_id)
        .where(LotRange.account_id == account.id, LotRange.axis_from < end, LotRange.axis_to > start)
    )
    rows = db.session.execute(query.execution_options(populate_existing=True)).all()
    return [(lot, min(drawn.axis_to, end) - max(drawn.axis_from, start)) for drawn, lot in rows]


def _return_to(lot: CreditLot, amount: Decimal, moment: datetime) -> None:
    """Put credits back into their lot; one past its expiry is given some days of grace to spend them."""
    lot.remaining += amount
    lot.returned += amount
    if lot.expires_at is not None and lot.expires_at <= moment:
        lot.expires_at = moment + timedelta(days=policy().return_grace_days)
    db.session.flush()
