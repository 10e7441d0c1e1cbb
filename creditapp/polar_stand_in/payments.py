"""``/v1/payments/``: every attempt to take money, and the only place that says why one was declined (facts §1.4)."""

import time

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import shapes
from creditapp.polar_stand_in.cards import Card
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import asked, matching, page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.refusals import not_found
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("payments", __name__, url_prefix="/v1/payments")

# A declined charge of a saved card is listed a moment after its refusal: the row comes from the card processor.
DECLINE_LISTED_AFTER_SECONDS = 0.5
DECLINE_MESSAGE = "The bank did not return any further details with this decline."
GENERIC_DECLINE, OWNER_REFUSED = "generic_decline", "payment_intent_authentication_failure"
INDEXED = ("order_id", "checkout_id")
SORTS = {
    "created_at": lambda p: p["created_at"],
    "status": lambda p: p["status"],
    "amount": lambda p: p["amount"],
    "method": lambda p: p["method"],
}


@bp.get("/")
def list_payments() -> Response:
    """Payments, newest first."""
    with store().reading() as t:
        wanted: dict[str, list[str]] = {name: asked(name) for name in INDEXED if asked(name)}
        found = matching(t.all("payment", **wanted), _customer_id="customer_id", status="status", method="method")
        if emails := [email.lower() for email in asked("customer_email")]:
            ids = {c["id"] for c in t.all("customer", _email=emails)}
            found = [p for p in found if p["_customer_id"] in ids]
    return page([p for p in found if p["_listed_from"] <= time.time()], shapes.public, sorts=SORTS)


@bp.get("/<id_>")
def get_payment(id_: str) -> Response:
    """One payment."""
    with store().reading() as t:
        document = t.get("payment", path_id(id_))
    if document is None or document["_listed_from"] > time.time():
        raise not_found()
    return jsonify(shapes.public(document))


def note(
    t: Transaction,
    card: Card,
    *,
    amount: int,
    currency: str,
    customer_id: str | None,
    order_id: str | None = None,
    checkout_id: str | None = None,
    declined: str | None = None,
) -> Document:
    """Write down one attempt to charge *card*: succeeded, or failed with the reason in *declined*."""
    late = declined is not None and checkout_id is None
    return t.put(
        "payment",
        {
            "created_at": stamp(t),
            "modified_at": None,
            "id": new_id(),
            "processor": "stripe",
            "status": "failed" if declined else "succeeded",
            "amount": amount,
            "currency": currency,
            "method": "card",
            "trigger": "purchase" if checkout_id else None,
            "decline_reason": declined,
            "decline_message": DECLINE_MESSAGE if declined else None,
            "organization_id": shapes.ORGANIZATION_ID,
            "checkout_id": checkout_id,
            "order_id": order_id,
            "processor_metadata": {},
            "method_metadata": {"brand": "visa", "last4": card.last4},
            "_customer_id": customer_id,
            "_listed_from": time.time() + DECLINE_LISTED_AFTER_SECONDS if late else 0,
        },
    )


def of_order(t: Transaction, order: Document) -> Document | None:
    """The payment that paid the order; None where nothing was charged."""
    return t.one("payment", order_id=order["id"], status="succeeded")
