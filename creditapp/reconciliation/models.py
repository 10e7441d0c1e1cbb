"""The rounds of looking at Polar for what its webhooks did not bring."""

from datetime import datetime

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Model, RowId, UTCDateTime


class Reconciliation(Model):
    """One round: since when orders were looked at, how much was seen, how much was put right."""

    __tablename__ = "reconciliations"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    since: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    orders: Mapped[int] = mapped_column(Integer, default=0)
    refunds: Mapped[int] = mapped_column(Integer, default=0)
    disputes: Mapped[int] = mapped_column(Integer, default=0)
    repaired: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str | None] = mapped_column(Text)
