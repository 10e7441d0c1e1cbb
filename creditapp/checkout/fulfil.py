"""The one way in which credits enter for money: a paid order, credited once, or kept with the reason why not."""

from dataclasses import dataclass
from decimal import Decimal

from creditapp import alerts, clock, identity, ledger, letters, packages
from creditapp.checkout import refund
from creditapp.checkout.begin import bought
from creditapp.checkout.customers import remember_customer
from creditapp.checkout.models import Checkout, Order
from creditapp.checkout.orders import record
from creditapp.db import db
from creditapp.gateway import PolarOrder
from creditapp.packages import CreditPackage


@dataclass(frozen=True, slots=True)
class Sale:
    """What was agreed of an order that did not begin at a checkout: for whom, how much, at which price before tax."""

    account_id: int
    quantity: int
    credits: Decimal
    price_cents: int


def fulfil(paid: PolarOrder, sale: Sale | None = None) -> Order:
    """Credit a paid order, once, whoever asks and however often.

    1. Write down what Polar says of it, and hold its account's lock.
    2. An order that was credited is not credited again; one that is not paid is only expected.
    3. Find its package; what is missing is the reason it stays uncredited.
    4. Grant the package's credits under the order's id, write the letter, and let alerts know that credits came.
    5. Take back what was refunded meanwhile.
    """
    order = record(paid, sale.account_id if sale else None)
    if paid.paid and order.state != "credited":
        order.quantity = sale.quantity if sale else 1
        checkout = db.session.get(Checkout, order.checkout_id) if order.checkout_id and sale is None else None
        package = packages.by_product(order.polar_product_id) if order.polar_product_id else None
        order.package_id = package.id if package else None
        if checkout is not None and checkout.package_id != order.package_id:
            checkout = None  # the buyer paid something else; the sale that was begun says nothing of it
        order.reason = _why_not(order, package, _price(order, package, checkout, sale), paid)
        if order.reason is None and package is not None:
            agreed = sale.credits if sale else (checkout.credits if checkout else package.credits)
            granted = _credit(order, package, agreed)
            if sale is None:  # of a recharge its own letter tells
                _confirm(order, package, granted)
            alerts.consider(granted.account_id)
        order.state = "uncredited" if order.reason else "credited"
    refund.settle(order)
    db.session.flush()
    return order


def _credit(order: Order, package: CreditPackage, amount: Decimal) -> ledger.CreditTransaction:
    account_id = order.account_id
    assert account_id is not None  # noqa: S101  (else there was a reason not to come here)
    order.notice = _why_noticed(package, account_id)
    granted = ledger.grant(
        account_id,
        amount,
        transaction_type="purchase",
        key=f"order:{order.polar_order_id}",
        description=f"{package.name} package",
        paid_cents=order.net_amount,
        currency=order.currency,
        reference_id=str(order.checkout_id) if order.checkout_id else None,
        polar_order_id=order.polar_order_id,
        details={"package": package.key, "quantity": order.quantity},
    )
    order.credits, order.credit_transaction_id = granted.amount, granted.id
    if order.polar_customer_id:
        remember_customer(account_id, order.polar_customer_id)
    if order.checkout_id is not None:
        paid_checkout = db.session.get_one(Checkout, order.checkout_id)
        paid_checkout.state, paid_checkout.paid_at, paid_checkout.reason = "paid", granted.processed_at, None
    return granted


def _confirm(order: Order, package: CreditPackage, granted: ledger.CreditTransaction) -> None:
    letters.write(
        "purchase_confirmed",
        key=f"purchase_confirmed:{order.polar_order_id}",
        account_id=granted.account_id,
        recipient=identity.owner_of(granted.account_id).email,
        facts={
            "package": package.name,
            "credits": str(granted.amount),
            "total_amount": order.total_amount,
            "currency": order.currency,
            "balance_before": str(granted.balance_before),
            "balance_after": str(granted.balance_after),
            "transaction_id": granted.id,
            "invoice_number": order.invoice_number,
        },
    )


def _why_not(order: Order, package: CreditPackage | None, price: int, paid: PolarOrder) -> str | None:
    if package is None:
        return f"The product {order.polar_product_id} is not one of our packages."
    if order.account_id is None:
        return (
            f"No account is known for it: no checkout of ours, external customer id "
            f"{paid.external_customer_id or 'none'}, Polar customer {paid.customer_id or 'none'}."
        )
    if order.currency != package.currency:
        return f"It was paid in {order.currency.upper()}, and {package.name} is sold in {package.currency.upper()}."
    if order.subtotal_amount < price:
        return (
            f"Its price before discounts was {order.subtotal_amount} and {package.name} costs {price} "
            f"(minor units of {order.currency.upper()})."
        )
    return None


def _price(order: Order, package: CreditPackage | None, checkout: Checkout | None, sale: Sale | None) -> int:
    """The least that the order must have cost; a price raised meanwhile does not bind who agreed to the old one."""
    usual = package.price_cents * order.quantity if package else 0
    if sale is not None:
        return min(usual, sale.price_cents)
    return min(usual, checkout.price_cents) if checkout else usual


def _why_noticed(package: CreditPackage, account_id: int) -> str | None:
    """What the operator should know of an order that is credited all the same: it came after the offer was over."""
    if not package.limited:
        return None
    over = packages.why_ended(package, bought(account_id)[package.id], clock.now())
    return f"Paid late: {package.name} was no longer on offer to this account. {over}" if over else None
