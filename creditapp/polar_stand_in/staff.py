"""``/_control`` for money that goes back: what Polar's own staff, the card processor and the banks do."""

from typing import Any

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import disputes, payments, refunds, shapes
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.store import Document, Transaction
from creditapp.polar_stand_in.wishes import bad, wishes

bp = Blueprint("staff", __name__, url_prefix="/_control")


@bp.post("/refund")
def refund() -> Response:
    """A new refund of an order, or a change of mind about one.

    With ``refund``: that one becomes ``status``. Without: ``succeeded`` settles the newest pending refund, ``failed``
    and ``canceled`` end the newest refund that is neither, of the same ``amount`` if one is given; where there is
    none, a new refund is made. ``amount`` is net and, for a new one, by default all that is left.
    """
    given = wishes("order", "amount", "status", "refund")
    status = _word(given, refunds.STATUSES, "succeeded")
    with store().writing() as t:
        order = _order(t, given)
        amount = _amount(given)
        existing = _existing(t, order, given.get("refund"), status, amount)
        if existing:
            if status not in refunds.NEXT.get(existing["status"], ()):
                raise bad(f"The refund is {existing['status']} and cannot become {status}.")
            document = refunds.move(t, existing, status)
        else:
            left = refunds.left(t, order)
            if not 0 < (left if amount is None else amount) <= left:
                raise bad(f"amount must be from 1 to {left}: that is left of the order, net.")
            document = refunds.give_back(t, order, left if amount is None else amount, status=status, echo=True)
        return jsonify(shapes.refund(t, document))


@bp.post("/dispute")
def dispute() -> Response:
    """A bank takes an order's payment back, or says how the order's dispute goes on. ``prevented`` refunds it.

    ``amount`` is net, counts for a new dispute, and is the whole order by default.
    """
    given = wishes("order", "amount", "status")
    status = _word(given, disputes.STATUSES, "needs_response")
    with store().writing() as t:
        order = _order(t, given)
        document, amount = disputes.of_order(t, order), _amount(given)
        if document is None:
            payment = payments.of_order(t, order)
            if payment is None:
                raise bad("order: nothing was charged for it, so there is nothing to dispute.")
            most = refunds.left(t, order) if status == "prevented" else order["net_amount"]
            if not 0 < (most if amount is None else amount) <= most:
                raise bad(f"amount must be from 1 to {most}: that is what can be disputed, net.")
            document = disputes.open_(t, order, payment, most if amount is None else amount)
        elif document["status"] == "prevented":
            raise bad("The order's dispute was prevented and its money given back; that cannot be changed.")
        elif status == "prevented" and document["amount"] > refunds.left(t, order):
            raise bad("The order was refunded meanwhile; its dispute can't be prevented any more.")
        return jsonify(shapes.dispute_with_customer(t, disputes.move(t, document, status)))


def _existing(t: Transaction, order: Document, refund_id: Any, status: str, amount: int | None) -> Document | None:
    """The refund whose status is to change; None for a new one."""
    if refund_id is not None:
        chosen = t.get("refund", str(refund_id))
        if chosen is None or chosen["order_id"] != order["id"]:
            raise bad("refund must be the id of a refund of this order.")
        return chosen
    from_ = {"succeeded": ("pending",), "pending": ()}.get(status, ("pending", "succeeded"))
    fitting = [r for r in t.all("refund", order_id=order["id"]) if r["status"] in from_]
    fitting = [r for r in fitting if amount in {None, r["amount"]}]
    return fitting[-1] if fitting else None


def _order(t: Transaction, given: dict[str, Any]) -> Document:
    order = t.get("order", str(given.get("order")))
    if order is None:
        raise bad("order must be the id of an order.")
    if order["status"] not in {*refunds.REFUNDABLE, "refunded"}:
        raise bad(f"order: it is {order['status']}, so no money came in.")
    return order


def _amount(given: dict[str, Any]) -> int | None:
    amount = given.get("amount")
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool) or amount < 1):
        raise bad("amount must be a whole number of cents above zero, net of tax.")
    return amount


def _word(given: dict[str, Any], allowed: tuple[str, ...], default: str) -> str:
    status = given.get("status", default)
    if status not in allowed:
        raise bad(f"status must be one of {', '.join(allowed)}.")
    return str(status)
