"""Watch levels: a charge says by itself when so few credits are left that somebody wants to know."""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

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
    RETURNING balance, reserved, consumed, last_number, updated_at, watch_level INTO a;

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
    op.create_table(
        "watch_levels",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wanted_by", sa.String(length=32), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_watch_levels_account_id")),
        sa.PrimaryKeyConstraint("account_id", "wanted_by", name=op.f("pk_watch_levels")),
    )
    op.add_column("accounts", sa.Column("watch_level", sa.BigInteger(), nullable=True))
    op.execute(
        "INSERT INTO watch_levels (account_id, wanted_by, level) "
        "SELECT account_id, 'recharge', threshold FROM recharge_plans WHERE enabled"
    )
    op.execute(
        "UPDATE accounts SET watch_level = (SELECT level FROM watch_levels WHERE account_id = accounts.id) "
        "WHERE id IN (SELECT account_id FROM watch_levels)"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION spend_credits")
        op.execute(SPEND)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION spend_credits")
        op.execute(runpy.run_path(str(Path(__file__).with_name("0009_holds.py")))["SPEND"])
    op.drop_column("accounts", "watch_level")
    op.drop_table("watch_levels")
