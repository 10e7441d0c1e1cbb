"""The clock looks only at rules of alerts that are not armed: of all accounts there are too many."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NOT_ARMED = sa.text("NOT armed")


def upgrade() -> None:
    op.create_index(
        "ix_alert_rules_not_armed", "alert_rules", ["account_id"], postgresql_where=NOT_ARMED, sqlite_where=NOT_ARMED
    )


def downgrade() -> None:
    op.drop_index("ix_alert_rules_not_armed", "alert_rules")
