"""The tables of alerts: what an account's owner wants to be told, and what there was to tell."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Credits, Json, Model, RowId, UTCDateTime

ALERT_TYPES = (
    "low_balance",
    "zero_balance",
    "high_usage",
    "runway",
    "credits_expiring",
    "auto_recharge_failed",
    "recharge_cap",
    "debt",
)
STATES = ("active", "acknowledged", "dismissed", "resolved")
_NOT_ARMED = text("NOT armed")
_STANDING = text("resolved_at IS NULL")
_UNUSUAL = text("alert_type = 'high_usage' AND resolved_at IS NULL")


def _one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class AlertRule(Model):
    """One thing an owner is told. ``threshold`` is in the unit of its kind: credits, per cent, days, times.

    ``armed``: it tells of the next crossing; it told of the last one, from which nothing recovered yet, otherwise.
    A rule about the balance knows in credits where it fires, and above what it is armed again.
    """

    __tablename__ = "alert_rules"
    __table_args__ = (
        Index("ix_alert_rules_account_id", "account_id"),
        Index("ix_alert_rules_not_armed", "account_id", postgresql_where=_NOT_ARMED, sqlite_where=_NOT_ARMED),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str] = mapped_column(String(24))
    threshold: Mapped[Decimal] = mapped_column(Credits)
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    enabled: Mapped[bool] = mapped_column(default=True)
    mail: Mapped[bool] = mapped_column(default=True)
    armed: Mapped[bool] = mapped_column(default=True)
    fires_at: Mapped[Decimal | None] = mapped_column(Credits)
    rearms_above: Mapped[Decimal | None] = mapped_column(Credits)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class AlertWatch(Model):
    """That an account has its rules, and when the clock last looked at what changes with time."""

    __tablename__ = "alert_watches"
    __table_args__ = (Index("ix_alert_watches_looked_at", "looked_at"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CreditAlert(Model):
    """One crossing. It stands until what it tells of is over; a person may acknowledge or dismiss it meanwhile.

    ``subject`` tells the crossings of one rule apart: a key, a day on which credits expire; empty for the account.
    The database refuses a second one that stands for the same.
    """

    __tablename__ = "credit_alerts"
    __table_args__ = (
        CheckConstraint(_one_of("alert_type", ALERT_TYPES), name="known_type"),
        CheckConstraint(_one_of("status", STATES), name="known_status"),
        Index("ix_credit_alerts_account_id_triggered_at", "account_id", "triggered_at"),
        Index("ix_credit_alerts_letter_id", "letter_id"),
        Index(
            "uq_credit_alerts_standing",
            "account_id",
            "rule_id",
            "subject",
            unique=True,
            postgresql_where=_STANDING,
            sqlite_where=_STANDING,
        ),
        Index(
            "ix_credit_alerts_unusual",
            "id",
            postgresql_where=_UNUSUAL,
            sqlite_where=_UNUSUAL,
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("alert_rules.id"))
    alert_type: Mapped[str] = mapped_column(String(24))
    subject: Mapped[str] = mapped_column(String(64), default="")
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    trigger_balance: Mapped[Decimal] = mapped_column(Credits)
    current_balance: Mapped[Decimal] = mapped_column(Credits)
    message: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)
    status: Mapped[str] = mapped_column(String(16), default="active")
    triggered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    resolved_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letters.id"))
    email_sent: Mapped[bool] = mapped_column(default=False)
    email_sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
