"""Orders as Polar tells them: a projection that forgives any order of events.

Whoever works on an order first takes its turn (``db.turn``), then its account's lock, so that two pieces of news
about one order never pass each other.
"""

from datetime import UTC, datetime

from sqlalchemy import select

from creditapp import clock, ledger
from creditapp.checkout.models import Checkout, Order, PolarCustomer
from creditapp.db import db, row_id, turn
from creditapp.gateway import PolarOrder

NEVER = datetime.min.replace(tzinfo=UTC)


def record(told: PolarOrder, account_id: int | None = None) -> Order:
    """The order's row, its turn and its account's lock held, with the newest facts in it.

    Its account is *account_id* where that is known, else our checkout's, else the customer's.

    The newest ``modified_at`` decides, and none at all is the oldest: news that comes late changes nothing.
    """
    turn(f"order {told.id}")
    order = order_named(told.id)
    if order is None:
        order = Order(
            polar_order_id=told.id,
            state="expected",
            quantity=1,
            polar_product_id=told.product_id,
            polar_customer_id=told.customer_id,
            ordered_at=told.created_at,
            recorded_at=clock.now(),
        )
        _copy(told, order)
        db.session.add(order)
    elif (told.modified_at or NEVER) >= (order.polar_modified_at or NEVER):
        _copy(told, order)
    if account_id is not None and order.state != "credited":
        order.account_id = account_id
    if order.account_id is None:
        checkout = _checkout_of(told)
        order.account_id = checkout.account_id if checkout else _account_of(told)
        order.checkout_id = checkout.id if checkout else None
    db.session.flush()
    if order.account_id is not None:
        ledger.lock(order.account_id)
    return order


def order_named(polar_order_id: str) -> Order | None:
    """The order of this id at Polar; None where we never heard of it."""
    query = select(Order).where(Order.polar_order_id == polar_order_id)
    return db.session.scalar(query.execution_options(populate_existing=True))


def _copy(told: PolarOrder, order: Order) -> None:
    order.subtotal_amount = told.subtotal_amount
    order.discount_amount = told.discount_amount
    order.net_amount = told.net_amount
    order.tax_amount = told.tax_amount
    order.total_amount = told.total_amount
    order.refunded_amount = told.refunded_amount
    order.currency = told.currency
    order.invoice_number = told.invoice_number or order.invoice_number
    order.polar_modified_at = told.modified_at


def _checkout_of(told: PolarOrder) -> Checkout | None:
    checkout_id = row_id(told.our_checkout_id or "")
    return None if checkout_id is None else db.session.get(Checkout, checkout_id)


def _account_of(told: PolarOrder) -> int | None:
    """The account whose id Polar keeps as external id, else the one whose customer we know."""
    external_id = row_id(told.external_customer_id or "")
    if external_id is not None:
        account_id = db.session.scalar(select(ledger.Account.id).where(ledger.Account.id == external_id))
        if account_id is not None:
            return account_id
    if told.customer_id is None:
        return None
    return db.session.scalar(
        select(PolarCustomer.account_id).where(PolarCustomer.polar_customer_id == told.customer_id)
    )
