"""Usage rolled up: one row for what an account used on one of its days of one operation, endpoint and key.

A bucket is written in the transaction of its charge, under the account's lock, which every writer here holds: so it is
never ahead of the usage records nor behind them. What is given back counts on the day of the operation. Days are those
of the account's zone; where it has changed, those of the old one (``Account.counted_in``) until all is counted anew.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import BigInteger, Date, String, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Credits, Model, UTCDateTime, db, is_postgres
from creditapp.errors import InvalidInput
from creditapp.ledger import journal
from creditapp.ledger.models import RETURNS, Account, UsageRecord

# So many rows of an account are counted anew within the request that changes its zone.
AT_ONCE = 10_000


class UsageBucket(Model):
    """What was used on a day; where no operation, endpoint or key was named, '' and 0 stand for it.

    ``reversed_operations`` were given back whole, ``reversed_credits`` in all.
    """

    __tablename__ = "usage_buckets"

    account_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    used_on: Mapped[date] = mapped_column(Date, primary_key=True)
    operation_type: Mapped[str] = mapped_column(String(100), primary_key=True)
    api_endpoint: Mapped[str] = mapped_column(String(255), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    operations: Mapped[int] = mapped_column(BigInteger)
    units: Mapped[int] = mapped_column(BigInteger)
    credits: Mapped[Decimal] = mapped_column(Credits)
    reversed_operations: Mapped[int] = mapped_column(BigInteger)
    reversed_credits: Mapped[Decimal] = mapped_column(Credits)


# ``local_day`` is a function of ours in either database.
COUNT = """
    INSERT INTO usage_buckets (account_id, used_on, operation_type, api_endpoint, api_key_id, operations, units,
                               credits, reversed_operations, reversed_credits)
    VALUES (:account, local_day(:at, :zone), coalesce(:operation_type, ''), coalesce(:api_endpoint, ''),
            coalesce(:api_key, 0), 1, :units, :amount, 0, 0)
    ON CONFLICT (account_id, used_on, operation_type, api_endpoint, api_key_id) DO UPDATE SET
        operations = usage_buckets.operations + 1, units = usage_buckets.units + excluded.units,
        credits = usage_buckets.credits + excluded.credits"""

FROM_RECORDS = f"""
    SELECT u.account_id, local_day(u.created_at, coalesce(a.counted_in, a.time_zone)) AS used_on,
           coalesce(u.operation_type, '') AS operation_type, coalesce(u.api_endpoint, '') AS api_endpoint,
           coalesce(u.api_key_id, 0) AS api_key_id, count(*) AS operations, sum(u.units_consumed) AS units,
           sum(u.credits_consumed) AS credits,
           count(CASE WHEN r.credits >= u.credits_consumed THEN 1 END) AS reversed_operations,
           coalesce(sum(r.credits), 0) AS reversed_credits
    FROM usage_records u JOIN accounts a ON a.id = u.account_id
    LEFT JOIN (SELECT account_id, reference_id, sum(amount) AS credits FROM credit_transactions
               WHERE {RETURNS} AND transaction_type = 'reversal' {{of_account}}
               GROUP BY account_id, reference_id) r
      ON r.account_id = u.account_id AND r.reference_id = CAST(u.credit_transaction_id AS TEXT)
    WHERE 1 = 1 {{of_record}}
    GROUP BY 1, 2, 3, 4, 5"""  # noqa: S608  (our own words)

_COUNT = text(COUNT).bindparams(bindparam("at", type_=UTCDateTime), bindparam("amount", type_=Credits))
_GIVE_BACK = text(
    "UPDATE usage_buckets SET reversed_operations = reversed_operations + :complete, "
    "reversed_credits = reversed_credits + :amount "
    "WHERE (account_id, used_on, operation_type, api_endpoint, api_key_id) = ("
    "SELECT u.account_id, local_day(u.created_at, coalesce(a.counted_in, a.time_zone)), "
    "coalesce(u.operation_type, ''), coalesce(u.api_endpoint, ''), coalesce(u.api_key_id, 0) "
    "FROM usage_records u JOIN accounts a ON a.id = u.account_id WHERE u.credit_transaction_id = :charge)"
).bindparams(bindparam("amount", type_=Credits))
_FORGET = text("DELETE FROM usage_buckets WHERE account_id = :account")
_COUNT_ALL = text(
    "INSERT INTO usage_buckets (account_id, used_on, operation_type, api_endpoint, api_key_id, operations, units, "
    "credits, reversed_operations, reversed_credits) "
    + FROM_RECORDS.format(of_account="AND account_id = :account", of_record="AND u.account_id = :account")
)


def count(account: Account, record: UsageRecord) -> None:
    """Add an operation of the locked *account* to its bucket."""
    db.session.execute(
        _COUNT,
        {
            "account": account.id,
            "at": record.created_at,
            "zone": account.counted_in or account.time_zone,
            "operation_type": record.operation_type,
            "api_endpoint": record.api_endpoint,
            "api_key": record.api_key_id,
            "units": record.units_consumed,
            "amount": record.credits_consumed,
        },
    )


def give_back(charge_id: int, amount: Decimal, *, complete: bool) -> None:
    """Note that so much of a charge was given back, and whether nothing is left of it; its account is locked."""
    db.session.execute(_GIVE_BACK, {"charge": charge_id, "amount": amount, "complete": int(complete)})


def rebuild(account_id: int) -> None:
    """Count everything that the account used anew, in the days of its zone, under its lock. Raises NotFound."""
    account = journal.lock(account_id)
    if is_postgres():
        db.session.execute(text("SET LOCAL statement_timeout = 0"))
    account.counted_in = None
    db.session.flush()
    db.session.execute(_FORGET, {"account": account_id})
    db.session.execute(_COUNT_ALL, {"account": account_id})


def change_time_zone(account_id: int, time_zone: str) -> None:
    """Let the account's days be those of this zone. Raises NotFound, and InvalidInput where the database has no such.

    Little usage is counted anew at once. Much is counted anew by the clock; until then the buckets are those of the old
    zone, and say so.
    """
    if is_postgres() and not db.session.scalar(_KNOWN_ZONE, {"zone": time_zone}):
        message = "The database does not know this time zone. Choose another."
        raise InvalidInput(message)
    account = journal.lock(account_id)
    counted_in = account.counted_in or account.time_zone
    account.time_zone = time_zone
    account.counted_in = counted_in if counted_in != time_zone else None
    db.session.flush()
    if account.counted_in and account.last_number <= AT_ONCE:
        rebuild(account_id)


def counted_otherwise(limit: int) -> Sequence[int]:
    """Accounts whose usage is still counted in the days of another zone than theirs."""
    return db.session.scalars(select(Account.id).where(Account.counted_in.is_not(None)).limit(limit)).all()


_KNOWN_ZONE = text("SELECT EXISTS (SELECT 1 FROM pg_timezone_names WHERE name = :zone)")
