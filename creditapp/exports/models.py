"""The table of exports: who asked, how far it is, until when its file can be fetched."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Model, RowId, UTCDateTime

EXPORT_STATES = ("requested", "working", "ready", "failed", "gone")
_IN_FLIGHT = text("state IN ('requested', 'working')")


class DataExport(Model):
    """One archive of an account's data: requested -> working -> ready -> gone, or failed with the reason.

    ``attempts`` is part of its file's name: who was overtaken writes into another file than the one that counts.
    """

    __tablename__ = "data_exports"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in EXPORT_STATES)})", name="known_state"),
        Index("ix_data_exports_account_id", "account_id"),
        Index(
            "uq_data_exports_one_in_flight",
            "account_id",
            unique=True,
            postgresql_where=_IN_FLIGHT,
            sqlite_where=_IN_FLIGHT,
        ),
        Index("ix_data_exports_waiting", "next_attempt_at", postgresql_where=_IN_FLIGHT, sqlite_where=_IN_FLIGHT),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    asked_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(String(16), default="requested")
    reason: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(UTCDateTime)
    rows_done: Mapped[int] = mapped_column(BigInteger, default=0)
    rows_total: Mapped[int] = mapped_column(BigInteger, default=0)
    size: Mapped[int | None] = mapped_column(BigInteger)
    requested_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ready_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
