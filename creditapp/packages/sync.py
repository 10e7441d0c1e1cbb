"""Packages and their products at Polar: what each is told of the other.

A product is ours when its metadata says ``package_type = credit_package``. ``credits_amount`` is needed; read where
they are there: ``package_key``, ``featured``, ``sort_order``, ``max_purchases_per_account``, ``available_until``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import select

from creditapp.db import db
from creditapp.gateway import PolarProduct
from creditapp.packages.models import CreditPackage
from creditapp.packages.savings import Comparison, savings_percentage
from creditapp.packages.shelf import by_product

PACKAGE_TYPE = "credit_package"
LARGEST_CREDITS = Decimal(1_000_000_000)
LARGEST_LIMIT = 1_000_000
LONGEST_KEY, LONGEST_NAME = 40, 100
# A package's field, and the metadata that says it where somebody cares.
OPTIONAL = {
    "featured": "featured",
    "sort_order": "sort_order",
    "max_purchases_per_account": "max_purchases_per_account",
    "expires_at": "available_until",
}
NO_PRICE = "it has no single fixed price for buying it once"


class Unusable(Exception):
    """A product can't be a package; the words say why."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What became of a product: ``added``, ``changed``, ``unchanged``, or ``skipped`` with the reason."""

    product: PolarProduct
    outcome: str
    reason: str | None = None


def as_product(package: CreditPackage, comparison: Comparison) -> dict[str, Any]:
    """The package as a new product for ``Gateway.make_product``."""
    metadata: dict[str, str | int] = {
        "package_type": PACKAGE_TYPE,
        "package_key": package.key,
        "credits_amount": _number(package.credits),
        "savings_percentage": savings_percentage(package, comparison),
        "sort_order": package.sort_order,
    }
    if package.featured:
        metadata["featured"] = "true"
    if package.max_purchases_per_account is not None:
        metadata["max_purchases_per_account"] = package.max_purchases_per_account
    if package.expires_at is not None:
        metadata["available_until"] = package.expires_at.isoformat()
    return {
        "name": package.name,
        "description": package.description or None,
        "price_cents": package.price_cents,
        "currency": package.currency,
        "metadata": metadata,
    }


def adopt(product: PolarProduct) -> Adopted:
    """Make the product's package as its metadata says; safe to repeat."""
    if product.metadata.get("package_type") != PACKAGE_TYPE:
        return Adopted(product, "skipped", f"its metadata does not say package_type = {PACKAGE_TYPE}")
    try:
        wanted = _wanted(product)
    except Unusable as why:
        return Adopted(product, "skipped", str(why))
    key = wanted.pop("key")
    package = by_product(product.id) or db.session.scalar(select(CreditPackage).where(CreditPackage.key == key))
    if package is None and product.archived:
        return Adopted(product, "skipped", "it is archived")
    if package is None:
        db.session.add(CreditPackage(key=key, polar_product_id=product.id, **wanted))
        db.session.flush()
        return Adopted(product, "added")
    if package.polar_product_id != product.id and product.archived:
        return Adopted(product, "skipped", "it is archived, and its package is sold as another product")
    for field, name in OPTIONAL.items():
        if name not in product.metadata:
            del wanted[field]  # what the metadata does not say stays as it is
    return Adopted(product, "changed" if _change(package, {"polar_product_id": product.id, **wanted}) else "unchanged")


def product_changed(product: PolarProduct) -> str | None:
    """Sell a package as Polar sells its product: name, price, archived or not; the reason where nothing follows.

    How many credits it holds changes by ``adopt`` alone.
    """
    package = by_product(product.id)
    if package is None:
        return "The product is not one of our packages."
    if product.price_cents is None or product.currency is None:
        return f"The package stays as it is: {NO_PRICE}."
    _change(
        package,
        {
            "name": product.name[:LONGEST_NAME],
            "price_cents": product.price_cents,
            "currency": product.currency,
            "active": not product.archived,
        },
    )
    return None


def _wanted(product: PolarProduct) -> dict[str, Any]:
    if product.recurring or not product.price_cents or product.currency is None:
        raise Unusable(NO_PRICE)
    metadata = product.metadata
    key = str(metadata.get("package_key") or re.sub(r"[^a-z0-9]+", "_", product.name.lower()).strip("_"))
    if not re.fullmatch(rf"[a-z0-9_]{{1,{LONGEST_KEY}}}", key):
        message = f"its package_key {key!r} is not made of a to z, 0 to 9 and _"
        raise Unusable(message)
    return {
        "key": key,
        "name": product.name[:LONGEST_NAME],
        "description": product.description or "",
        "credits": _credits(metadata),
        "price_cents": product.price_cents,
        "currency": product.currency,
        "active": not product.archived,
        "featured": str(metadata.get("featured", "")).lower() in {"true", "1", "yes"},
        "sort_order": _whole(metadata, "sort_order") or 0,
        "max_purchases_per_account": _whole(metadata, "max_purchases_per_account"),
        "expires_at": _until(metadata),
    }


def _credits(metadata: Mapping[str, Any]) -> Decimal:
    try:
        amount = Decimal(str(metadata.get("credits_amount")))
    except InvalidOperation:
        amount = Decimal(0)
    if not amount.is_finite() or not 0 < amount <= LARGEST_CREDITS or amount != round(amount, 6):
        message = f"its credits_amount {metadata.get('credits_amount')!r} is not a number of credits"
        raise Unusable(message)
    return amount


def _whole(metadata: Mapping[str, Any], name: str) -> int | None:
    value = metadata.get(name)
    if value is None:
        return None
    if not str(value).isascii() or not str(value).isdigit() or int(value) > LARGEST_LIMIT:
        message = f"its {name} {value!r} is not a whole number"
        raise Unusable(message)
    return int(value)


def _until(metadata: Mapping[str, Any]) -> datetime | None:
    value = metadata.get("available_until")
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        message = f"its available_until {value!r} is not a date or time such as 2026-12-31"
        raise Unusable(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _change(package: CreditPackage, wanted: dict[str, Any]) -> bool:
    changed = {name: value for name, value in wanted.items() if getattr(package, name) != value}
    for name, value in changed.items():
        setattr(package, name, value)
    db.session.flush()
    return bool(changed)


def _number(credits: Decimal) -> int | str:
    return int(credits) if credits == int(credits) else str(credits)
