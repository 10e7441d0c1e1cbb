"""Documents as Polar answers them: every key of API version 2026-10, the deprecated ones of the recordings included.

A checkout or an order is stored with ids only; its customer and product are put in when it is shown, as Polar does.
"""

import hashlib
from typing import Any

from creditapp.polar_stand_in.clock import stamp
from creditapp.polar_stand_in.store import Document, Transaction

API_VERSION = "2026-10"
API_VERSIONS = ("2026-04", "2026-10")  # deprecated and current (facts §1.2)
ORGANIZATION_ID = "6d0a5f0c-9a0e-4c5e-8f1b-2b7f6a1d4c11"
FULL_ADDRESS_COUNTRIES = {"US"}  # always asked for the whole address (facts §7, 20)
STATE_COUNTRIES = {"US", "CA"}

_PRODUCT_IN_CHECKOUT_LACKS = ("metadata", "is_deletable", "attached_custom_fields")
_PRODUCT_IN_ORDER_LACKS = ("is_deletable", "attached_custom_fields", "prices", "benefits", "medias")


def public(document: Document) -> Document:
    """Without the keys that are ours."""
    return {key: value for key, value in document.items() if not key.startswith("_")}


def product(document: Document) -> Document:
    """Product, with the prices that are not archived."""
    return {**public(document), "prices": [price for price in document["prices"] if not price["is_archived"]]}


def customer(document: Document) -> Document:
    """CustomerIndividual."""
    digest = hashlib.sha256(document["email"].lower().encode()).hexdigest()
    return {**public(document), "avatar_url": f"https://www.gravatar.com/avatar/{digest}?d=404"}


def customer_state(document: Document) -> Document:
    """CustomerState: the customer and what is active for it, which is nothing here."""
    return {**customer(document), "active_subscriptions": [], "granted_benefits": [], "active_meters": []}


def checkout(t: Transaction, document: Document) -> Document:
    """Checkout with its products and the address fields that it asks for."""
    products = [product(t.get("product", id_) or {}) for id_ in document["_product_ids"]]
    inside = {p["id"]: _without(p, _PRODUCT_IN_CHECKOUT_LACKS) for p in products}
    price = document["_price"]
    prices = {p["id"]: [price] if p["id"] == price["product_id"] else p["prices"] for p in products}
    linked = t.get("customer", document["customer_id"]) or {}
    asks = asked_address(document)
    return {
        **public(document),
        "customer_external_id": linked.get("external_id") or document["external_customer_id"],
        "customer_billing_address_fields": {field: word == "required" for field, word in asks.items()},
        "billing_address_fields": asks,
        "products": list(inside.values()),
        "product": inside[document["product_id"]],
        "product_price": price,
        "prices": prices,
        "discount": None,
        "subscription_id": None,
        "attached_custom_fields": [],
    }


def asked_address(document: Document) -> dict[str, str]:
    """Which address fields the checkout asks for: only the country, unless something wants the whole address."""
    country = (document["customer_billing_address"] or {}).get("country")
    whole = document["require_billing_address"] or document["is_business_customer"] or country in FULL_ADDRESS_COUNTRIES
    word, line2 = ("required", "optional") if whole else ("disabled", "disabled")
    state = "required" if country in STATE_COUNTRIES else "disabled"
    return {"country": "required", "state": state, "city": word, "postal_code": word, "line1": word, "line2": line2}


def order(t: Transaction, document: Document) -> Document:
    """Order with its customer and product as they are now."""
    buyer = customer(t.get("customer", document["customer_id"]) or {})
    bought = t.get("product", document["product_id"]) or {}
    return {
        **public(document),
        "paid": document["status"] in {"paid", "refunded", "partially_refunded"},
        "customer": buyer,
        "user_id": buyer["id"],
        "user": {
            "id": buyer["id"],
            "email": buyer["email"],
            "public_name": (buyer["name"] or buyer["email"])[:1].upper(),
            "avatar_url": buyer["avatar_url"],
            "github_username": None,
        },
        "product": _without(product(bought), _PRODUCT_IN_ORDER_LACKS),
        "product_price": document["_price"],
        "discount": None,
        "subscription": None,
        "description": bought["name"],
        "amount": document["net_amount"],
        "from_balance_amount": document["applied_balance_amount"],
        "refundable_amount": refundable(document),
        "refundable_tax_amount": document["tax_amount"] - document["refunded_tax_amount"],
    }


def refundable(document: Document) -> int:
    """The net amount of an order that was not given back yet."""
    return int(max(0, document["net_amount"] + document["applied_balance_amount"] - document["refunded_amount"]))


def refund(t: Transaction, document: Document) -> Document:
    """Refund, with the dispute that it prevented."""
    prevented = t.get("dispute", document["_dispute_id"])
    return {**public(document), "dispute": dispute(t, prevented) if prevented else None}


def dispute(t: Transaction, document: Document) -> Document:
    """RefundDispute: a dispute inside a refund."""
    status, due = document["status"], document["evidence_due_by"]
    return {
        **_without(public(document), ("case_id",)),
        "resolved": status in {"won", "lost"},
        "closed": status in {"won", "lost", "prevented"},
        "past_due": status == "needs_response" and due < stamp(t),
    }


def dispute_with_customer(t: Transaction, document: Document) -> Document:
    """Dispute."""
    buyer = customer(t.get("customer", document["_customer_id"]) or {})
    return {**dispute(t, document), "customer": buyer, "case_id": document["case_id"]}


def _without(document: Document, keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in keys}
