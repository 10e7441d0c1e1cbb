"""Usage rolled up by account, day, operation, endpoint and key, in the charge's own call."""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# PostgreSQL takes four names of zones for abbreviations, and then knows no summer time in them.
LOCAL_DAY = """
CREATE FUNCTION local_day(moment timestamptz, zone text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (moment AT TIME ZONE CASE zone
        WHEN 'CET' THEN 'Europe/Brussels' WHEN 'MET' THEN 'Europe/Brussels'
        WHEN 'EET' THEN 'Europe/Athens' WHEN 'WET' THEN 'Europe/Lisbon' ELSE zone END)::date
$$
"""

FILL = """
INSERT INTO usage_buckets (
    account_id, used_on, operation_type, api_endpoint, api_key_id, operations, units, credits, reversed_operations,
    reversed_credits
)
SELECT u.account_id, local_day(u.created_at, a.time_zone), coalesce(u.operation_type, ''),
       coalesce(u.api_endpoint, ''), coalesce(u.api_key_id, 0), count(*), sum(u.units_consumed),
       sum(u.credits_consumed), count(CASE WHEN r.credits >= u.credits_consumed THEN 1 END),
       coalesce(sum(r.credits), 0)
FROM usage_records u
JOIN accounts a ON a.id = u.account_id
LEFT JOIN (SELECT account_id, reference_id, sum(amount) AS credits FROM credit_transactions
           WHERE transaction_type = 'reversal' GROUP BY account_id, reference_id) r
  ON r.account_id = u.account_id AND r.reference_id = CAST(u.credit_transaction_id AS TEXT)
GROUP BY 1, 2, 3, 4, 5
"""

