"""The keys of a batch cost the same however long the account's history is.

Asked for many keys at once, PostgreSQL may read every row of the account. So nobody asks: the index of keys itself
refuses the batch. Where there is no index to refuse, keys are looked up one by one; and holds that were closed are in
no other index of their account, which might be taken for it.
"""

import runpy
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

BEFORE = runpy.run_path(str(Path(__file__).with_name("0014_one_call.py")))

# The limit keeps each look-up a look-up of its own.
USED_IN = """EXISTS (
        SELECT FROM unnest(p_keys) AS asked (key)
        CROSS JOIN LATERAL (SELECT FROM {} t WHERE t.account_id = p_account AND t.key = asked.key LIMIT 1) AS used
    )"""
KEYS = f"""
CREATE FUNCTION any_key_used_elsewhere(p_account bigint, p_keys text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT {" OR ".join(map(USED_IN.format, ("credit_holds", "checkouts", "idempotent_answers")))}
$$
"""

TAKE, LOOK, WRITE, END = "    UPDATE accounts SET\n", "    -- Whoever writes a key", "    RETURN QUERY\n    WITH", "END\n$$\n"
_before, _take, _rest = BEFORE["TOGETHER"].partition(TAKE)
_taken, _look, _rest = _rest.partition(LOOK)
_looked, _write, _rest = _rest.partition(WRITE)
TOGETHER = f"""{_before}    BEGIN
{TAKE}{_taken}    -- Whoever writes a key of this account holds its lock, which is ours now.
    IF any_key_used_elsewhere(p_account, asked.keys) THEN
        RAISE unique_violation;
    END IF;

{WRITE}{_rest.removesuffix(END)}
    EXCEPTION WHEN unique_violation THEN
        RETURN;
    END;
{END}"""


OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    op.drop_index("ix_credit_holds_account_id_state", "credit_holds")
    op.create_index(
        "ix_credit_holds_open_of_account", "credit_holds", ["account_id"], postgresql_where=OPEN, sqlite_where=OPEN
    )
    _make(KEYS, TOGETHER)


def downgrade() -> None:
    _make(BEFORE["KEYS"], BEFORE["TOGETHER"])
    op.drop_index("ix_credit_holds_open_of_account", "credit_holds")
    op.create_index("ix_credit_holds_account_id_state", "credit_holds", ["account_id", "state"])


def _make(*functions: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for function in functions:
            op.execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
