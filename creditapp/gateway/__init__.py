"""Polar, seen from inside: what we ask it, what it may answer, and whether a webhook is truly its own.

No other package imports Polar's SDK. Nothing here is called inside a database transaction.
"""

from creditapp.gateway.asking import PolarRefused, PolarUnavailable
from creditapp.gateway.charging import Card, Charged, Payer
from creditapp.gateway.facts import (
    PolarCheckout,
    PolarCustomer,
    PolarDispute,
    PolarOrder,
    PolarPayment,
    PolarProduct,
    PolarRefund,
    WrongShape,
)
from creditapp.gateway.polar import Endpoint, Gateway, OpenedCheckout
from creditapp.gateway.signature import BadSignature, check

__all__ = [
    "BadSignature",
    "Card",
    "Charged",
    "Endpoint",
    "Gateway",
    "OpenedCheckout",
    "Payer",
    "PolarCheckout",
    "PolarCustomer",
    "PolarDispute",
    "PolarOrder",
    "PolarPayment",
    "PolarProduct",
    "PolarRefund",
    "PolarRefused",
    "PolarUnavailable",
    "WrongShape",
    "check",
]
