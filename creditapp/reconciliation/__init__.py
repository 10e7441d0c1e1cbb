"""What we check with Polar, since a webhook may be lost and disputes have none.

Invariants: nothing here credits or takes back by itself: what Polar lists goes through the same functions as a webhook;
every round leaves a row, with the reason where it could not finish; the next one begins well before the last one did.
"""

from creditapp.reconciliation.models import Reconciliation
from creditapp.reconciliation.rounds import (
    LOOK_BACK,
    begin,
    due_since,
    finish,
    latest,
    news,
    unheard_disputes,
    unheard_refunds,
)

__all__ = [
    "LOOK_BACK",
    "Reconciliation",
    "begin",
    "due_since",
    "finish",
    "latest",
    "news",
    "unheard_disputes",
    "unheard_refunds",
]
