"""Holds. (A place kept by the lead so that 0010 can stand; the ledger helper fills it in or replaces the file.)"""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
