"""Holds; and a charge that knows whether its key still works, and whether debt matters."""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
RETURNS = "transaction_type IN ('reversal', 'refund')"

SPEND = """
CREATE FUNCTION spend_credits(
    p_account bigint, p_amount bigint, p_key text, p_request text, p_operation_type text, p_operation_id text,
    p_reference_id text, p_description text, p_details jsonb, p_price_version text, p_units bigint, p_unit_cost bigint,
    p_api_endpoint text, p_api_key bigint, p_request_id text, p_started_at timestamptz, p_completed_at timestamptz,
    p_moment timestamptz, p_in_debt boolean
) RETURNS TABLE (
    outcome text, transaction_id bigint, operation_type text, amount bigint, balance_before bigint,
    balance_after bigint, reserved_after bigint, debt bigint
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
            0::bigint;
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
    RETURNING balance, reserved, consumed, last_number, updated_at INTO a;

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
                a.balance, a.reserved, 0::bigint;
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
            0::bigint;
        RETURN;
    END IF;

    SELECT * INTO a FROM accounts WHERE id = p_account;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'unknown'::text, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
            0::bigint;
    ELSE
        RETURN QUERY SELECT
            CASE WHEN a.next_expiry_at <= greatest(a.updated_at, coalesce(p_moment, clock_timestamp()))
                THEN 'due' ELSE 'insufficient' END,
            0::bigint, NULL::text, 0::bigint, 0::bigint, a.balance, a.reserved, a.debt;
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "credit_holds",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("operation_type", sa.String(length=100), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("request", sa.String(length=64), nullable=True),
        sa.Column("price_version", sa.String(length=32), nullable=True),
        sa.Column("api_key_id", sa.BigInteger(), nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'captured', 'released', 'expired')", name=op.f("ck_credit_holds_known_state")
        ),
        sa.CheckConstraint(
            "amount > 0 AND captured >= 0 AND released >= 0", name=op.f("ck_credit_holds_nothing_negative")
        ),
        sa.CheckConstraint("captured + released <= amount", name=op.f("ck_credit_holds_within_amount")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_credit_holds_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_holds")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_credit_holds_account_id_key")),
    )
    op.create_index(
        "ix_credit_holds_open",
        "credit_holds",
        ["expires_at"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_credit_holds_account_id_state", "credit_holds", ["account_id", "state"])
    op.create_table(
        "idempotent_answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_idempotent_answers_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotent_answers")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_idempotent_answers_account_id_key")),
    )
    op.create_index(
        "ix_credit_transactions_returns",
        "credit_transactions",
        ["account_id", "reference_id"],
        postgresql_where=sa.text(RETURNS),
        sqlite_where=sa.text(RETURNS),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION spend_credits")
        op.execute(SPEND)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION spend_credits")
        op.execute(runpy.run_path(str(Path(__file__).with_name("0005_exactness.py")))["SPEND"])
    op.drop_index("ix_credit_transactions_returns", "credit_transactions")
    op.drop_table("idempotent_answers")
    op.drop_table("credit_holds")
