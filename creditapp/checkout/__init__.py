"""Buying: from the click to the credits.

Invariants: an order is credited once, keyed by its id, by one function, whoever brings the news; what can't be
credited is kept with the reason; our checkout's id travels in Polar's metadata; Polar is never asked inside a
transaction.
"""

from creditapp.checkout.begin import Intent, StillOpening, ask, bought, failed, of_account, opened, request, uses_key
from creditapp.checkout.fulfil import PaidOrder, fulfil
from creditapp.checkout.models import Checkout, Order, PolarCustomer
from creditapp.checkout.proof import verify
from creditapp.checkout.statement import order_named, order_of, uncredited_orders

__all__ = [
    "Checkout",
    "Intent",
    "Order",
    "PaidOrder",
    "PolarCustomer",
    "StillOpening",
    "ask",
    "bought",
    "failed",
    "fulfil",
    "of_account",
    "opened",
    "order_named",
    "order_of",
    "request",
    "uncredited_orders",
    "uses_key",
    "verify",
]
