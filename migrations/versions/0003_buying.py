"""Packages, checkouts, paid orders."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "credit_packages",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("polar_product_id", sa.String(length=64), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("featured", sa.Boolean(), nullable=False),
        sa.Column("sort_order", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_purchases_per_account", sa.Integer(), nullable=True),
        sa.CheckConstraint("credits > 0", name=op.f("ck_credit_packages_credits_positive")),
        sa.CheckConstraint("price_cents > 0", name=op.f("ck_credit_packages_price_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_packages")),
        sa.UniqueConstraint("key", name=op.f("uq_credit_packages_key")),
        sa.UniqueConstraint("polar_product_id", name=op.f("uq_credit_packages_polar_product_id")),
    )
    op.create_table(
        "polar_customers",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("polar_customer_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_polar_customers_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_polar_customers")),
        sa.UniqueConstraint("polar_customer_id", name=op.f("uq_polar_customers_polar_customer_id")),
    )
    op.create_table(
        "checkouts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("package_id", ROW_ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("price_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("polar_checkout_id", sa.String(length=64), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("key", sa.String(length=300), nullable=True),
        sa.Column("request", sa.String(length=64), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'open', 'paid', 'failed', 'expired')", name=op.f("ck_checkouts_known_state")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_checkouts_account_id")),
        sa.ForeignKeyConstraint(["package_id"], ["credit_packages.id"], name=op.f("fk_checkouts_package_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("account_id", "key", name=op.f("uq_checkouts_account_id_key")),
        sa.UniqueConstraint("polar_checkout_id", name=op.f("uq_checkouts_polar_checkout_id")),
    )
    op.create_index("ix_checkouts_account_id_package_id", "checkouts", ["account_id", "package_id"])
    op.create_table(
        "orders",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("polar_order_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("package_id", ROW_ID, nullable=True),
        sa.Column("checkout_id", sa.BigInteger(), nullable=True),
        sa.Column("credit_transaction_id", ROW_ID, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("polar_product_id", sa.String(length=64), nullable=True),
        sa.Column("polar_customer_id", sa.String(length=64), nullable=True),
        sa.Column("subtotal_amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("net_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("invoice_number", sa.String(length=64), nullable=True),
        sa.Column("polar_modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('credited', 'uncredited')", name=op.f("ck_orders_known_state")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_orders_account_id")),
        sa.ForeignKeyConstraint(["checkout_id"], ["checkouts.id"], name=op.f("fk_orders_checkout_id")),
        sa.ForeignKeyConstraint(
            ["credit_transaction_id"], ["credit_transactions.id"], name=op.f("fk_orders_credit_transaction_id")
        ),
        sa.ForeignKeyConstraint(["package_id"], ["credit_packages.id"], name=op.f("fk_orders_package_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("polar_order_id", name=op.f("uq_orders_polar_order_id")),
    )
    op.create_index("ix_orders_account_id_package_id", "orders", ["account_id", "package_id"])
    op.create_index("ix_orders_checkout_id", "orders", ["checkout_id"])


def downgrade() -> None:
    op.drop_table("orders")
    op.drop_table("checkouts")
    op.drop_table("polar_customers")
    op.drop_table("credit_packages")
