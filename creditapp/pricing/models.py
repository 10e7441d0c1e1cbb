"""The table of rate cards that were published after the first."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Json, Model, RowId, UTCDateTime


class PublishedCard(Model):
    """A rate card and the moment from which it holds. The database refuses to change or delete it."""

    __tablename__ = "rate_cards"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    version: Mapped[str] = mapped_column(String(32), unique=True)
    holds_from: Mapped[datetime] = mapped_column(UTCDateTime)
    card: Mapped[dict[str, Any]] = mapped_column(Json)
    published_at: Mapped[datetime] = mapped_column(UTCDateTime)
