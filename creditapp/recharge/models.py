"""The tables of auto-recharge: what an owner wants, and every attempt with its reason."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from creditapp.db import Credits, Model, UTCDateTime
from creditapp.ledger.models import new_id
from creditapp.packages.models import CreditPackage

IN_FLIGHT = ("requested", "drafted", "charging", "unknown")
FINAL = ("paid", "declined", "needs_customer", "needs_operator", "canceled", "skipped")
_IN_FLIGHT = text("state IN ('requested', 'drafted', 'charging', 'unknown')")


class RechargePlan(Model):
    """What the owner of an account wants. Which card is charged, the customer chooses at Polar.

    ``stopped`` says why it does not charge though it might: ``declined``, ``needs_customer``, ``unavailable``.
    """

    __tablename__ = "recharge_plans"
    __table_args__ = (
        CheckConstraint("(quantity IS NULL) <> (target IS NULL)", name="quantity_or_target"),
        Index(
            "ix_recharge_plans_cooling_until",
            "cooling_until",
            postgresql_where=text("enabled"),
            sqlite_where=text("enabled"),
        ),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    enabled: Mapped[bool] = mapped_column(default=False)
    threshold: Mapped[Decimal] = mapped_column(Credits)
    package_id: Mapped[int] = mapped_column(ForeignKey("credit_packages.id"))
    quantity: Mapped[int | None] = mapped_column(Integer)
    target: Mapped[Decimal | None] = mapped_column(Credits)
    monthly_cap_cents: Mapped[int | None] = mapped_column(Integer)
    notify: Mapped[str] = mapped_column(String(16), default="always")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    stopped: Mapped[str | None] = mapped_column(String(16))
    stopped_reason: Mapped[str | None] = mapped_column(Text)
    cooling_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    considered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)

    package: Mapped[CreditPackage] = relationship()


class RechargeAttempt(Model):
    """One decision to recharge, or not to, and what came of it. Its id travels in the order's metadata.

    requested -> drafted (the order's id is committed before money moves) -> charging -> paid | declined | unknown;
    unknown -> paid | declined | charging again, the same order and card. The rest are ends, with the reason in words.
    """

    __tablename__ = "recharge_attempts"
    __table_args__ = (
        CheckConstraint(
            f"state IN ({', '.join(repr(state) for state in IN_FLIGHT + FINAL)})",
            name="known_state",
        ),
        Index("ix_recharge_attempts_account_id_at", "account_id", "at"),
        Index(
            "uq_recharge_attempts_one_in_flight",
            "account_id",
            unique=True,
            postgresql_where=_IN_FLIGHT,
            sqlite_where=_IN_FLIGHT,
        ),
        Index("ix_recharge_attempts_next_at", "next_at", postgresql_where=_IN_FLIGHT, sqlite_where=_IN_FLIGHT),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text)
    package_id: Mapped[int | None] = mapped_column(ForeignKey("credit_packages.id"))
    quantity: Mapped[int] = mapped_column(Integer, default=1)
    credits: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    amount_cents: Mapped[int] = mapped_column(Integer, default=0)
    currency: Mapped[str] = mapped_column(String(3), default="usd")
    payment_method_id: Mapped[str | None] = mapped_column(String(64))
    polar_customer_id: Mapped[str | None] = mapped_column(String(64))
    polar_order_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    charged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    package: Mapped[CreditPackage | None] = relationship()
