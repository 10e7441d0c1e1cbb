"""The ledger: accounts, credit transactions, usage records, lots."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("debt", sa.BigInteger(), nullable=False),
        sa.Column("consumed", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("next_expiry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("total_purchased", sa.BigInteger(), nullable=False),
        sa.Column("total_reversed", sa.BigInteger(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_accounts_balance_not_negative")),
        sa.CheckConstraint("debt >= 0", name=op.f("ck_accounts_debt_not_negative")),
        sa.CheckConstraint("reserved >= 0 AND reserved <= balance", name=op.f("ck_accounts_reserved_within_balance")),
        sa.CheckConstraint("settled <= consumed", name=op.f("ck_accounts_settled_within_consumed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index(
        "ix_accounts_next_expiry_at",
        "accounts",
        ["next_expiry_at"],
        postgresql_where=sa.text("next_expiry_at IS NOT NULL"),
    )
    op.create_table(
        "credit_transactions",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("transaction_type", sa.String(length=16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("debt_change", sa.BigInteger(), nullable=False),
        sa.Column("balance_before", sa.BigInteger(), nullable=False),
        sa.Column("balance_after", sa.BigInteger(), nullable=False),
        sa.Column("reserved_after", sa.BigInteger(), nullable=False),
        sa.Column("axis_from", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("request", sa.String(length=64), nullable=True),
        sa.Column("operation_type", sa.String(length=100), nullable=True),
        sa.Column("operation_id", sa.String(length=255), nullable=True),
        sa.Column("reference_id", sa.String(length=255), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("polar_order_id", sa.String(length=64), nullable=True),
        sa.Column("polar_transaction_id", sa.String(length=64), nullable=True),
        sa.Column("price_version", sa.String(length=32), nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "transaction_type IN ('purchase', 'consumption', 'refund', 'bonus', 'adjustment', 'reversal', 'expiration', 'repayment')",
            name=op.f("ck_credit_transactions_known_type"),
        ),
        sa.CheckConstraint("balance_before + amount = balance_after", name=op.f("ck_credit_transactions_adds_up")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_transactions")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_credit_transactions_account_id_key")),
        sa.UniqueConstraint("account_id", "number", name=op.f("uq_credit_transactions_account_id_number")),
    )
    op.create_index(
        "ix_credit_transactions_polar_order_id",
        "credit_transactions",
        ["polar_order_id"],
        postgresql_where=sa.text("polar_order_id IS NOT NULL"),
        sqlite_where=sa.text("polar_order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_credit_transactions_rare",
        "credit_transactions",
        ["account_id", "transaction_type", "number"],
        postgresql_where=sa.text("transaction_type <> 'consumption'"),
        sqlite_where=sa.text("transaction_type <> 'consumption'"),
    )
    op.create_table(
        "usage_records",
        sa.Column("credit_transaction_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("operation_type", sa.String(length=100), nullable=True),
        sa.Column("operation_id", sa.String(length=255), nullable=True),
        sa.Column("credits_consumed", sa.BigInteger(), nullable=False),
        sa.Column("cost_per_unit", sa.BigInteger(), nullable=False),
        sa.Column("units_consumed", sa.BigInteger(), nullable=False),
        sa.Column("operation_details", JSON, nullable=False),
        sa.Column("api_endpoint", sa.String(length=255), nullable=True),
        sa.Column("api_key_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("credit_transaction_id", name=op.f("pk_usage_records")),
    )
    op.create_index("ix_usage_records_account_id_created_at", "usage_records", ["account_id", "created_at"])
    op.create_table(
        "credit_lots",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("credit_transaction_id", ROW_ID, nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=False),
        sa.Column("paid_cents", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('purchased', 'bonus', 'adjustment')", name=op.f("ck_credit_lots_known_source")),
        sa.CheckConstraint("remaining >= 0", name=op.f("ck_credit_lots_remaining_not_negative")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_credit_lots_account_id")),
        sa.ForeignKeyConstraint(
            ["credit_transaction_id"], ["credit_transactions.id"], name=op.f("fk_credit_lots_credit_transaction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_lots")),
        sa.UniqueConstraint("credit_transaction_id", name=op.f("uq_credit_lots_credit_transaction_id")),
    )
    op.create_index(
        "ix_credit_lots_left",
        "credit_lots",
        ["account_id"],
        postgresql_where=sa.text("remaining > 0"),
        sqlite_where=sa.text("remaining > 0"),
    )
    op.create_table(
        "credit_lot_ranges",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", ROW_ID, nullable=False),
        sa.Column("axis_from", sa.BigInteger(), nullable=False),
        sa.Column("axis_to", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("axis_to > axis_from", name=op.f("ck_credit_lot_ranges_not_empty")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_credit_lot_ranges_account_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["credit_lots.id"], name=op.f("fk_credit_lot_ranges_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_lot_ranges")),
        sa.UniqueConstraint("account_id", "axis_from", name=op.f("uq_credit_lot_ranges_account_id_axis_from")),
    )
    op.create_index("ix_credit_lot_ranges_lot_id", "credit_lot_ranges", ["lot_id"])


def downgrade() -> None:
    op.drop_table("credit_lot_ranges")
    op.drop_table("credit_lots")
    op.drop_table("usage_records")
    op.drop_table("credit_transactions")
    op.drop_table("accounts")
