"""What the database itself enforces: rows of the ledger never change, and a charge is one call.

A batch migration on SQLite drops triggers silently: recreate them after every batch on these tables.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SPEND = """
CREATE FUNCTION spend_credits(
    p_account bigint, p_amount bigint, p_key text, p_request text, p_operation_type text, p_operation_id text,
    p_reference_id text, p_description text, p_details jsonb, p_price_version text, p_units bigint, p_unit_cost bigint,
    p_api_endpoint text, p_api_key bigint, p_request_id text, p_started_at timestamptz, p_completed_at timestamptz,
    p_moment timestamptz
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
    -- Times are read after the lock is held, and never run backward within an account.
    UPDATE accounts SET
        balance = balance - p_amount,
        consumed = consumed + p_amount,
        last_number = last_number + 1,
        updated_at = greatest(updated_at, coalesce(p_moment, clock_timestamp()))
    WHERE id = p_account
        AND balance - reserved >= p_amount
        AND debt = 0
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

REFUSAL = "the ledger is append-only: write a new credit transaction instead"
APPEND_ONLY = ("credit_transactions", "usage_records", "audit_events")

POSTGRES_GUARD = f"""
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(SPEND)
        op.execute(POSTGRES_GUARD)
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
            op.execute(
                f"CREATE TRIGGER {table}_table_stays BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        op.execute(
            "CREATE TRIGGER accounts_stay BEFORE DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER accounts_table_stays BEFORE TRUNCATE ON accounts "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    else:
        for table in APPEND_ONLY:
            for change in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
                )
        op.execute(
            f"CREATE TRIGGER accounts_no_delete BEFORE DELETE ON accounts BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_rows_stay ON {table}")
            op.execute(f"DROP TRIGGER {table}_table_stays ON {table}")
        op.execute("DROP TRIGGER accounts_stay ON accounts")
        op.execute("DROP TRIGGER accounts_table_stays ON accounts")
        op.execute("DROP FUNCTION refuse_change()")
        op.execute("DROP FUNCTION spend_credits")
    else:
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_no_update")
            op.execute(f"DROP TRIGGER {table}_no_delete")
        op.execute("DROP TRIGGER accounts_no_delete")
