"""The one way in which credits enter for money: a paid order, credited once, or kept with the reason why not."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from creditapp import clock, identity, ledger, letters, packages
from creditapp.checkout.begin import remember_customer
from creditapp.checkout.models import Checkout, Order, PolarCustomer
from creditapp.db import db, insert_once, row_id
from creditapp.packages import CreditPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidOrder:
    """A paid order as Polar tells it; money in minor units of the currency."""

    id: str
    product_id: str | None
    customer_id: str | None
    external_customer_id: str | None
    our_checkout_id: str | None
    subtotal_amount: int
    discount_amount: int
    net_amount: int
    tax_amount: int
    total_amount: int
    refunded_amount: int
    currency: str
    invoice_number: str | None
    modified_at: datetime | None
    created_at: datetime


def fulfil(paid: PaidOrder) -> Order:
    """Credit a paid order, once, whoever asks and however often.

    1. An order that was credited stays as it is.
    2. Find its package, its account and its checkout; what is missing is the reason it stays uncredited.
    3. Grant the package's credits under the order's id, and write the letter.
    """
    checkout = _checkout_named(paid.our_checkout_id)
    account_id = _account_of(paid, checkout)
    if account_id is not None:
        ledger.lock(account_id)
    order = _recorded(paid)
    if order.state == "credited":
        return order
    package = packages.by_product(paid.product_id) if paid.product_id else None
    order.account_id, order.package_id = account_id, package.id if package else None
    order.checkout_id = checkout.id if checkout and checkout.account_id == account_id else None
    order.reason = _why_not(paid, package, account_id)
    if order.reason is None and package is not None and account_id is not None:
        _credit(order, package, account_id, checkout)
    db.session.flush()
    return order


def _credit(order: Order, package: CreditPackage, account_id: int, checkout: Checkout | None) -> None:
    granted = ledger.grant(
        account_id,
        package.credits * order.quantity,
        transaction_type="purchase",
        key=f"order:{order.polar_order_id}",
        description=f"{package.name} package",
        paid_cents=order.net_amount,
        currency=order.currency,
        reference_id=str(checkout.id) if checkout else None,
        polar_order_id=order.polar_order_id,
        details={"package": package.key, "quantity": order.quantity},
    )
    order.state, order.credits, order.credit_transaction_id = "credited", granted.amount, granted.id
    if order.polar_customer_id:
        remember_customer(account_id, order.polar_customer_id)
    if checkout is not None and checkout.account_id == account_id:
        checkout.state, checkout.paid_at, checkout.reason = "paid", granted.processed_at, None
    letters.write(
        "purchase_confirmed",
        key=f"purchase_confirmed:{order.polar_order_id}",
        account_id=account_id,
        recipient=identity.owner_of(account_id).email,
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


def _why_not(paid: PaidOrder, package: CreditPackage | None, account_id: int | None) -> str | None:
    if package is None:
        return f"The product {paid.product_id} is not one of our packages."
    if account_id is None:
        return (
            f"No account is known for it: no checkout of ours, external customer id "
            f"{paid.external_customer_id or 'none'}, Polar customer {paid.customer_id or 'none'}."
        )
    if paid.currency != package.currency:
        return f"It was paid in {paid.currency.upper()}, and {package.name} is sold in {package.currency.upper()}."
    if paid.subtotal_amount < package.price_cents:
        return (
            f"Its price before discounts was {paid.subtotal_amount} and {package.name} costs {package.price_cents} "
            f"(minor units of {paid.currency.upper()})."
        )
    return None


def _recorded(paid: PaidOrder) -> Order:
    """The order's row, locked; made where this is the first we hear of it."""
    found = _locked_order(paid.id)
    if found is not None:
        return found
    # Two deliveries of one order may meet here before its account is known to either.
    insert_once(
        Order.polar_order_id,
        polar_order_id=paid.id,
        state="uncredited",
        quantity=1,
        credits=0,
        polar_product_id=paid.product_id,
        polar_customer_id=paid.customer_id,
        subtotal_amount=paid.subtotal_amount,
        discount_amount=paid.discount_amount,
        net_amount=paid.net_amount,
        tax_amount=paid.tax_amount,
        total_amount=paid.total_amount,
        refunded_amount=paid.refunded_amount,
        currency=paid.currency,
        invoice_number=paid.invoice_number,
        polar_modified_at=paid.modified_at,
        ordered_at=paid.created_at,
        recorded_at=clock.now(),
    )
    order = _locked_order(paid.id)
    assert order is not None  # noqa: S101  (it was inserted above, by us or by a twin that has committed)
    return order


def _locked_order(polar_order_id: str) -> Order | None:
    query = select(Order).where(Order.polar_order_id == polar_order_id).with_for_update()
    return db.session.scalar(query.execution_options(populate_existing=True))


def _checkout_named(our_id: str | None) -> Checkout | None:
    checkout_id = row_id(our_id or "")
    return None if checkout_id is None else db.session.get(Checkout, checkout_id)


def _account_of(paid: PaidOrder, checkout: Checkout | None) -> int | None:
    """Our checkout's account, else the one whose id Polar keeps as external id, else the customer's we know."""
    if checkout is not None:
        return checkout.account_id
    external_id = row_id(paid.external_customer_id or "")
    if external_id is not None:
        account_id = db.session.scalar(select(ledger.Account.id).where(ledger.Account.id == external_id))
        if account_id is not None:
            return account_id
    if paid.customer_id is None:
        return None
    return db.session.scalar(
        select(PolarCustomer.account_id).where(PolarCustomer.polar_customer_id == paid.customer_id)
    )
