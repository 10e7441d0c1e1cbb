"""Whether a charge costs more when the ledger has grown: the same accounts beside few rows and beside many."""

from sqlalchemy import create_engine, text

from creditapp.config import sqlalchemy_url
from tests.bench.house import ACCOUNTS, HOLDING, TEMPLATE, House

AT_ONCE = 1_000_000
CHARGE = 1_000_000  # a credit, in millionths
# Every account has the same number of charges, each of one credit, told as the program itself would have written them.
CHARGES = text(
    """
    INSERT INTO credit_transactions (account_id, number, transaction_type, amount, debt_change, balance_before,
        balance_after, reserved_after, axis_from, key, request, operation_type, price_version, metadata, processed_at)
    SELECT a, 2 + n, 'consumption', -CAST(:charge AS bigint), 0, :holding - n * :charge,
        :holding - (n + 1) * :charge, 0, n * :charge, 'filled ' || n, repeat('0', 32), 'basic_api_call', NULL, '{}',
        now()
    FROM generate_series(CAST(:first AS bigint), :last) n, generate_series(1, :accounts) a
    """
)
RECORDS = text(
    """
    INSERT INTO usage_records (credit_transaction_id, account_id, operation_type, credits_consumed, cost_per_unit,
        units_consumed, operation_details, status, created_at)
    SELECT id, account_id, operation_type, -amount, -amount, 1, '{}', 'completed', processed_at
    FROM credit_transactions WHERE transaction_type = 'consumption' AND number BETWEEN 2 + :first AND 2 + :last
    """
)
STANDINGS = text(
    "UPDATE accounts SET balance = :holding - (:last + 1) * :charge, consumed = (:last + 1) * :charge, "
    "last_number = 2 + :last"
)


def grown(house: House, rows: int) -> str:
    """The address of another database on the same server, with the same accounts and so many charges written before."""
    url = house.server.database(f"grown_{rows}", template=TEMPLATE)
    each = rows // ACCOUNTS
    engine = create_engine(sqlalchemy_url(url))
    given = {"charge": CHARGE, "holding": int(HOLDING) * CHARGE, "accounts": ACCOUNTS}
    for first in range(0, each, AT_ONCE // ACCOUNTS):
        last = min(first + AT_ONCE // ACCOUNTS, each) - 1
        with engine.begin() as connection:
            for statement in (CHARGES, RECORDS, STANDINGS):
                connection.execute(statement, given | {"first": first, "last": last})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()
    return url
