"""The inbox: every webhook that was truly Polar's, as it came."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Model, RowId, UTCDateTime

EVENT_STATES = ("received", "processed", "ignored", "dead")


class WebhookEvent(Model):
    """One delivery, kept with the exact bytes that were signed.

    received -> processed | ignored (why) | received again, later | dead (why) after too many attempts.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in EVENT_STATES)})", name="known_state"),
        Index(
            "ix_webhook_events_waiting",
            "next_attempt_at",
            postgresql_where=text("state = 'received'"),
            sqlite_where=text("state = 'received'"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    webhook_id: Mapped[str] = mapped_column(String(255), unique=True)
    event_type: Mapped[str | None] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16), default="received")
    reason: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    processed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
