"""Usage by day, as the buckets have it and as it is counted here from the records one by one."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from creditapp import ledger, usage
from creditapp.db import db
from tests.entries import every_entry

Name = tuple[date, str, str, int]
Sums = dict[Name, tuple[int, int, Decimal, int, Decimal]]
NOTHING = Decimal(0)


def rolled_up(account: int) -> Sums:
    """What the buckets of an account say."""
    db.session.rollback()
    found = db.session.scalars(select(ledger.UsageBucket).where(ledger.UsageBucket.account_id == account))
    return {
        (one.used_on, one.operation_type, one.api_endpoint, one.api_key_id): (
            one.operations,
            one.units,
            one.credits,
            one.reversed_operations,
            one.reversed_credits,
        )
        for one in found
    }


def recorded(account: int) -> Sums:
    """What its usage records and reversals say, in the days of its zone."""
    zone = ZoneInfo(usage.zone_of(account))
    returned: dict[str | None, Decimal] = {}
    for entry in every_entry(account, ledger.Filters(transaction_type="reversal")):
        returned[entry.reference_id] = returned.get(entry.reference_id, NOTHING) + entry.amount
    sums: Sums = {}
    for one in db.session.scalars(select(ledger.UsageRecord).where(ledger.UsageRecord.account_id == account)):
        on = one.created_at.astimezone(zone).date()
        name = (on, one.operation_type or "", one.api_endpoint or "", one.api_key_id or 0)
        calls, units, credits, complete, back = sums.get(name, (0, 0, NOTHING, 0, NOTHING))
        given = returned.get(str(one.credit_transaction_id), NOTHING)
        complete += given == one.credits_consumed
        sums[name] = (calls + 1, units + one.units_consumed, credits + one.credits_consumed, complete, back + given)
    return sums


def counted(uses: Sequence[usage.Use]) -> Counter[tuple[object, ...]]:
    """Uses as one can compare them, each name once."""
    sums: Counter[tuple[object, ...]] = Counter()
    for use in uses:
        for number, value in enumerate((use.operations, use.credits, use.reversed_operations, use.reversed_credits)):
            sums[use.on, use.operation, use.endpoint, use.api_key_id, number] += value  # type: ignore[assignment]
    return +sums
