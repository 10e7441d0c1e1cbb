"""What each event of Polar does here: a handler answers None when it did its work, else the reason why there was none.

Payloads are read as plain dictionaries: the SDK's parser refuses a whole event
for one field it does not know, and costs seconds on its first call.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from creditapp import checkout


class Ignored(Exception):
    """The event needs nothing done; the words say why."""


class WrongShape(Exception):
    """A field that the event can't do without is missing or of another kind."""


UNUSED = {
    "order.created": "An order counts when it is paid.",
    "order.updated": "An order counts when it is paid.",
    "order.refunded": "Refunds are not followed yet.",
    "refund.created": "Refunds are not followed yet.",
    "refund.updated": "Refunds are not followed yet.",
    "customer.updated": "A customer's data at Polar are not followed yet.",
    "customer.deleted": "A customer's data at Polar are not followed yet.",
    "checkout.updated": "A checkout counts when its order is paid.",
    "checkout.expired": "A checkout counts when its order is paid.",
}


def order_paid(data: dict[str, Any]) -> str | None:
    """Credit the order; where it credits nobody, the reason."""
    return checkout.fulfil(_paid_order(data)).reason


HANDLERS: dict[str, Callable[[dict[str, Any]], str | None]] = {"order.paid": order_paid}


def _paid_order(data: dict[str, Any]) -> checkout.PaidOrder:
    """Polar's order in our words (polar.v2026_10 Order; every amount in minor units)."""
    customer, metadata = _object(data, "customer"), _object(data, "metadata")
    if data.get("paid") is False or data.get("status") not in {"paid", "partially_refunded", "refunded"}:
        message = f"Its status is {data.get('status')!r}, which is not paid."
        raise Ignored(message)
    return checkout.PaidOrder(
        id=_text(data, "id"),
        product_id=_optional_text(data, "product_id"),
        customer_id=_optional_text(data, "customer_id"),
        external_customer_id=_optional_text(customer, "external_id"),
        our_checkout_id=_optional_text(metadata, "checkout_id"),
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
    if not value.isprintable():
        message = f"The field {field!r} holds characters that no text has."
        raise WrongShape(message)
    return value


def _cents(data: dict[str, Any], field: str) -> int:
    value = data.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        message = f"The field {field!r} is missing or not an amount in minor units."
        raise WrongShape(message)
    return value


def _moment(data: dict[str, Any], field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(data, field))
    except ValueError:
        message = f"The field {field!r} is not a time."
        raise WrongShape(message) from None
    if moment.tzinfo is None:
        message = f"The field {field!r} lacks its zone."
        raise WrongShape(message)
    return moment
