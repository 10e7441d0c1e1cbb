"""``/v1/orders/``: what was bought, its receipt and its invoice (facts §1.4, §4)."""

from datetime import datetime

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import customers, shapes
from creditapp.polar_stand_in.chores import chore, later
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import settings, store
from creditapp.polar_stand_in.listing import asked, asked_moment, matching, page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.refusals import named, not_found
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("orders", __name__, url_prefix="/v1/orders")

SLUG = "STANDIN"
PLATFORM_FEE_AFTER_SECONDS = 0.5
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
        orders = matching(t.all("order", **wanted), product_id="product_id", status="status", discount_id="discount_id")
        if after:
            orders = [o for o in orders if _moment(o) > after.timestamp()]
        if before:
            orders = [o for o in orders if _moment(o) < before.timestamp()]
        return page(orders, lambda document: shapes.order(t, document), sorts=SORTS)


@bp.get("/<id_>")
def get_order(id_: str) -> Response:
    """One order."""
    with store().reading() as t:
        return jsonify(shapes.order(t, found(t, id_)))


@bp.get("/<id_>/receipt")
def get_receipt(id_: str) -> Response | tuple[str, int]:
    """Where the receipt is; 202 with nothing while the order is not paid."""
    with store().reading() as t:
        order = found(t, id_)
    if order["receipt_number"] is None:
        return "", 202
    return jsonify(url=f"{settings().base_url}/receipts/{order['id']}")


@bp.post("/<id_>/invoice")
def generate_invoice(id_: str) -> tuple[Response, int]:
    """Have the invoice made; said by ``order.updated``."""
    with store().writing() as t:
        order = found(t, id_)
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
        order = found(t, id_)
    if not order["is_invoice_generated"]:
        raise not_found()
    return jsonify(url=f"{settings().base_url}/invoices/{order['id']}")


def new_order(
    t: Transaction,
    *,
    customer: Document,
    product: Document,
    price: Document,
    amount: int,
    tax_amount: int,
    metadata: Document,
    label: str | None = None,
    checkout_id: str | None = None,
) -> Document:
    """Write a draft. It is the caller who announces it; a checkout's becomes paid in the same breath."""
    at = stamp(t)
    return t.put(
        "order",
        {
            "id": new_id(),
            "created_at": at,
            "modified_at": None,
            "status": "draft",
            "paid": False,
            "subtotal_amount": amount,
            "discount_amount": 0,
            "net_amount": amount,
            "tax_amount": tax_amount,
            "total_amount": amount + tax_amount,
            "applied_balance_amount": 0,
            "due_amount": amount + tax_amount,
            "refunded_amount": 0,
            "refunded_tax_amount": 0,
            "currency": price["price_currency"],
            "billing_reason": "purchase",
            "billing_name": customer["billing_name"],
            "billing_address": customer["billing_address"],
            "invoice_number": None,
            "is_invoice_generated": False,
            "receipt_number": None,
            "seats": None,
            "units": None,
            "customer_id": customer["id"],
            "product_id": product["id"],
            "product_price_id": price["id"],
            "discount_id": None,
            "subscription_id": None,
            "checkout_id": checkout_id,
            "next_payment_attempt_at": None,
            "metadata": metadata,
            "custom_field_data": {},
            "platform_fee_amount": 0,
            "platform_fee_currency": None,
            "items": [
                {
                    "created_at": at,
                    "modified_at": None,
                    "id": new_id(),
                    "label": label or product["name"],
                    "amount": amount,
                    "tax_amount": tax_amount,
                    "proration": False,
                    "product_price_id": price["id"],
                    "start_timestamp": None,
                    "end_timestamp": None,
                }
            ],
            "_price": price,
        },
    )


def settle(t: Transaction, order: Document, *, born: bool = False) -> Document:
    """An order is paid: told by ``order.updated``, ``order.paid``, and once more when Polar's fee is booked.

    *born*: it is a checkout's, which is told as created and paid at once.
    """
    before = t.count("order", customer_id=order["customer_id"], status=["paid", "partially_refunded", "refunded"])
    number = f"{order['customer_id'].replace('-', '')[:10].upper()}-{before + 1:04d}"
    order.update(status="paid", invoice_number=f"{SLUG}-{number}", modified_at=stamp(t))
    t.put("order", order)
    if born:
        t.emit("order.created", shapes.order(t, order))
    t.emit("order.updated", shapes.order(t, order))
    order.update(receipt_number=f"RCPT-{number}", modified_at=stamp(t))
    t.emit("order.paid", shapes.order(t, t.put("order", order)))
    later(t, PLATFORM_FEE_AFTER_SECONDS, book_platform_fee, order["id"])
    return order


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


def found(t: Transaction, id_: str) -> Document:
    """Give the order with this id; 404 when there is none, 422 when it is no id."""
    document = t.get("order", path_id(id_))
    if document is None:
        raise not_found()
    return document
