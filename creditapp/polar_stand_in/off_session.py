"""Charging a saved card without its owner: a draft order, then finalized (facts §1.5).

Finalizing has two steps, as in Polar. The card processor moves the money, and that stays moved. Then the order becomes
paid and the world is told, all at once, at the very end: until then everybody reads a draft, and when Polar fails in
between it stays one.
"""

from flask import Blueprint, Response, jsonify, request

from creditapp.polar_stand_in import customers, faults, organizations, processor, shapes, tax
from creditapp.polar_stand_in.house import house, store
from creditapp.polar_stand_in.orders import found, new_order, settle
from creditapp.polar_stand_in.products import LARGEST_PRICE, SMALLEST_PRICE, offered_price, on_sale
from creditapp.polar_stand_in.reading import Body, path_id
from creditapp.polar_stand_in.refusals import Refusal, named, problem, refused, wrong_value
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("off_session", __name__, url_prefix="/v1/orders")

NO_TAX = (
    "Tax could not be calculated for this order. The customer needs a complete, valid billing address before an"
    " off-session charge can be created."
)


@bp.post("/")
def create_draft() -> tuple[Response, int]:
    """A draft order; no money moves."""
    body = Body()
    customer_id = body.uuid("customer_id") if body.required("customer_id") is not None else None
    product_id = body.uuid("product_id") if body.required("product_id") is not None else None
    currency, description, metadata = body.text("currency"), body.text("description"), body.metadata()
    amount = _amount(body)
    body.done()
    with store().writing() as t:
        organizations.check_may_charge(t)
        customer = t.get("customer", customer_id)
        if customer is None or customer["deleted_at"]:
            raise wrong_value(["body", "customer_id"], "Customer does not exist.", customer_id)
        product = on_sale(t, str(product_id), ["body", "product_id"])
        if body.given.get("units") is not None:
            raise wrong_value(["body", "units"], "Units are only allowed for unit-based prices.", body.given["units"])
        price = offered_price(product, currency)
        _check_limits(amount)
        if not customers.may_be_taxed(customer):
            raise wrong_value(["body", "customer_id"], NO_TAX, customer_id)
        net = price["price_amount"] if amount is None else amount
        order = new_order(
            t,
            customer=customer,
            product=product,
            price=price,
            amount=net,
            tax_amount=tax.on(t, net, customer["billing_address"]),
            metadata=metadata,
            label=description,
        )
        shape = shapes.order(t, order)
        t.emit("order.created", shape)
    return jsonify(shape), 201


@bp.post("/<id_>/finalize")
def finalize(id_: str) -> Response:
    """Charge a saved card for a draft: the given one, else the customer's default, else any."""
    id_, body = path_id(id_), Body(optional=True)
    method_id = body.uuid("payment_method_id")
    body.done()
    with house().in_progress.alone(id_):
        # 1. the money, which stays moved whatever comes
        with store().writing() as t:
            order = found(t, id_)
            organizations.check_may_charge(t)
            _check_draft(order)
            customer = t.get("customer", order["customer_id"]) or {}
            outcome = _charge(t, order, customer, method_id)
        # 2. what was planned to go wrong in the middle
        faults.in_the_middle(request.environ)
        # 3. the order, at the very end
        if outcome != "paid":
            raise _not_paid(order, outcome)
        with store().writing() as t:
            return jsonify(shapes.order(t, settle(t, found(t, id_))))


def _charge(t: Transaction, order: Document, customer: Document, method_id: str | None) -> str:
    """What the card processor says; a total too small to be charged is paid without it."""
    methods = t.all("method", customer_id=customer["id"])
    chosen = next((m for m in methods if m["id"] == (method_id or customer["default_payment_method_id"])), None)
    if method_id is not None and chosen is None:
        raise wrong_value(["body", "payment_method_id"], "Payment method does not exist.", method_id)
    if order["total_amount"] < SMALLEST_PRICE:
        return "paid"
    method = chosen or next(iter(methods), None)
    return processor.charge_saved(t, order, customer, method) if method else "missing_payment_method"


def _not_paid(order: Document, outcome: str) -> Refusal:
    if outcome == "action_required":
        detail = (
            f"Order {order['id']} payment requires customer authentication (e.g. 3DS challenge);"
            " off-session charge cannot complete."
        )
        return named(402, "PaymentActionRequired", detail)
    reason = "card_error" if outcome == "declined" else outcome
    return named(402, "PaymentFailed", f"Payment failed with reason: {reason}.")


def _check_draft(order: Document) -> None:
    if order["status"] != "draft":
        detail = (
            f"Order {order['id']} is not in draft status (current: {order['status']})."
            " Only draft orders can be modified or finalized."
        )
        raise named(412, "OrderNotDraft", detail)


def _amount(body: Body) -> int | None:
    amount = body.given.get("amount")
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool)):
        body.wrong("int_type", "amount", "Input should be a valid integer", amount)
        return None
    if amount is not None and amount < 0:
        msg = "Input should be greater than or equal to 0"
        body.wrong("greater_than_equal", "amount", msg, amount, ge=0)
    return amount


def _check_limits(amount: int | None) -> None:
    if amount and amount < SMALLEST_PRICE:
        raise refused(problem("greater_than_equal", ["body", "amount"], "Amount must be at least $0.50.", amount))
    if amount and amount > LARGEST_PRICE:
        msg = f"Amount must be at most {LARGEST_PRICE}."
        raise refused(problem("less_than_equal", ["body", "amount"], msg, amount))
