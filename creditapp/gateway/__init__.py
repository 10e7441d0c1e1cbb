"""Polar, seen from inside: what we ask it, what it may answer, and whether a webhook is truly its own.

No other package imports Polar's SDK. Nothing here is called inside a database transaction.
"""

from creditapp.gateway.polar import Gateway, OpenedCheckout, PolarRefused, PolarUnavailable
from creditapp.gateway.signature import BadSignature, check

__all__ = ["BadSignature", "Gateway", "OpenedCheckout", "PolarRefused", "PolarUnavailable", "check"]
