"""Orders, read."""

from collections.abc import Sequence

from sqlalchemy import select

from creditapp.checkout.models import Checkout, Order
from creditapp.db import db


def order_of(checkout: Checkout) -> Order | None:
    """The order that paid this checkout; None while it is not known."""
    query = select(Order).where(Order.checkout_id == checkout.id).order_by(Order.id).limit(1)
    return db.session.scalar(query)


def order_named(polar_order_id: str) -> Order | None:
    """The order of this id at Polar; None where we never heard of it."""
    return db.session.scalar(select(Order).where(Order.polar_order_id == polar_order_id))


def uncredited_orders(limit: int) -> Sequence[Order]:
    """Paid orders that credited nobody, newest first, each with its reason: the operator must look at them."""
    query = select(Order).where(Order.state == "uncredited").order_by(Order.id.desc()).limit(limit)
    return db.session.scalars(query).all()
