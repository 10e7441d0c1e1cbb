"""``/v1/refunds/``: money that goes back. Amounts are net; the tax share goes back with them (facts §2.2, §4).

A refund counts in its order's ``refunded_amount`` while it is ``succeeded``. ``pending`` ones are spoken for as well:
the two together never exceed what the order brought in.
"""

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import customers, shapes
from creditapp.polar_stand_in.chores import chore, later
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import asked, asked_yes, matching, page
from creditapp.polar_stand_in.reading import Body
from creditapp.polar_stand_in.refusals import named, wrong_value
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("refunds", __name__, url_prefix="/v1/refunds")

ECHO_AFTER_SECONDS = 0.5
REASONS = ("duplicate", "fraudulent", "customer_request", "service_disruption", "satisfaction_guarantee", "other")
STATUSES = ("pending", "succeeded", "failed", "canceled")
NEXT = {"pending": ("succeeded", "failed", "canceled"), "succeeded": ("failed", "canceled")}
REFUNDABLE = ("paid", "partially_refunded")
SORTS = {"created_at": lambda r: r["created_at"], "amount": lambda r: r["amount"]}


@bp.get("/")
def list_refunds() -> Response:
    """Refunds, newest first."""
    with store().reading() as t:
        wanted: dict[str, list[str]] = {name: asked(name) for name in ("id", "order_id") if asked(name)}
        if (ids := customers.asked_ids(t)) is not None:
            wanted["customer_id"] = ids
        found, succeeded = matching(t.all("refund", **wanted)), asked_yes("succeeded")
        found = [r for r in found if succeeded in {None, r["status"] == "succeeded"}]
        return page(found, lambda document: shapes.refund(t, document), sorts=SORTS)


@bp.post("/")
def create_refund() -> tuple[Response, int]:
    """Give a net amount of an order back; the card takes it at once."""
    body = Body()
    order_id = body.uuid("order_id") if body.required("order_id") is not None else None
    reason = body.choice("reason", REASONS) if body.required("reason") is not None else None
    amount = body.required("amount")
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool)):
        body.wrong("int_type", "amount", "Input should be a valid integer", amount)
    elif amount is not None and amount <= 0:
        body.wrong("greater_than", "amount", "Input should be greater than 0", amount, gt=0)
    body.text("comment")
    metadata, revoke = body.metadata(), body.yes("revoke_benefits", default=False)
    body.done()
    with store().writing() as t:
        order = t.get("order", order_id)
        if order is None or (order["status"] not in REFUNDABLE and order["status"] != "refunded"):
            raise wrong_value(["body", "order_id"], "Order not found", order_id)
        _refuse(t, order, amount)
        document = give_back(
            t, order, amount, reason=str(reason), metadata=metadata, revoke_benefits=bool(revoke), echo=True
        )
        return jsonify(shapes.refund(t, document)), 201


def give_back(
    t: Transaction,
    order: Document,
    amount: int,
    *,
    status: str = "succeeded",
    reason: str = "customer_request",
    metadata: Document | None = None,
    revoke_benefits: bool = False,
    dispute_id: str | None = None,
    echo: bool,
) -> Document:
    """Write a new refund and tell of it, and of what it does to its order.

    *echo*: the card processor says it once more a moment later, by a redundant ``refund.updated``.
    """
    document = t.put(
        "refund",
        {
            "created_at": stamp(t),
            "modified_at": None,
            "id": new_id(),
            "metadata": metadata or {},
            "status": status,
            "reason": reason,
            "amount": amount,
            "tax_amount": tax_share(order, amount),
            "currency": order["currency"],
            "organization_id": shapes.ORGANIZATION_ID,
            "order_id": order["id"],
            "subscription_id": None,
            "customer_id": order["customer_id"],
            "revoke_benefits": revoke_benefits,
            "_dispute_id": dispute_id,
        },
    )
    t.emit("refund.created", shapes.refund(t, document))
    if status == "succeeded":
        _count(t, order, document, sign=1)
        if echo:
            later(t, ECHO_AFTER_SECONDS, echo_refund, document["id"])
    return document


def move(t: Transaction, refund: Document, status: str) -> Document:
    """The card processor changed its mind about a refund; the caller has looked at ``NEXT``."""
    counted = refund["status"] == "succeeded"
    refund.update(status=status, modified_at=stamp(t))
    t.emit("refund.updated", shapes.refund(t, t.put("refund", refund)))
    order = t.get("order", refund["order_id"]) or {}
    if status == "succeeded":
        _count(t, order, refund, sign=1)
    elif counted:
        _count(t, order, refund, sign=-1)
    return refund


def left(t: Transaction, order: Document) -> int:
    """The net amount that can still be given back: what no succeeded or pending refund has taken."""
    pending = sum(refund["amount"] for refund in t.all("refund", order_id=order["id"], status="pending"))
    return shapes.refundable(order) - pending if order["status"] in REFUNDABLE else 0


def tax_share(order: Document, amount: int) -> int:
    """The tax that goes back with a net *amount*: in proportion, and all that is left with all that is left."""
    if amount == shapes.refundable(order):
        return int(order["tax_amount"] - order["refunded_tax_amount"])
    return round(amount * order["tax_amount"] / order["net_amount"]) if order["net_amount"] else 0


@chore
def echo_refund(t: Transaction, refund_id: str) -> None:
    """The card processor's own word about a refund that Polar made: nothing new, said once more."""
    refund = t.get("refund", refund_id)
    if refund is not None and refund["status"] == "succeeded":
        refund["modified_at"] = stamp(t)
        t.emit("refund.updated", shapes.refund(t, t.put("refund", refund)))


def _refuse(t: Transaction, order: Document, amount: int) -> None:
    """Raise what Polar says to a refund that cannot be."""
    if order["status"] == "refunded":
        raise named(403, "RefundedAlready", f"Order is already fully refunded: {order['id']}")
    if t.count("dispute", order_id=order["id"], status=["needs_response", "under_review", "lost"]):
        detail = f"The payment of order {order['id']} is disputed and can't be refunded."
        raise named(403, "RefundDisputedPayment", detail)
    if amount > left(t, order):
        raise wrong_value(["body", "amount"], "Refund amount exceeds refundable amount", amount)


def _count(t: Transaction, order: Document, refund: Document, *, sign: int) -> None:
    """Count a refund in its order, or take it out again, and tell."""
    order["refunded_amount"] += sign * refund["amount"]
    order["refunded_tax_amount"] += sign * refund["tax_amount"]
    whole = order["refunded_amount"] >= order["net_amount"] + order["applied_balance_amount"]
    order["status"] = "refunded" if whole else "partially_refunded" if order["refunded_amount"] else "paid"
    order["modified_at"] = stamp(t)
    shape = shapes.order(t, t.put("order", order))
    t.emit("order.updated", shape)
    if sign > 0:
        t.emit("order.refunded", shape)
