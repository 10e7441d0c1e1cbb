"""A charge that commits by itself looks for its key everywhere; and many charges of one account are one call."""

import runpy
from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = runpy.run_path(str(Path(__file__).with_name("0013_usage_buckets.py")))["SPEND"]

KEYS = """
CREATE FUNCTION any_key_used_elsewhere(p_account bigint, p_keys text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM credit_holds h WHERE h.account_id = p_account AND h.key = ANY (p_keys))
        OR EXISTS (SELECT 1 FROM checkouts c WHERE c.account_id = p_account AND c.key = ANY (p_keys))
        OR EXISTS (SELECT 1 FROM idempotent_answers i WHERE i.account_id = p_account AND i.key = ANY (p_keys))
$$
"""

# The charge as it was, and: one space of keys over all writes. It is looked at under the lock, so that no hold or
# purchase takes the key meanwhile.
LOCKED = "\n    IF FOUND THEN\n        INSERT INTO credit_transactions"
REFUSED = "\n    SELECT * INTO a FROM accounts WHERE id = p_account;\n"
MISMATCH = """RETURN QUERY SELECT 'mismatch'::text, 0::bigint, NULL::text, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
            0::bigint, false;
        RETURN;
    END IF;
"""
SPEND = BEFORE.replace(
    LOCKED,
    f"""
    IF FOUND AND p_key IS NOT NULL AND any_key_used_elsewhere(p_account, ARRAY[p_key]) THEN
        UPDATE accounts SET balance = balance + p_amount, consumed = consumed - p_amount, last_number = last_number - 1
        WHERE id = p_account;
        {MISMATCH}{LOCKED}""",
).replace(
    REFUSED,
    f"""
    IF p_key IS NOT NULL AND any_key_used_elsewhere(p_account, ARRAY[p_key]) THEN
        {MISMATCH}{REFUSED}""",
)

# All of them in one statement, or none and no row: where not every key is new, not every program's key works, something
# has fallen due, or there is too little for all. Then each is a charge of its own.
TOGETHER = """
CREATE FUNCTION spend_credits_together(p_account bigint, p_charges jsonb, p_moment timestamptz, p_in_debt boolean)
RETURNS TABLE (
    transaction_id bigint, operation_type text, amount bigint, balance_before bigint, balance_after bigint,
    reserved_after bigint, debt bigint, watched boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    a record;
    asked record;
BEGIN
    SELECT count(*) AS times, sum(c.amount)::bigint AS total, array_agg(DISTINCT c.api_key) AS programs,
        array_agg(c.key) FILTER (WHERE c.key IS NOT NULL) AS keys, count(c.key) > count(DISTINCT c.key) AS has_twins
    INTO asked FROM jsonb_to_recordset(p_charges) AS c (amount bigint, key text, api_key bigint);

    IF asked.has_twins OR EXISTS (
        SELECT 1 FROM unnest(asked.programs) AS p (id) WHERE p.id IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM api_keys k WHERE k.id = p.id AND k.revoked_at IS NULL
                AND (k.expires_at IS NULL OR k.expires_at > coalesce(p_moment, clock_timestamp()))
        )
    ) THEN
        RETURN;
    END IF;

    UPDATE accounts SET
        balance = balance - asked.total,
        consumed = consumed + asked.total,
        last_number = last_number + asked.times,
        updated_at = greatest(updated_at, coalesce(p_moment, clock_timestamp()))
    WHERE id = p_account
        AND balance - reserved >= asked.total
        AND (debt = 0 OR p_in_debt)
        AND (next_expiry_at IS NULL OR next_expiry_at > greatest(updated_at, coalesce(p_moment, clock_timestamp())))
    RETURNING balance + asked.total AS balance, reserved, consumed - asked.total AS consumed,
        last_number - asked.times AS last_number, updated_at, watch_level, coalesce(counted_in, time_zone) AS zone
        INTO a;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- Whoever writes a key of this account holds its lock, which is ours now.
    IF EXISTS (SELECT 1 FROM credit_transactions t WHERE t.account_id = p_account AND t.key = ANY (asked.keys))
        OR any_key_used_elsewhere(p_account, asked.keys)
    THEN
        UPDATE accounts SET balance = a.balance, consumed = a.consumed, last_number = a.last_number
        WHERE id = p_account;
        RETURN;
    END IF;

    RETURN QUERY
    WITH charges AS (
        SELECT c.*, (sum(c.amount) OVER (ORDER BY c.place))::bigint AS until
        FROM jsonb_to_recordset(p_charges) AS c (
            place bigint, amount bigint, key text, request text, operation_type text, operation_id text,
            reference_id text, description text, details jsonb, price_version text, units bigint, unit_cost bigint,
            api_endpoint text, api_key bigint, request_id text, started_at timestamptz, completed_at timestamptz
        )
    ), written AS (
        INSERT INTO credit_transactions (
            account_id, number, transaction_type, amount, debt_change, balance_before, balance_after, reserved_after,
            axis_from, key, request, operation_type, operation_id, reference_id, description, price_version, metadata,
            processed_at
        ) SELECT
            p_account, a.last_number + c.place, 'consumption', -c.amount, 0, a.balance - c.until + c.amount,
            a.balance - c.until, a.reserved, a.consumed + c.until - c.amount, c.key, c.request, c.operation_type,
            c.operation_id, c.reference_id, c.description, c.price_version, c.details, a.updated_at
        FROM charges c ORDER BY c.place
        RETURNING id, number
    ), recorded AS (
        INSERT INTO usage_records (
            credit_transaction_id, account_id, operation_type, operation_id, credits_consumed, cost_per_unit,
            units_consumed, operation_details, api_endpoint, api_key_id, request_id, status, started_at, completed_at,
            created_at
        ) SELECT
            w.id, p_account, c.operation_type, c.operation_id, c.amount, c.unit_cost, c.units, c.details,
            c.api_endpoint, c.api_key, c.request_id, 'completed', c.started_at, c.completed_at, a.updated_at
        FROM written w JOIN charges c ON c.place = w.number - a.last_number
    ), counted AS (
        INSERT INTO usage_buckets AS b (
            account_id, used_on, operation_type, api_endpoint, api_key_id, operations, units, credits,
            reversed_operations, reversed_credits
        ) SELECT
            p_account, local_day(a.updated_at, a.zone), coalesce(c.operation_type, ''), coalesce(c.api_endpoint, ''),
            coalesce(c.api_key, 0), count(*), sum(c.units)::bigint, sum(c.amount)::bigint, 0, 0
        FROM charges c GROUP BY 3, 4, 5
        ON CONFLICT (account_id, used_on, operation_type, api_endpoint, api_key_id) DO UPDATE SET
            operations = b.operations + excluded.operations, units = b.units + excluded.units,
            credits = b.credits + excluded.credits
    )
    SELECT w.id, c.operation_type, -c.amount, a.balance - c.until + c.amount, a.balance - c.until, a.reserved, 0::bigint,
        coalesce(a.balance - c.until - a.reserved <= a.watch_level, false)
    FROM written w JOIN charges c ON c.place = w.number - a.last_number ORDER BY c.place;
END
$$
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(KEYS)
        op.execute("DROP FUNCTION spend_credits")
        op.execute(SPEND)
        op.execute(TOGETHER)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION spend_credits_together")
        op.execute("DROP FUNCTION spend_credits")
        op.execute(BEFORE)
        op.execute("DROP FUNCTION any_key_used_elsewhere")
