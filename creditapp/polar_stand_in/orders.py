"""``/v1/orders/``: what was bought, its receipt and its invoice (facts §1.4, §4)."""

from datetime import datetime

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import customers, shapes
from creditapp.polar_stand_in.chores import chore
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import settings, store
from creditapp.polar_stand_in.listing import asked, asked_moment, matching, page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.refusals import named, not_found
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("orders", __name__, url_prefix="/v1/orders")

SLUG = "STANDIN"
SORTS = {
    "created_at": lambda o: o["created_at"],
    "status": lambda o: o["status"],
    "invoice_number": lambda o: o["invoice_number"] or "",
    "amount": lambda o: o["net_amount"],
    "net_amount": lambda o: o["net_amount"],
    "customer": lambda o: o["customer_id"],
    "product": lambda o: o["product_id"],
}


@bp.get("/")
def list_orders() -> Response:
    """Orders, newest first, by the filters the application uses."""
    after, before = asked_moment("created_after"), asked_moment("created_before")
    with store().reading() as t:
        wanted: dict[str, list[str]] = {"checkout_id": asked("checkout_id")} if asked("checkout_id") else {}
        if (ids := customers.asked_ids(t)) is not None:
            wanted["customer_id"] = ids
        found = matching(t.all("order", **wanted), product_id="product_id", status="status", discount_id="discount_id")
        if after:
            found = [o for o in found if _moment(o) > after.timestamp()]
        if before:
            found = [o for o in found if _moment(o) < before.timestamp()]
        return page(found, lambda document: shapes.order(t, document), sorts=SORTS)


@bp.get("/<id_>")
def get_order(id_: str) -> Response:
    """One order."""
    with store().reading() as t:
        return jsonify(shapes.order(t, _found(t, id_)))


@bp.get("/<id_>/receipt")
def get_receipt(id_: str) -> Response | tuple[str, int]:
    """Where the receipt is; 202 with nothing while the order is not paid."""
    with store().reading() as t:
        order = _found(t, id_)
    if order["receipt_number"] is None:
        return "", 202
    return jsonify(url=f"{settings().base_url}/receipts/{order['id']}")


@bp.post("/<id_>/invoice")
def generate_invoice(id_: str) -> tuple[Response, int]:
    """Have the invoice made; said by ``order.updated``."""
    with store().writing() as t:
        order = _found(t, id_)
        if order["status"] in {"draft", "pending", "void"}:
            raise named(422, "OrderNotEligibleForInvoice", f"Order {order['id']} is not eligible for an invoice.")
        if not order["billing_name"] or not order["billing_address"]:
            detail = "Billing name and address are required to generate an invoice."
            raise named(422, "MissingInvoiceBillingDetails", detail)
        order.update(is_invoice_generated=True, modified_at=stamp(t))
        t.emit("order.updated", shapes.order(t, t.put("order", order)))
    return jsonify(None), 202


@bp.get("/<id_>/invoice")
def get_invoice(id_: str) -> Response:
    """Where the invoice is, once it was made."""
    with store().reading() as t:
        order = _found(t, id_)
    if not order["is_invoice_generated"]:
        raise not_found()
    return jsonify(url=f"{settings().base_url}/invoices/{order['id']}")


def new_order(t: Transaction, *, checkout: Document, customer: Document, status: str) -> Document:
    """Write the order of a checkout. Its metadata is the checkout's (facts §4). It is the caller who announces it."""
    product = t.get("product", checkout["product_id"]) or {}
    amount, at = checkout["net_amount"], stamp(t)
    sequence = t.count("order", customer_id=customer["id"]) + 1
    return t.put(
        "order",
        {
            "id": new_id(),
            "created_at": at,
            "modified_at": at,
            "status": status,
            "paid": status == "paid",
            "subtotal_amount": checkout["subtotal_amount"],
            "discount_amount": checkout["discount_amount"],
            "net_amount": amount,
            "tax_amount": 0,
            "total_amount": amount,
            "applied_balance_amount": 0,
            "due_amount": amount,
            "refunded_amount": 0,
            "refunded_tax_amount": 0,
            "currency": checkout["currency"],
            "billing_reason": "purchase",
            "billing_name": customer["billing_name"],
            "billing_address": customer["billing_address"],
            "invoice_number": f"{SLUG}-{customer['_code']}-{sequence:04d}",
            "is_invoice_generated": False,
            "receipt_number": None,
            "seats": None,
            "units": None,
            "customer_id": customer["id"],
            "product_id": product["id"],
            "product_price_id": checkout["product_price_id"],
            "discount_id": None,
            "subscription_id": None,
            "checkout_id": checkout["id"],
            "next_payment_attempt_at": None,
            "metadata": checkout["metadata"],
            "custom_field_data": {},
            "platform_fee_amount": 0,
            "platform_fee_currency": None,
            "items": [
                {
                    "created_at": at,
                    "modified_at": None,
                    "id": new_id(),
                    "label": product["name"],
                    "amount": amount,
                    "tax_amount": 0,
                    "proration": False,
                    "product_price_id": checkout["product_price_id"],
                    "start_timestamp": None,
                    "end_timestamp": None,
                }
            ],
            "_price": checkout["_price"],
            "_sequence": sequence,
        },
    )


@chore
def book_platform_fee(t: Transaction, order_id: str) -> None:
    """A moment after the payment: 5 % and 50 cents, said by one more ``order.updated`` with the same status."""
    order = t.get("order", order_id)
    if order is None or order["platform_fee_currency"] is not None:
        return
    fee = round(order["total_amount"] * 5 / 100) + 50 if order["total_amount"] else 0
    order.update(platform_fee_amount=fee, platform_fee_currency=order["currency"], modified_at=stamp(t))
    t.emit("order.updated", shapes.order(t, t.put("order", order)))


def _moment(order: Document) -> float:
    return datetime.fromisoformat(order["created_at"]).timestamp()


def _found(t: Transaction, id_: str) -> Document:
    document = t.get("order", path_id(id_))
    if document is None:
        raise not_found()
    return document