SPEND = """
CREATE FUNCTION spend_credits(
    p_account bigint, p_amount bigint, p_key text, p_request text, p_operation_type text, p_operation_id text,
    p_reference_id text, p_description text, p_details jsonb, p_price_version text, p_units bigint, p_unit_cost bigint,
    p_api_endpoint text, p_api_key bigint, p_request_id text, p_started_at timestamptz, p_completed_at timestamptz,
    p_moment timestamptz, p_in_debt boolean
) RETURNS TABLE (
    outcome text, transaction_id bigint, operation_type text, amount bigint, balance_before bigint,
    balance_after bigint, reserved_after bigint, debt bigint, watched boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    a record;
    done record;
    written bigint;
BEGIN
    -- A key that a process still remembers may have been revoked: this is where that shows.
    IF p_api_key IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM api_keys k WHERE k.id = p_api_key AND k.revoked_at IS NULL
            AND (k.expires_at IS NULL OR k.expires_at > coalesce(p_moment, clock_timestamp()))
    ) THEN
        RETURN QUERY SELECT 'revoked'::text, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
            0::bigint, false;
        RETURN;
    END IF;

    -- Times are read after the lock is held, and never run backward within an account.
    UPDATE accounts SET
        balance = balance - p_amount,
        consumed = consumed + p_amount,
        last_number = last_number + 1,
        updated_at = greatest(updated_at, coalesce(p_moment, clock_timestamp()))
    WHERE id = p_account
        AND balance - reserved >= p_amount
        AND (debt = 0 OR p_in_debt)
        AND (next_expiry_at IS NULL OR next_expiry_at > greatest(updated_at, coalesce(p_moment, clock_timestamp())))
    RETURNING balance, reserved, consumed, last_number, updated_at, watch_level, coalesce(counted_in, time_zone) AS zone
        INTO a;

    IF FOUND THEN
        INSERT INTO credit_transactions (
            account_id, number, transaction_type, amount, debt_change, balance_before, balance_after, reserved_after,
            axis_from, key, request, operation_type, operation_id, reference_id, description, price_version, metadata,
            processed_at
        ) VALUES (
            p_account, a.last_number, 'consumption', -p_amount, 0, a.balance + p_amount, a.balance, a.reserved,
            a.consumed - p_amount, p_key, p_request, p_operation_type, p_operation_id, p_reference_id, p_description,
            p_price_version, p_details, a.updated_at
        ) ON CONFLICT (account_id, key) DO NOTHING RETURNING id INTO written;

        IF written IS NOT NULL THEN
            INSERT INTO usage_records (
                credit_transaction_id, account_id, operation_type, operation_id, credits_consumed, cost_per_unit,
                units_consumed, operation_details, api_endpoint, api_key_id, request_id, status, started_at,
                completed_at, created_at
            ) VALUES (
                written, p_account, p_operation_type, p_operation_id, p_amount, p_unit_cost, p_units, p_details,
                p_api_endpoint, p_api_key, p_request_id, 'completed', p_started_at, p_completed_at, a.updated_at
            );
            INSERT INTO usage_buckets AS b (
                account_id, used_on, operation_type, api_endpoint, api_key_id, operations, units, credits,
                reversed_operations, reversed_credits
            ) VALUES (
                p_account, local_day(a.updated_at, a.zone), coalesce(p_operation_type, ''),
                coalesce(p_api_endpoint, ''), coalesce(p_api_key, 0), 1, p_units, p_amount, 0, 0
            ) ON CONFLICT (account_id, used_on, operation_type, api_endpoint, api_key_id) DO UPDATE SET
                operations = b.operations + 1, units = b.units + excluded.units, credits = b.credits + excluded.credits;
            RETURN QUERY SELECT 'charged'::text, written, p_operation_type, -p_amount, a.balance + p_amount,
                a.balance, a.reserved, 0::bigint, coalesce(a.balance - a.reserved <= a.watch_level, false);
            RETURN;
        END IF;

        -- The key is taken: put back what was taken, then answer as the first time.
        UPDATE accounts SET balance = balance + p_amount, consumed = consumed - p_amount, last_number = last_number - 1
        WHERE id = p_account;
    END IF;

    -- A repetition is answered before a refusal: it was paid for.
    SELECT * INTO done FROM credit_transactions t WHERE t.account_id = p_account AND t.key = p_key;
    IF FOUND THEN
        RETURN QUERY SELECT CASE WHEN done.request = p_request THEN 'replayed' ELSE 'mismatch' END, done.id,
            done.operation_type::text, done.amount, done.balance_before, done.balance_after, done.reserved_after,
            0::bigint, false;
        RETURN;
    END IF;

    SELECT * INTO a FROM accounts WHERE id = p_account;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'unknown'::text, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
            0::bigint, false;
    ELSE
        RETURN QUERY SELECT
            CASE WHEN a.next_expiry_at <= greatest(a.updated_at, coalesce(p_moment, clock_timestamp()))
                THEN 'due' ELSE 'insufficient' END,
            0::bigint, NULL::text, 0::bigint, 0::bigint, a.balance, a.reserved, a.debt,
            coalesce(a.balance - a.reserved <= a.watch_level, false);
    END IF;
END
$$
"""


def upgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "usage_buckets",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("operation_type", sa.String(length=100), nullable=False),
        sa.Column("api_endpoint", sa.String(length=255), nullable=False),
        sa.Column("api_key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("operations", sa.BigInteger(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("reversed_operations", sa.BigInteger(), nullable=False),
        sa.Column("reversed_credits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "used_on", "operation_type", "api_endpoint", "api_key_id", name=op.f("pk_usage_buckets")
        ),
    )
    op.add_column("accounts", sa.Column("counted_in", sa.String(length=64), nullable=True))
    op.create_index(
        "ix_accounts_counted_in",
        "accounts",
        ["counted_in"],
        postgresql_where=sa.text("counted_in IS NOT NULL"),
        sqlite_where=sa.text("counted_in IS NOT NULL"),
    )
    if on_postgres:
        op.execute(LOCAL_DAY)
        op.execute("DROP FUNCTION spend_credits")
        op.execute(SPEND)
    op.execute(FILL)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION spend_credits")
        op.execute(runpy.run_path(str(Path(__file__).with_name("0011_watch_levels.py")))["SPEND"])
        op.execute("DROP FUNCTION local_day")
    op.drop_index("ix_accounts_counted_in", "accounts")
    op.drop_column("accounts", "counted_in")
    op.drop_table("usage_buckets")
