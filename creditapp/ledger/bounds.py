"""Between which numbers a stretch of time lies, be it long ago: numbers follow time, and charges are found by theirs.

Who asks for what happened since some moment, or until then, reads no row of any other time when they say these, too.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased

from creditapp.db import LARGEST_ID
from creditapp.ledger.models import CreditTransaction, UsageRecord


def number_before(account_id: int, moment: datetime) -> ColumnElement[int]:
    """A number behind which lies all that happened at *moment* or later: that of the last charge before; 0 without."""
    latest = UsageRecord.created_at.desc(), UsageRecord.credit_transaction_id.desc()
    charge = _charges(account_id).where(UsageRecord.created_at < moment).order_by(*latest).limit(1)
    return func.coalesce(charge.scalar_subquery(), 0)


def number_from(account_id: int, moment: datetime) -> ColumnElement[int]:
    """A number before which lies all that happened before *moment*: that of the first charge from then on."""
    soonest = UsageRecord.created_at, UsageRecord.credit_transaction_id
    charge = _charges(account_id).where(UsageRecord.created_at >= moment).order_by(*soonest).limit(1)
    return func.coalesce(charge.scalar_subquery(), LARGEST_ID)


def _charges(account_id: int) -> Select[int]:
    charge = aliased(CreditTransaction)
    return (
        select(charge.number)
        .join(UsageRecord, UsageRecord.credit_transaction_id == charge.id)
        .where(UsageRecord.account_id == account_id)
    )
