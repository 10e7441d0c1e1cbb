"""The tables of buying: who the buyer is at Polar, what was opened there, and what was paid."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creditapp.db import Credits, Model, RowId, UTCDateTime
from creditapp.ledger.models import new_id
from creditapp.packages.models import CreditPackage

CHECKOUT_STATES = ("requested", "open", "paid", "failed", "expired")
ORDER_STATES = ("expected", "credited", "uncredited")


class PolarCustomer(Model):
    """An account's customer at Polar, as Polar last told. Its email is for bills; nobody signs in with it."""

    __tablename__ = "polar_customers"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    polar_customer_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str | None] = mapped_column(Text)
    billing_email: Mapped[str | None] = mapped_column(Text)
    default_payment_method_id: Mapped[str | None] = mapped_column(String(64))
    card_brand: Mapped[str | None] = mapped_column(String(32))
    card_last4: Mapped[str | None] = mapped_column(String(4))
    card_expires: Mapped[str | None] = mapped_column(String(7))
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
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
    looked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    package: Mapped[CreditPackage] = relationship()


class Order(Model):
    """An order at Polar and what became of it.

    ``expected``: heard of, but not yet that it was paid; then ``credited``, or ``uncredited`` with the reason.
    ``refunded_amount`` is what Polar's order said last, ``returned_amount`` all the money that went back to the buyer,
    lost disputes too, and ``taken_back`` the credits that were taken back for it. ``notice`` is for the operator.
    """

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
    returned_amount: Mapped[int] = mapped_column(BigInteger, default=0)
    taken_back: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    notice: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(String(3))
    invoice_number: Mapped[str | None] = mapped_column(String(64))
    polar_modified_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ordered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)

    package: Mapped[CreditPackage | None] = relationship()


class Refund(Model):
    """A refund at Polar, as it was told last. ``moved`` remembers that its money had once left."""

    __tablename__ = "refunds"
    __table_args__ = (Index("ix_refunds_polar_order_id", "polar_order_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    polar_refund_id: Mapped[str] = mapped_column(String(64), unique=True)
    polar_order_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(32))
    moved: Mapped[bool] = mapped_column(default=False)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str | None] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Dispute(Model):
    """A payment the cardholder disputes at their bank, as Polar told last; a lost one took the money away."""

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_polar_order_id", "polar_order_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    polar_dispute_id: Mapped[str] = mapped_column(String(64), unique=True)
    polar_order_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(32))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str | None] = mapped_column(Text)
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UTCDateTime)
