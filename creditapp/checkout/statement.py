"""Orders, read."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from creditapp.checkout.models import Checkout, Dispute, Order
from creditapp.db import db


def order_of(checkout: Checkout) -> Order | None:
    """The order that paid this checkout; None while it is not known."""
    query = select(Order).where(Order.checkout_id == checkout.id).order_by(Order.id).limit(1)
    return db.session.scalar(query)


def orders_named(polar_order_ids: Collection[str]) -> dict[str, Order]:
    """The orders of these ids at Polar that we know, by id."""
    found = db.session.scalars(select(Order).where(Order.polar_order_id.in_(polar_order_ids)))
    return {order.polar_order_id: order for order in found}


def uncredited_orders(limit: int) -> Sequence[Order]:
    """Paid orders that credited nobody, newest first, each with its reason: the operator must look at them."""
    query = select(Order).where(Order.state == "uncredited").order_by(Order.id.desc()).limit(limit)
    return db.session.scalars(query).all()


def noticed_orders(limit: int) -> Sequence[Order]:
    """Credited orders with a notice for the operator, newest first."""
    query = select(Order).where(Order.notice.is_not(None)).order_by(Order.id.desc()).limit(limit)
    return db.session.scalars(query).all()


def disputes(limit: int) -> Sequence[Dispute]:
    """Disputes, newest first."""
    return db.session.scalars(select(Dispute).order_by(Dispute.id.desc()).limit(limit)).all()
