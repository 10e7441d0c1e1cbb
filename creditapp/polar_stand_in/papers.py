"""The receipt and the invoice of an order, as small pages at the addresses that ``/v1/orders`` gives."""

from flask import Blueprint, Response

from creditapp.polar_stand_in import hosted
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.money import priced

bp = Blueprint("papers", __name__)


@bp.get("/receipts/<id_>")
def receipt(id_: str) -> Response:
    """What was paid, when, and by whom."""
    return _paper("Receipt", "receipt_number", id_)


@bp.get("/invoices/<id_>")
def invoice(id_: str) -> Response:
    """The same with the invoice's number; only once it was made."""
    return _paper("Invoice", "invoice_number", id_)


def _paper(title: str, number: str, id_: str) -> Response:
    with store().reading() as t:
        order = t.get("order", id_)
        customer = t.get("customer", order["customer_id"]) if order else None
    made = order is not None and (order["is_invoice_generated"] if title == "Invoice" else order[number] is not None)
    if order is None or customer is None or not made:
        return hosted.trouble(404)
    lines = [(item["label"], priced(item["amount"], order["currency"])) for item in order["items"]]
    return hosted.page(
        "paper.html",
        200,
        onward="",
        title=title,
        number=order[number],
        order=order,
        customer=customer,
        lines=lines,
        total=priced(order["total_amount"], order["currency"]),
        paid_on=order["created_at"][:10],
    )
