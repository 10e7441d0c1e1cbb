"""What each event of Polar does here: a handler answers None when it did its work, else the reason why there was none.

A few events tell too little; what has to be asked of Polar for them stands in ``QUESTIONS`` and is asked before the
transaction begins (polar.v2026_10 webhooks; docs/polar.md names every event).
"""

from collections.abc import Callable
from typing import Any

from creditapp import checkout, packages, recharge
from creditapp.gateway import Gateway, Payer, PolarOrder, PolarPayment, PolarRefused, PolarUnavailable, facts

Data = dict[str, Any]


class Ignored(Exception):
    """The event needs nothing done; the words say why."""


UNUSED = {
    "order.created": "An order counts when it is paid.",
    "checkout.created": "A checkout counts when its order is paid.",
    "customer.created": "A customer counts when it is known for an account.",
    "customer.state_changed": "What counts of it comes as customer.updated.",
    "product.created": "A new product is sold here after flask polar sync.",
    "benefit_grant.revoked": "Benefits carry no credits; disputes are looked for by flask polar reconcile.",
}


def order_paid(data: Data) -> str | None:
    """Credit the order; where it credits nobody, the reason."""
    return _fulfilled(facts.order(data))


def order_changed(data: Data) -> str | None:
    """Let the credits of the order follow its refunds."""
    told = facts.order(data)
    if not told.paid:
        message = _not_paid(told)
        raise Ignored(message)
    return _followed(checkout.follow(told))


def refund_changed(data: Data) -> str | None:
    """Let the credits of the order follow this refund."""
    told = facts.refund(data)
    if told.status == "pending":
        checkout.refunded(told)
        return "The refund is pending: no money has moved yet."
    return _followed(checkout.refunded(told))


def checkout_changed(data: Data, failed: PolarPayment | None = None) -> str | None:
    """Note a declined payment or an expired checkout; success is the order's to tell."""
    told = facts.checkout(data)
    match told.status:
        case "expired":
            return checkout.expired(told)
        case "failed":
            return checkout.payment_failed(failed or _payment(told, "failed"))
        case "open" if failed is not None:
            return checkout.payment_failed(failed)
        case "open":
            return "The checkout is still open, and no payment of it has failed."
        case _:
            return "A checkout counts when its order is paid."


def customer_changed(data: Data, payer: Payer | None = None) -> str | None:
    """Copy the customer's name, billing email and card; a new card may be charged at once."""
    told = facts.customer(data)
    new_card = checkout.has_new_card(told) and told.default_payment_method_id is not None
    if reason := checkout.customer_told(told, payer):
        return reason
    account_id = checkout.account_of_customer(told.id)
    if new_card and account_id is not None:
        recharge.card_saved(account_id)
    return None


def customer_deleted(data: Data) -> str | None:
    """Forget the customer's card and details; the account stays."""
    return checkout.customer_deleted(facts.customer(data))


def product_changed(data: Data) -> str | None:
    """Sell the package as Polar sells the product: name, price, archived or not."""
    return packages.product_changed(facts.product(data))


def payment_succeeded(_data: Data, order: PolarOrder | None) -> str | None:
    """Credit the order that Polar says this payment belongs to."""
    if order is None:
        message = "Polar knows no order of this payment."
        raise Ignored(message)
    return _fulfilled(order)


def payment_failed(data: Data) -> str | None:
    """Note that a payment at a checkout failed."""
    return checkout.payment_failed(facts.payment(data))


# What our endpoint asks Polar to be told of; the older names below are none of Polar's today.
SUBSCRIPTION = (
    "order.paid",
    "order.refunded",
    "order.updated",
    "order.created",
    "refund.created",
    "refund.updated",
    "checkout.updated",
    "checkout.expired",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "product.updated",
    "benefit_grant.revoked",
)

# The three older names stand for what Polar sends today.
HANDLERS: dict[str, Callable[..., str | None]] = {
    "order.paid": order_paid,
    "order.completed": order_paid,
    "order.updated": order_changed,
    "order.refunded": order_changed,
    "refund.created": refund_changed,
    "refund.updated": refund_changed,
    "checkout.updated": checkout_changed,
    "checkout.expired": checkout_changed,
    "customer.updated": customer_changed,
    "customer.deleted": customer_deleted,
    "product.updated": product_changed,
    "payment.succeeded": payment_succeeded,
    "payment.failed": payment_failed,
}


def ask_for_order(gateway: Gateway, data: Data) -> PolarOrder | None:
    """The order of a payment, as Polar has it."""
    payment = facts.payment(data)
    if payment.order_id is not None:
        return gateway.order(payment.order_id)
    if payment.checkout_id is None:
        return None
    return next(iter(gateway.orders_of_checkout(payment.checkout_id)), None)


def ask_for_failure(gateway: Gateway, data: Data) -> PolarPayment | None:
    """Polar says ``open`` after a declined payment and after every change of the form alike; its payments tell."""
    told = facts.checkout(data)
    if told.status not in {"open", "failed"} or checkout.find(told.id, told.our_checkout_id) is None:
        return None
    return gateway.failed_payment(told.id)


def ask_for_cards(gateway: Gateway, data: Data) -> Payer | None:
    """The cards of a customer of ours whose card changed; where they can't be had, the event's id of it must do."""
    told = facts.customer(data)
    if not checkout.has_new_card(told):
        return None
    try:
        return gateway.payer(told.id)
    except (PolarUnavailable, PolarRefused):
        return None


QUESTIONS: dict[str, Callable[[Gateway, Data], Any]] = {
    "payment.succeeded": ask_for_order,
    "checkout.updated": ask_for_failure,
    "customer.updated": ask_for_cards,
}


def _fulfilled(told: PolarOrder) -> str | None:
    if not told.paid:
        message = _not_paid(told)
        raise Ignored(message)
    return recharge.fulfil(told).reason


def _followed(order: checkout.Order | None) -> str | None:
    if order is None:
        return "The order is not known here yet; what was refunded of it counts when it is."
    if order.state == "expected":
        return "The order counts when order.paid comes, and what was refunded of it then."
    return order.reason


def _payment(told: facts.PolarCheckout, status: str) -> PolarPayment:
    return PolarPayment(
        status=status, order_id=None, checkout_id=told.id, our_checkout_id=told.our_checkout_id, message=None
    )


def _not_paid(told: PolarOrder) -> str:
    return f"Its status is {told.status!r}, which is not paid."
