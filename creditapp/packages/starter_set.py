"""The five packages every installation begins with."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from creditapp import clock
from creditapp.db import db
from creditapp.packages.models import CreditPackage

HOLIDAY_DAYS = 30

# key, name, credits, price in cents, featured
STARTER_SET = (
    ("starter", "Starter", 1_000, 10_00, False),
    ("professional", "Professional", 5_000, 40_00, False),
    ("business", "Business", 15_000, 105_00, True),
    ("enterprise", "Enterprise", 50_000, 300_00, False),
    ("holiday_bonus", "Holiday Bonus", 7_500, 40_00, False),
)


def seed(product_ids: dict[str, str | None]) -> list[CreditPackage]:
    """Create the packages that are missing, and connect each to the Polar product id given for its key.

    Safe to repeat: prices and limits of existing packages stay as they are; a product id that is not given stays too.
    """
    existing = {package.key: package for package in db.session.scalars(select(CreditPackage))}
    for order, (key, name, credits, price_cents, featured) in enumerate(STARTER_SET):
        if key not in existing:
            existing[key] = CreditPackage(
                key=key,
                name=name,
                credits=Decimal(credits),
                price_cents=price_cents,
                currency="usd",
                featured=featured,
                sort_order=order,
            )
            if key == "holiday_bonus":
                existing[key].expires_at = clock.now() + timedelta(days=HOLIDAY_DAYS)
                existing[key].max_purchases_per_account = 1
            db.session.add(existing[key])
        if product_ids.get(key):
            existing[key].polar_product_id = product_ids[key]
    db.session.flush()
    return list(existing.values())
