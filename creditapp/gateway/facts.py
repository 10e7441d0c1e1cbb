"""What Polar tells, in our words, read from its JSON: the same for a webhook and for an answer.

Payloads are read as plain dictionaries: the SDK's parser refuses a whole event for one field it does not know, and
costs seconds on its first call. Shapes: polar.v2026_10 outputs; every amount in minor units of its currency, refunds
and disputes net of tax.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

PAID = frozenset({"paid", "partially_refunded", "refunded"})
LARGEST_CENTS = 10**12  # far above Polar's own limit, and within what a database column holds


class WrongShape(Exception):
    """A field that can't be done without is missing or of another kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarOrder:
    """An order. ``our_checkout_id`` and ``our_recharge_id`` are what we put into its metadata."""

    id: str
    status: str
    paid: bool
    product_id: str | None
    customer_id: str | None
    external_customer_id: str | None
    our_checkout_id: str | None
    our_recharge_id: str | None = None
    subtotal_amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    total_amount: int
    refunded_amount: int
    currency: str
    invoice_number: str | None
    modified_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarRefund:
    """A refund of an order; money has moved only while its status is ``succeeded``."""

    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    reason: str | None
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarDispute:
    """A payment that the cardholder disputes; ``lost`` took the money away."""

    id: str
    order_id: str
    status: str
    amount: int
    currency: str
    reason: str | None
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarCustomer:
    """Who an account is at Polar."""

    id: str
    external_id: str | None
    email: str | None
    name: str | None
    default_payment_method_id: str | None
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarCheckout:
    """A checkout's state: open, confirmed, succeeded, expired or failed."""

    id: str
    status: str
    our_checkout_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarPayment:
    """A payment; *message* says in words why it failed, where it did."""

    status: str
    order_id: str | None
    checkout_id: str | None
    our_checkout_id: str | None
    message: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarProduct:
    """A product with one fixed price; ``price_cents`` is None where it has none, or several."""

    id: str
    name: str
    description: str | None
    archived: bool
    recurring: bool
    price_cents: int | None
    currency: str | None
    metadata: Mapping[str, Any]


def order(data: dict[str, Any]) -> PolarOrder:
    """An Order. Raises WrongShape."""
    status = _optional_text(data, "status") or ""
    return PolarOrder(
        id=_text(data, "id"),
        status=status,
        paid=status in PAID and data.get("paid", True) is True,
        product_id=_optional_text(data, "product_id"),
        customer_id=_optional_text(data, "customer_id"),
        external_customer_id=_optional_text(_object(data, "customer"), "external_id"),
        our_checkout_id=_optional_text(_object(data, "metadata"), "checkout_id"),
        our_recharge_id=_optional_text(_object(data, "metadata"), "recharge_id"),
        subtotal_amount=_cents(data, "subtotal_amount"),
        discount_amount=_cents(data, "discount_amount"),
        net_amount=_cents(data, "net_amount"),
        tax_amount=_cents(data, "tax_amount"),
        total_amount=_cents(data, "total_amount"),
        refunded_amount=_cents(data, "refunded_amount"),
        currency=_text(data, "currency").lower(),
        invoice_number=_optional_text(data, "invoice_number"),
        modified_at=_moment(data, "modified_at") if data.get("modified_at") else None,
        created_at=_moment(data, "created_at"),
    )


def refund(data: dict[str, Any]) -> PolarRefund:
    """A Refund. Raises WrongShape."""
    return PolarRefund(
        id=_text(data, "id"),
        order_id=_text(data, "order_id"),
        status=_text(data, "status"),
        amount=_cents(data, "amount"),
        currency=_text(data, "currency").lower(),
        reason=_optional_text(data, "reason"),
        told_at=_told_at(data),
    )


def dispute(data: dict[str, Any]) -> PolarDispute:
    """A Dispute. Raises WrongShape."""
    return PolarDispute(
        id=_text(data, "id"),
        order_id=_text(data, "order_id"),
        status=_text(data, "status"),
        amount=_cents(data, "amount"),
        currency=_text(data, "currency").lower(),
        reason=_optional_text(data, "reason"),
        told_at=_told_at(data),
    )


def customer(data: dict[str, Any]) -> PolarCustomer:
    """A Customer. Raises WrongShape."""
    return PolarCustomer(
        id=_text(data, "id"),
        external_id=_optional_text(data, "external_id"),
        email=_optional_text(data, "email"),
        name=_optional_text(data, "name"),
        default_payment_method_id=_optional_text(data, "default_payment_method_id"),
        told_at=_told_at(data),
    )


def checkout(data: dict[str, Any]) -> PolarCheckout:
    """A Checkout. Raises WrongShape."""
    return PolarCheckout(
        id=_text(data, "id"),
        status=_text(data, "status"),
        our_checkout_id=_optional_text(_object(data, "metadata"), "checkout_id"),
    )


def payment(data: dict[str, Any]) -> PolarPayment:
    """A Payment. Raises WrongShape."""
    return PolarPayment(
        status=_optional_text(data, "status") or "",
        order_id=_optional_text(data, "order_id"),
        checkout_id=_optional_text(data, "checkout_id"),
        our_checkout_id=_optional_text(_object(data, "metadata"), "checkout_id"),
        message=_optional_text(data, "decline_message") or _optional_text(data, "decline_reason"),
    )


def product(data: dict[str, Any]) -> PolarProduct:
    """A Product. Raises WrongShape."""
    prices = data.get("prices")
    open_prices = [one for one in prices if isinstance(one, dict)] if isinstance(prices, list) else []
    open_prices = [one for one in open_prices if not one.get("is_archived")]
    fixed = open_prices[0] if len(open_prices) == 1 and open_prices[0].get("amount_type") == "fixed" else None
    return PolarProduct(
        id=_text(data, "id"),
        name=_text(data, "name"),
        description=_optional_text(data, "description"),
        archived=data.get("is_archived") is True,
        recurring=data.get("is_recurring") is True,
        price_cents=_cents(fixed, "price_amount") if fixed else None,
        currency=_text(fixed, "price_currency").lower() if fixed else None,
        metadata=_object(data, "metadata"),
    )


def _object(data: dict[str, Any], field: str) -> dict[str, Any]:
    value = data.get(field)
    return value if isinstance(value, dict) else {}


def _text(data: dict[str, Any], field: str) -> str:
    value = _optional_text(data, field)
    if value is None:
        message = f"The field {field!r} is missing or not text."
        raise WrongShape(message)
    return value


def _optional_text(data: dict[str, Any], field: str) -> str | None:
    value = data.get(field)
    if not isinstance(value, str) or not value:
        return None
    if not value.replace("\n", " ").isprintable():
        message = f"The field {field!r} holds characters that no text has."
        raise WrongShape(message)
    return value


def _cents(data: dict[str, Any], field: str) -> int:
    value = data.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_CENTS:
        message = f"The field {field!r} is missing or not an amount in minor units."
        raise WrongShape(message)
    return value


def _told_at(data: dict[str, Any]) -> datetime:
    """When the object was as it says: its last change, which is its creation where nothing changed since."""
    return _moment(data, "modified_at" if data.get("modified_at") else "created_at")


def _moment(data: dict[str, Any], field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(data, field))
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"The field {field!r} is not a time."
        raise WrongShape(message) from None
    if moment.tzinfo is None:
        message = f"The field {field!r} lacks its zone."
        raise WrongShape(message)
    return moment
