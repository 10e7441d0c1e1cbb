"""The tables of the ledger."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Credits, Json, Model, RowId, UTCDateTime

TRANSACTION_TYPES = (
    "purchase",
    "consumption",
    "refund",
    "bonus",
    "adjustment",
    "reversal",
    "expiration",
    "repayment",
)
LOT_SOURCES = ("purchased", "bonus", "adjustment")
HOLD_STATES = ("open", "captured", "released", "expired")
# Its partial indexes are found by these very words.
OPEN = "state = 'open'"
# What goes back of a charge or of a purchase, and names it; the partial index is found by these very words.
RETURNS = "transaction_type IN ('reversal', 'refund')"
NOTHING = Decimal(0)


def new_id() -> int:
    """A random id: Polar keeps the ids we give it for good, so they must not come back after a fresh start."""
    return secrets.randbits(62)


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class Account(Model):
    """Whose credits they are, how many, and how far the lots know.

    ``consumed`` only grows: it is the axis on which every charge has its place (docs/architecture.md, lots).
    ``counted_in`` is the zone of its usage buckets, where that is not its own yet.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        CheckConstraint("reserved >= 0 AND reserved <= balance", name="reserved_within_balance"),
        CheckConstraint("debt >= 0", name="debt_not_negative"),
        CheckConstraint("settled <= consumed", name="settled_within_consumed"),
        Index("ix_accounts_next_expiry_at", "next_expiry_at", postgresql_where=text("next_expiry_at IS NOT NULL")),
        Index(
            "ix_accounts_counted_in",
            "counted_in",
            postgresql_where=text("counted_in IS NOT NULL"),
            sqlite_where=text("counted_in IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    balance: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    reserved: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    debt: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    consumed: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    settled: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    next_expiry_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_number: Mapped[int] = mapped_column(BigInteger, default=0)
    total_purchased: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    total_reversed: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    counted_in: Mapped[str | None] = mapped_column(String(64))
    watch_level: Mapped[Decimal | None] = mapped_column(Credits)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)

    @property
    def available(self) -> Decimal:
        """What may be spent, if nothing has fallen due since the row was written."""
        return self.balance - self.reserved

    @property
    def watched(self) -> bool:
        """Whether so few credits are available that somebody wants to hear of it."""
        return self.watch_level is not None and self.available <= self.watch_level


class CreditTransaction(Model):
    """One movement of credits. The database refuses to change or delete it."""

    __tablename__ = "credit_transactions"
    __table_args__ = (
        UniqueConstraint("account_id", "number"),
        UniqueConstraint("account_id", "key"),
        CheckConstraint(_one_of("transaction_type", TRANSACTION_TYPES), name="known_type"),
        CheckConstraint("balance_before + amount = balance_after", name="adds_up"),
        # The rare types are filtered by this; a charge does not pay for it.
        Index(
            "ix_credit_transactions_rare",
            "account_id",
            "transaction_type",
            "number",
            postgresql_where=text("transaction_type <> 'consumption'"),
            sqlite_where=text("transaction_type <> 'consumption'"),
        ),
        Index(
            "ix_credit_transactions_returns",
            "account_id",
            "reference_id",
            postgresql_where=text(RETURNS),
            sqlite_where=text(RETURNS),
        ),
        Index(
            "ix_credit_transactions_polar_order_id",
            "polar_order_id",
            postgresql_where=text("polar_order_id IS NOT NULL"),
            sqlite_where=text("polar_order_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(BigInteger)
    transaction_type: Mapped[str] = mapped_column(String(16))
    amount: Mapped[Decimal] = mapped_column(Credits)
    debt_change: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    balance_before: Mapped[Decimal] = mapped_column(Credits)
    balance_after: Mapped[Decimal] = mapped_column(Credits)
    reserved_after: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    axis_from: Mapped[Decimal | None] = mapped_column(Credits)
    key: Mapped[str | None] = mapped_column(String(300))
    request: Mapped[str | None] = mapped_column(String(64))
    operation_type: Mapped[str | None] = mapped_column(String(100))
    operation_id: Mapped[str | None] = mapped_column(String(255))
    reference_id: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    polar_order_id: Mapped[str | None] = mapped_column(String(64))
    polar_transaction_id: Mapped[str | None] = mapped_column(String(64))
    price_version: Mapped[str | None] = mapped_column(String(32))
    details: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)
    processed_at: Mapped[datetime] = mapped_column(UTCDateTime)

    # How much of it went back since, in credits: statements fill it in.
    gone_back = NOTHING

    @property
    def status(self) -> str:
        """Derived, since rows never change: completed, partially_refunded, refunded, reversed."""
        if self.transaction_type == "consumption":
            return "reversed" if self.gone_back and self.gone_back >= -self.amount else "completed"
        if self.transaction_type == "purchase" and self.gone_back:
            return "refunded" if self.gone_back >= self.amount else "partially_refunded"
        return "completed"


class UsageRecord(Model):
    """What a charge was for: exactly one beside every consumption."""

    __tablename__ = "usage_records"
    __table_args__ = (Index("ix_usage_records_account_id_created_at", "account_id", "created_at"),)

    credit_transaction_id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    account_id: Mapped[int] = mapped_column(BigInteger)
    operation_type: Mapped[str | None] = mapped_column(String(100))
    operation_id: Mapped[str | None] = mapped_column(String(255))
    credits_consumed: Mapped[Decimal] = mapped_column(Credits)
    cost_per_unit: Mapped[Decimal] = mapped_column(Credits)
    units_consumed: Mapped[int] = mapped_column(BigInteger)
    operation_details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    api_endpoint: Mapped[str | None] = mapped_column(String(255))
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    request_id: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default="completed")
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class CreditLot(Model):
    """Credits that came in together, and what is left of them.

    ``remaining`` = amount + returned - drawn ranges - expired - revoked, as far as the account is settled.
    """

    __tablename__ = "credit_lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0", name="remaining_not_negative"),
        CheckConstraint(_one_of("source", LOT_SOURCES), name="known_source"),
        Index(
            "ix_credit_lots_left",
            "account_id",
            postgresql_where=text("remaining > 0"),
            sqlite_where=text("remaining > 0"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    credit_transaction_id: Mapped[int] = mapped_column(ForeignKey("credit_transactions.id"), unique=True)
    source: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(Integer, default=0)
    amount: Mapped[Decimal] = mapped_column(Credits)
    remaining: Mapped[Decimal] = mapped_column(Credits)
    returned: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    expired: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    revoked: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    paid_cents: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class LotRange(Model):
    """A stretch of the consumption axis that one lot paid for."""

    __tablename__ = "credit_lot_ranges"
    __table_args__ = (
        UniqueConstraint("account_id", "axis_from"),
        CheckConstraint("axis_to > axis_from", name="not_empty"),
        Index("ix_credit_lot_ranges_lot_id", "lot_id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    lot_id: Mapped[int] = mapped_column(ForeignKey("credit_lots.id"))
    axis_from: Mapped[Decimal] = mapped_column(Credits)
    axis_to: Mapped[Decimal] = mapped_column(Credits)


class Hold(Model):
    """So many credits set aside for work under way: captured as it is done, the rest released, or expired.

    A hold reserves an amount, not lots. ``captured`` + ``released`` never exceed ``amount``.
    """

    __tablename__ = "credit_holds"
    __table_args__ = (
        UniqueConstraint("account_id", "key"),
        CheckConstraint(_one_of("state", HOLD_STATES), name="known_state"),
        CheckConstraint("amount > 0 AND captured >= 0 AND released >= 0", name="nothing_negative"),
        CheckConstraint("captured + released <= amount", name="within_amount"),
        Index(
            "ix_credit_holds_open",
            "expires_at",
            postgresql_where=text(OPEN),
            sqlite_where=text(OPEN),
        ),
        # Closed ones are not in it, so that looking for a key never goes through all of an account's holds.
        Index(
            "ix_credit_holds_open_of_account",
            "account_id",
            postgresql_where=text(OPEN),
            sqlite_where=text(OPEN),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    state: Mapped[str] = mapped_column(String(16), default="open")
    amount: Mapped[Decimal] = mapped_column(Credits)
    captured: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    released: Mapped[Decimal] = mapped_column(Credits, default=Decimal(0))
    operation_type: Mapped[str | None] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(String(300))
    request: Mapped[str | None] = mapped_column(String(64))
    price_version: Mapped[str | None] = mapped_column(String(32))
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    # Whether the account was at its watch level, or below, after what was done just now: verbs fill it in.
    watched = False

    @property
    def remaining(self) -> Decimal:
        """What can still be captured out of it."""
        return self.amount - self.captured - self.released
