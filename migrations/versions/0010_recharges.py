"""Auto-recharge: what an owner wants, and every attempt, with its reason."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
IN_FLIGHT = "state IN ('requested', 'drafted', 'charging', 'unknown')"


def upgrade() -> None:
    op.create_table(
        "recharge_plans",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.Column("package_id", ROW_ID, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("monthly_cap_cents", sa.Integer(), nullable=True),
        sa.Column("notify", sa.String(length=16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("stopped", sa.String(length=16), nullable=True),
        sa.Column("stopped_reason", sa.Text(), nullable=True),
        sa.Column("cooling_until", MOMENT, nullable=True),
        sa.Column("considered_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(quantity IS NULL) <> (target IS NULL)", name=op.f("ck_recharge_plans_quantity_or_target")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recharge_plans_account_id")),
        sa.ForeignKeyConstraint(["package_id"], ["credit_packages.id"], name=op.f("fk_recharge_plans_package_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_recharge_plans")),
    )
    op.create_index(
        "ix_recharge_plans_cooling_until",
        "recharge_plans",
        ["cooling_until"],
        postgresql_where=sa.text("enabled"),
        sqlite_where=sa.text("enabled"),
    )
    op.create_table(
        "recharge_attempts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("package_id", ROW_ID, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("amount_cents", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_method_id", sa.String(length=64), nullable=True),
        sa.Column("polar_customer_id", sa.String(length=64), nullable=True),
        sa.Column("polar_order_id", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("charged_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'drafted', 'charging', 'unknown', 'paid', 'declined', 'needs_customer', "
            "'needs_operator', 'canceled', 'skipped')",
            name=op.f("ck_recharge_attempts_known_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_recharge_attempts_account_id")),
        sa.ForeignKeyConstraint(["package_id"], ["credit_packages.id"], name=op.f("fk_recharge_attempts_package_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recharge_attempts")),
        sa.UniqueConstraint("polar_order_id", name=op.f("uq_recharge_attempts_polar_order_id")),
    )
    op.create_index("ix_recharge_attempts_account_id_at", "recharge_attempts", ["account_id", "at"])
    op.create_index(
        "uq_recharge_attempts_one_in_flight",
        "recharge_attempts",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text(IN_FLIGHT),
        sqlite_where=sa.text(IN_FLIGHT),
    )
    op.create_index(
        "ix_recharge_attempts_next_at",
        "recharge_attempts",
        ["next_at"],
        postgresql_where=sa.text(IN_FLIGHT),
        sqlite_where=sa.text(IN_FLIGHT),
    )


def downgrade() -> None:
    op.drop_table("recharge_attempts")
    op.drop_table("recharge_plans")
