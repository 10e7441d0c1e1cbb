"""``/v1/disputes/``: a bank takes a payment back. Polar sends no webhook about one (facts §2.2).

Only a dispute that was prevented is heard of: it is a refund with the reason ``dispute_prevention``.
"""

from datetime import timedelta

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import refunds, shapes
from creditapp.polar_stand_in.clock import new_id, now, stamp, written
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import asked, matching, page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.refusals import not_found
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("disputes", __name__, url_prefix="/v1/disputes")

STATUSES = ("early_warning", "needs_response", "under_review", "lost", "won", "prevented")
TIME_TO_ANSWER = timedelta(days=9)
SORTS = {"created_at": lambda d: d["created_at"], "amount": lambda d: d["amount"]}


@bp.get("/")
def list_disputes() -> Response:
    """Disputes, newest first."""
    with store().reading() as t:
        wanted: dict[str, list[str]] = {"order_id": asked("order_id")} if asked("order_id") else {}
        found = matching(t.all("dispute", **wanted), status="status")
        return page(found, lambda document: shapes.dispute_with_customer(t, document), sorts=SORTS)


@bp.get("/<id_>")
def get_dispute(id_: str) -> Response:
    """One dispute."""
    with store().reading() as t:
        document = t.get("dispute", path_id(id_))
        if document is None:
            raise not_found()
        return jsonify(shapes.dispute_with_customer(t, document))


def open_(t: Transaction, order: Document, payment: Document, amount: int) -> Document:
    """Write a new dispute about a net *amount*: it needs a response."""
    at = now(t)
    fields = {
        "created_at": written(at),
        "modified_at": None,
        "id": new_id(),
        "status": "needs_response",
        "amount": amount,
        "tax_amount": refunds.tax_share(order, amount),
        "currency": order["currency"],
        "reason": "fraudulent",
        "evidence_due_by": written(at + TIME_TO_ANSWER),
        "order_id": order["id"],
        "payment_id": payment["id"],
        "case_id": None,
        "_customer_id": order["customer_id"],
    }
    return t.put("dispute", fields)


def move(t: Transaction, dispute: Document, status: str) -> Document:
    """What the bank says now. Nobody is told; a prevented one gives the money back, which is told as a refund."""
    dispute.update(status=status, modified_at=stamp(t))
    t.put("dispute", dispute)
    if status == "prevented":
        refunds.give_back(
            t,
            t.get("order", dispute["order_id"]) or {},
            dispute["amount"],
            reason="dispute_prevention",
            revoke_benefits=True,
            dispute_id=dispute["id"],
            echo=False,
        )
    return dispute


def of_order(t: Transaction, order: Document) -> Document | None:
    """The order's newest dispute, if it has one."""
    found = t.all("dispute", order_id=order["id"])
    return found[-1] if found else None
