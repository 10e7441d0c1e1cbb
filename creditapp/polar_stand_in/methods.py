"""Saved cards of a customer: ``…/payment-methods``, and how a card is saved, chosen and removed (facts §1.6)."""

from flask import Blueprint, Response

from creditapp.polar_stand_in import customers, shapes
from creditapp.polar_stand_in.cards import Card
from creditapp.polar_stand_in.clock import new_id, now, stamp
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("methods", __name__, url_prefix="/v1/customers")

YEARS_VALID = 8


@bp.get("/<id_>/payment-methods")
def list_methods(id_: str) -> Response:
    """The saved cards by Polar's id of the customer, newest first."""
    with store().reading() as t:
        return _listed(t, customers.found(t, path_id(id_)))


@bp.get("/external/<external_id>/payment-methods")
def list_external_methods(external_id: str) -> Response:
    """The saved cards by the merchant's id of the customer, newest first."""
    with store().reading() as t:
        return _listed(t, customers.found_external(t, external_id))


def save(t: Transaction, customer: Document, card: Card, *, address: Document | None) -> Document:
    """Save *card* and make it the default; told by ``customer.updated`` with ``default_payment_method_id``."""
    method = t.put(
        "method",
        {
            "id": new_id(),
            "created_at": stamp(t),
            "modified_at": None,
            "processor": "stripe",
            "customer_id": customer["id"],
            "type": "card",
            "method_metadata": {
                "brand": "visa",
                "last4": card.last4,
                "exp_month": 12,
                "exp_year": now(t).year + YEARS_VALID,
                "wallet": None,
            },
            "_number": card.number,
        },
    )
    make_default(t, {**customer, "billing_address": address or customer["billing_address"]}, method)
    return method


def make_default(t: Transaction, customer: Document, method: Document) -> None:
    """Charge this card from now on where none is named; told by ``customer.updated``."""
    changed = customers.change(t, customer, default_payment_method_id=method["id"])
    customers.announce(t, "customer.updated", changed)


def remove(t: Transaction, customer: Document, method: Document) -> None:
    """Forget a card; told by ``customer.updated``. No other card takes its place as the default."""
    t.remove("method", method["id"])
    default = customer["default_payment_method_id"]
    changed = customers.change(t, customer, default_payment_method_id=None if default == method["id"] else default)
    customers.announce(t, "customer.updated", changed)


def _listed(t: Transaction, customer: Document) -> Response:
    default = customer["default_payment_method_id"]
    return page(
        t.all("method", customer_id=customer["id"]),
        lambda method: {**shapes.public(method), "is_default": method["id"] == default},
    )
