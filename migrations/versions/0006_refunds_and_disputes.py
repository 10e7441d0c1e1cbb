"""Refunds, disputes and what else Polar tells, and the rounds that look for what it did not."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for table, polar_id in (("refunds", "polar_refund_id"), ("disputes", "polar_dispute_id")):
        op.create_table(
            table,
            sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
            sa.Column(polar_id, sa.String(length=64), nullable=False),
            sa.Column("polar_order_id", sa.String(length=64), nullable=False),
            sa.Column("status", sa.String(length=32), nullable=False),
            *([sa.Column("moved", sa.Boolean(), nullable=False)] if table == "refunds" else []),
            sa.Column("amount", sa.BigInteger(), nullable=False),
            sa.Column("currency", sa.String(length=3), nullable=False),
            sa.Column("reason", sa.Text(), nullable=True),
            sa.Column("told_at", MOMENT, nullable=False),
            sa.Column("recorded_at", MOMENT, nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint(polar_id, name=op.f(f"uq_{table}_{polar_id}")),
        )
        op.create_index(f"ix_{table}_polar_order_id", table, ["polar_order_id"])
    op.create_table(
        "reconciliations",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("refunds", sa.Integer(), nullable=False),
        sa.Column("disputes", sa.Integer(), nullable=False),
        sa.Column("repaired", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliations")),
    )
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("returned_amount", sa.BigInteger(), nullable=False, server_default="0"))
        orders.add_column(sa.Column("taken_back", sa.BigInteger(), nullable=False, server_default="0"))
        orders.add_column(sa.Column("notice", sa.Text(), nullable=True))
        orders.drop_constraint(op.f("ck_orders_known_state"), type_="check")
        orders.create_check_constraint(
            op.f("ck_orders_known_state"), "state IN ('expected', 'credited', 'uncredited')"
        )
    with op.batch_alter_table("polar_customers") as customers:
        customers.add_column(sa.Column("name", sa.Text(), nullable=True))
        customers.add_column(sa.Column("billing_email", sa.Text(), nullable=True))
        customers.add_column(sa.Column("default_payment_method_id", sa.String(length=64), nullable=True))
        customers.add_column(sa.Column("card_brand", sa.String(length=32), nullable=True))
        customers.add_column(sa.Column("card_last4", sa.String(length=4), nullable=True))
        customers.add_column(sa.Column("card_expires", sa.String(length=7), nullable=True))
        customers.add_column(sa.Column("told_at", MOMENT, nullable=True))
        customers.add_column(sa.Column("deleted_at", MOMENT, nullable=True))
    with op.batch_alter_table("checkouts") as checkouts:
        checkouts.add_column(sa.Column("looked_at", MOMENT, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("checkouts") as checkouts:
        checkouts.drop_column("looked_at")
    with op.batch_alter_table("polar_customers") as customers:
        for column in ("name", "billing_email", "default_payment_method_id", "told_at", "deleted_at"):
            customers.drop_column(column)
        for column in ("card_brand", "card_last4", "card_expires"):
            customers.drop_column(column)
    op.execute("DELETE FROM orders WHERE state = 'expected'")
    with op.batch_alter_table("orders") as orders:
        orders.drop_constraint(op.f("ck_orders_known_state"), type_="check")
        orders.create_check_constraint(op.f("ck_orders_known_state"), "state IN ('credited', 'uncredited')")
        for column in ("notice", "taken_back", "returned_amount"):
            orders.drop_column(column)
    for table in ("reconciliations", "disputes", "refunds"):
        op.drop_table(table)
