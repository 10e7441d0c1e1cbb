"""The highest balance of a while, found without reading every charge."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import aliased

from creditapp.db import db
from creditapp.errors import NotFound
from creditapp.ledger.bounds import number_before
from creditapp.ledger.models import TRANSACTION_TYPES, Account, CreditTransaction, UsageRecord

RARE_TYPES = tuple(word for word in TRANSACTION_TYPES if word != "consumption")


def highest(account_id: int, since: datetime) -> Decimal:
    """The highest balance since then: what there was to begin with, or was reached with credits in. Raises NotFound.

    Between credits in a balance only falls, so that no charge but the first needs to be looked at. Credits that repaid
    debt as they came were never there to be spent.
    """
    repayment = aliased(CreditTransaction)
    repaid_debt = (
        select(repayment.id)
        .where(
            repayment.account_id == CreditTransaction.account_id,
            repayment.number == CreditTransaction.number + 1,
            repayment.transaction_type == "repayment",
            repayment.reference_id == cast(CreditTransaction.id, String),
        )
        .exists()
    )
    first_charge = (
        select(CreditTransaction.balance_before)
        .join(UsageRecord, UsageRecord.credit_transaction_id == CreditTransaction.id)
        .where(UsageRecord.account_id == account_id, UsageRecord.created_at >= since)
        .order_by(UsageRecord.created_at, UsageRecord.credit_transaction_id)
        .limit(1)
        .scalar_subquery()
    )
    with_credits_in = (
        select(func.max(CreditTransaction.balance_after))
        .where(
            CreditTransaction.account_id == account_id,
            CreditTransaction.transaction_type != "consumption",
            CreditTransaction.transaction_type.in_(RARE_TYPES),  # so that SQLite, too, takes the partial index
            CreditTransaction.processed_at >= since,
            CreditTransaction.number > number_before(account_id, since),
            ~repaid_debt,
        )
        .scalar_subquery()
    )
    found = db.session.execute(select(Account.balance, first_charge, with_credits_in).where(Account.id == account_id))
    row = found.one_or_none()
    if row is None:
        message = "There is no such account."
        raise NotFound(message)
    reached: list[Decimal] = [amount for amount in row if amount is not None]
    return max(reached)
