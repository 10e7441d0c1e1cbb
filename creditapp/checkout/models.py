"""The tables of buying: who the buyer is at Polar, what was opened there, and what was paid."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creditapp.db import Credits, Model, RowId, UTCDateTime
from creditapp.ledger.models import new_id
from creditapp.packages.models import CreditPackage

CHECKOUT_STATES = ("requested", "open", "paid", "failed", "expired")
ORDER_STATES = ("credited", "uncredited")


class PolarCustomer(Model):
    """An account's customer at Polar."""

    __tablename__ = "polar_customers"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    polar_customer_id: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Checkout(Model):
    """One click on Buy. Its id travels in Polar's metadata, so that the paid order finds its way back."""

    __tablename__ = "checkouts"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in CHECKOUT_STATES)})", name="known_state"),
        UniqueConstraint("account_id", "key"),
        Index("ix_checkouts_account_id_package_id", "account_id", "package_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    package_id: Mapped[int] = mapped_column(ForeignKey("credit_packages.id"))
    state: Mapped[str] = mapped_column(String(16), default="requested")
    reason: Mapped[str | None] = mapped_column(Text)
    credits: Mapped[Decimal] = mapped_column(Credits)
    price_cents: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3))
    polar_checkout_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    url: Mapped[str | None] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(String(300))
    request: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    package: Mapped[CreditPackage] = relationship()


class Order(Model):
    """A paid order at Polar and what became of it: credited, or not and why."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in ORDER_STATES)})", name="known_state"),
        Index("ix_orders_account_id_package_id", "account_id", "package_id"),
        Index("ix_orders_checkout_id", "checkout_id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    polar_order_id: Mapped[str] = mapped_column(String(64), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    package_id: Mapped[int | None] = mapped_column(ForeignKey("credit_packages.id"))
    checkout_id: Mapped[int | None] = mapped_column(ForeignKey("checkouts.id"))
    credit_transaction_id: Mapped[int | None] = mapped_column(ForeignKey("credit_transactions.id"))
    quantity: Mapped[int] = mapped_column(Integer, default=1)
    credits: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    polar_product_id: Mapped[str | None] = mapped_column(String(64))
    polar_customer_id: Mapped[str | None] = mapped_column(String(64))
    subtotal_amount: Mapped[int] = mapped_column(BigInteger)
    discount_amount: Mapped[int] = mapped_column(BigInteger)
    net_amount: Mapped[int] = mapped_column(BigInteger)
    tax_amount: Mapped[int] = mapped_column(BigInteger)
    total_amount: Mapped[int] = mapped_column(BigInteger)
    refunded_amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    invoice_number: Mapped[str | None] = mapped_column(String(64))
    polar_modified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ordered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)

    package: Mapped[CreditPackage | None] = relationship()
