"""The card processor behind Polar. It is the only one that moves money: one row in ``charges`` for each charge made.

Asked for the same order and the same card again, it answers as it did the first time: a success for good, a refusal
for a day (facts §1.5). So a repeated request charges nothing twice, and another card is another charge.
"""

from datetime import timedelta
from typing import Literal

from creditapp.polar_stand_in import payments
from creditapp.polar_stand_in.cards import Card, card
from creditapp.polar_stand_in.clock import now, stamp, written
from creditapp.polar_stand_in.store import Document, Transaction

REFUSALS_KEPT = timedelta(hours=24)

Outcome = Literal["paid", "declined", "action_required"]


def charge_saved(t: Transaction, order: Document, customer: Document, method: Document) -> Outcome:
    """Charge a saved card for *order* while its owner is away."""
    key = f"order_finalize:{order['id']}:{method['id']}"
    before = t.get("intent", key)
    if before and (before["outcome"] == "paid" or before["at"] > written(now(t) - REFUSALS_KEPT)):
        said: Outcome = before["outcome"]
        return said
    known, reason = card(method["_number"]), customer.get("_bank_refuses")
    if known.outcome == "saves":
        reason = reason or payments.GENERIC_DECLINE
    outcome: Outcome = "declined" if reason else "action_required" if known.outcome == "asks" else "paid"
    t.put("intent", {"id": key, "outcome": outcome, "at": stamp(t)})
    if outcome == "paid":
        charge(t, order, customer, known)
    elif outcome == "declined":
        _note(t, order, customer, known, declined=reason)
    return outcome


def charge(t: Transaction, order: Document, customer: Document, known: Card) -> None:
    """Take the order's total from the card, which agrees."""
    t.run(
        "INSERT INTO charges (order_id, customer_id, customer, amount, currency, card, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        order["id"],
        customer["id"],
        customer["external_id"],
        order["total_amount"],
        order["currency"],
        known.last4,
        stamp(t),
    )
    _note(t, order, customer, known)


def _note(t: Transaction, order: Document, customer: Document, known: Card, *, declined: str | None = None) -> None:
    payments.note(
        t,
        known,
        amount=order["total_amount"],
        currency=order["currency"],
        customer_id=customer["id"],
        order_id=order["id"],
        checkout_id=order["checkout_id"],
        declined=declined,
    )
