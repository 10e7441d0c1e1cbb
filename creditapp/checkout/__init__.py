"""Buying: from the click to the credits.

Invariants: an order is credited once, keyed by its id, by one function, whoever brings the news; what can't be
credited is kept with the reason; our checkout's id travels in Polar's metadata; Polar is never asked inside a
transaction.
"""

from creditapp.checkout.begin import Intent, StillOpening, ask, bought, failed, of_account, opened, request
from creditapp.checkout.customers import (
    SavedCard,
    account_of_customer,
    card_of,
    cards_told,
    customer_deleted,
    customer_told,
    has_new_card,
    known_customer,
    remember_customer,
)
from creditapp.checkout.fulfil import Sale, fulfil
from creditapp.checkout.models import Checkout, Dispute, Order, PolarCustomer, Refund
from creditapp.checkout.orders import order_named
from creditapp.checkout.outcome import claim_asking, expired, find, is_time_to_ask, payment_failed
from creditapp.checkout.proof import verify
from creditapp.checkout.refund import disputed, follow, refunded
from creditapp.checkout.statement import disputes, noticed_orders, order_of, orders_named, uncredited_orders

__all__ = [
    "Checkout",
    "Dispute",
    "Intent",
    "Order",
    "PolarCustomer",
    "Refund",
    "Sale",
    "SavedCard",
    "StillOpening",
    "account_of_customer",
    "ask",
    "bought",
    "card_of",
    "cards_told",
    "claim_asking",
    "customer_deleted",
    "customer_told",
    "disputed",
    "disputes",
    "expired",
    "failed",
    "find",
    "follow",
    "fulfil",
    "has_new_card",
    "is_time_to_ask",
    "known_customer",
    "noticed_orders",
    "of_account",
    "opened",
    "order_named",
    "order_of",
    "orders_named",
    "payment_failed",
    "refunded",
    "remember_customer",
    "request",
    "uncredited_orders",
    "verify",
]
