"""Alerts: what an owner wants to be told, and every crossing there was to tell of."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
STANDING = "resolved_at IS NULL"
UNUSUAL = "alert_type = 'high_usage' AND resolved_at IS NULL"


def upgrade() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("threshold", sa.BigInteger(), nullable=False),
        sa.Column("api_key_id", ROW_ID, nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.Column("fires_at", sa.BigInteger(), nullable=True),
        sa.Column("rearms_above", sa.BigInteger(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alert_rules_account_id")),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_alert_rules_api_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_index("ix_alert_rules_account_id", "alert_rules", ["account_id"])
    op.create_table(
        "alert_watches",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("looked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alert_watches_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_alert_watches")),
    )
    op.create_index("ix_alert_watches_looked_at", "alert_watches", ["looked_at"])
    op.create_table(
        "credit_alerts",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", ROW_ID, nullable=True),
        sa.Column("alert_type", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("api_key_id", sa.BigInteger(), nullable=True),
        sa.Column("trigger_balance", sa.BigInteger(), nullable=False),
        sa.Column("current_balance", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("triggered_at", MOMENT, nullable=False),
        sa.Column("resolved_at", MOMENT, nullable=True),
        sa.Column("letter_id", ROW_ID, nullable=True),
        sa.Column("email_sent", sa.Boolean(), nullable=False),
        sa.Column("email_sent_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "alert_type IN ('low_balance', 'zero_balance', 'high_usage', 'runway', 'credits_expiring', "
            "'auto_recharge_failed', 'recharge_cap', 'debt')",
            name=op.f("ck_credit_alerts_known_type"),
        ),
        sa.CheckConstraint(
            "status IN ('active', 'acknowledged', 'dismissed', 'resolved')", name=op.f("ck_credit_alerts_known_status")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_credit_alerts_account_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name=op.f("fk_credit_alerts_rule_id")),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.id"], name=op.f("fk_credit_alerts_letter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_alerts")),
    )
    op.create_index("ix_credit_alerts_account_id_triggered_at", "credit_alerts", ["account_id", "triggered_at"])
    op.create_index("ix_credit_alerts_letter_id", "credit_alerts", ["letter_id"])
    op.create_index(
        "uq_credit_alerts_standing",
        "credit_alerts",
        ["account_id", "rule_id", "subject"],
        unique=True,
        postgresql_where=sa.text(STANDING),
        sqlite_where=sa.text(STANDING),
    )
    op.create_index(
        "ix_credit_alerts_unusual",
        "credit_alerts",
        ["id"],
        postgresql_where=sa.text(UNUSUAL),
        sqlite_where=sa.text(UNUSUAL),
    )


def downgrade() -> None:
    op.drop_table("credit_alerts")
    op.drop_table("alert_watches")
    op.drop_table("alert_rules")
