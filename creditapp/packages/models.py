"""The table of what is sold."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp.db import Credits, Model, RowId, UTCDateTime


class CreditPackage(Model):
    """So many credits for so much money; limited offers end, or may be bought only so often."""

    __tablename__ = "credit_packages"
    __table_args__ = (
        CheckConstraint("credits > 0", name="credits_positive"),
        CheckConstraint("price_cents > 0", name="price_positive"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    description: Mapped[str] = mapped_column(Text, default="")
    credits: Mapped[Decimal] = mapped_column(Credits)
    price_cents: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(String(3), default="usd")
    polar_product_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    featured: Mapped[bool] = mapped_column(default=False)
    sort_order: Mapped[int] = mapped_column(Integer, default=0)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    max_purchases_per_account: Mapped[int | None] = mapped_column(Integer)

    @property
    def limited(self) -> bool:
        """Whether the offer ends some day or may be bought only so often."""
        return self.expires_at is not None or self.max_purchases_per_account is not None

    @property
    def price_per_credit_cents(self) -> Decimal:
        """The price of one credit in minor units, exact."""
        return Decimal(self.price_cents) / self.credits
