"""Millions of charges as the program itself would have written them: transactions, usage records and their buckets."""

from datetime import datetime

from sqlalchemy import Engine, create_engine, text

from creditapp import clock
from creditapp.config import sqlalchemy_url
from creditapp.ledger.buckets import FROM_RECORDS
from tests.bench.house import ACCOUNTS, HOLDING, HOT, TEMPLATE, House

DAYS = 90
AT_ONCE = 1_000_000
CHARGE = 1_000_000  # a credit, in millionths
# Charges of one credit, spread over the days up to now. The busy account has five operations and four endpoints.
CHARGES = text(
    """
    WITH charged AS (
        INSERT INTO credit_transactions (account_id, number, transaction_type, amount, debt_change, balance_before,
            balance_after, reserved_after, axis_from, key, request, operation_type, price_version, metadata,
            processed_at)
        SELECT a, 2 + n, 'consumption', -CAST(:charge AS bigint), 0, :holding - n * :charge,
            :holding - (n + 1) * :charge, 0, n * :charge, 'filled ' || n, repeat('0', 32),
            CASE WHEN :busy THEN 'operation_' || n % 5 ELSE 'basic_api_call' END, NULL, '{}',
            CAST(:now AS timestamptz) - (:each - 1 - n) * CAST(:pause AS interval)
        FROM generate_series(CAST(:first AS bigint), :last) n,
             generate_series(CAST(:first_account AS bigint), :last_account) a
        RETURNING id, account_id, number, amount, operation_type, processed_at
    )
    INSERT INTO usage_records (credit_transaction_id, account_id, operation_type, credits_consumed, cost_per_unit,
        units_consumed, operation_details, api_endpoint, status, created_at)
    SELECT id, account_id, operation_type, -amount, -amount, 1, '{}',
        CASE WHEN :busy THEN '/v1/' || number % 4 END, 'completed', processed_at
    FROM charged
    """
)
OPENING = text("UPDATE credit_transactions SET processed_at = :now - CAST(:days AS interval) WHERE number = 1")
STANDINGS = text(
    "UPDATE accounts SET balance = :holding - :each * CAST(:charge AS bigint), "
    "consumed = :each * CAST(:charge AS bigint), last_number = 1 + :each, "
    "updated_at = :now WHERE id BETWEEN :first_account AND :last_account"
)
# Ordered as the records lie.
BUCKETS = text(
    f"""
    INSERT INTO usage_buckets (account_id, used_on, operation_type, api_endpoint, api_key_id, operations, units,
        credits, reversed_operations, reversed_credits)
    {FROM_RECORDS.format(of_account="", of_record="")} ORDER BY 1, 2
    """
)


def filled(house: House, rows: int, busy_rows: int) -> str:
    """The address of another database on the same server: so many charges, so many of them of the account HOT.

    The books of it tie out.
    """
    url = house.server.database(f"filled_{rows}", template=TEMPLATE)
    engine = create_engine(sqlalchemy_url(url))
    now = clock.now()
    with engine.begin() as connection:  # the accounts were opened before all of it
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(OPENING, {"now": now, "days": f"{DAYS + 1} days"})
    _charge(engine, HOT, HOT, busy_rows, now)
    _charge(engine, HOT + 1, ACCOUNTS, (rows - busy_rows) // (ACCOUNTS - 1), now)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL work_mem = '256MB'"))
        connection.execute(BUCKETS)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()
    return url


def _charge(engine: Engine, first_account: int, last_account: int, each: int, now: datetime) -> None:
    """Let the accounts have *each* so many charges."""
    given = {"charge": CHARGE, "holding": int(HOLDING) * CHARGE, "each": each, "now": now}
    given |= {"first_account": first_account, "last_account": last_account, "busy": last_account == HOT}
    given["pause"] = f"{DAYS * 24 * 3600 / max(each, 1):.6f} seconds"
    step = max(AT_ONCE // (last_account - first_account + 1), 1)
    for first in range(0, each, step):
        with engine.begin() as connection:
            connection.execute(CHARGES, given | {"first": first, "last": min(first + step, each) - 1})
    with engine.begin() as connection:
        connection.execute(STANDINGS, given)
