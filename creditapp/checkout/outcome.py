"""How an open checkout goes on at Polar when it is not paid at once: declined, expired, looked after."""

from datetime import timedelta

from sqlalchemy import select, update

from creditapp import clock, identity, letters
from creditapp.checkout.models import Checkout
from creditapp.db import db, row_id
from creditapp.gateway import PolarCheckout, PolarPayment

PAID_ALREADY = "It was paid."
NOT_OURS = "It is no checkout of ours."
# A buyer needs longer than this to pay; the webhook needs less. Then Polar is asked, not at every poll.
FIRST_LOOK, NEXT_LOOK = timedelta(seconds=2), timedelta(seconds=5)
LONGEST_REASON = 300


def find(polar_checkout_id: str | None, our_checkout_id: str | None) -> Checkout | None:
    """Our checkout, by Polar's id or by ours from the metadata."""
    found = None
    if polar_checkout_id is not None:
        found = db.session.scalar(select(Checkout).where(Checkout.polar_checkout_id == polar_checkout_id))
    checkout_id = row_id(our_checkout_id or "")
    if found is None and checkout_id is not None:
        found = db.session.get(Checkout, checkout_id)
    return found


def payment_failed(payment: PolarPayment) -> str | None:
    """A payment at a checkout failed: keep why, and write the buyer once; the checkout stays open for another card.

    The reason where there is nothing to do.
    """
    checkout = find(payment.checkout_id, payment.our_checkout_id)
    if checkout is None:
        return NOT_OURS
    if checkout.state == "paid":
        return PAID_ALREADY
    checkout.reason = (payment.message or "The payment was declined.")[:LONGEST_REASON]
    letters.write(
        "payment_failed",
        key=f"payment_failed:{checkout.id}",
        account_id=checkout.account_id,
        recipient=identity.owner_of(checkout.account_id).email,
        facts={
            "package": checkout.package.name,
            "package_key": checkout.package.key,
            "credits": str(checkout.credits),
            "price_cents": checkout.price_cents,
            "currency": checkout.currency,
            "reason": checkout.reason,
            "checkout_id": str(checkout.id),
        },
    )
    return None


def expired(told: PolarCheckout) -> str | None:
    """Polar closed a checkout that nobody paid in time; the reason where there is nothing to do."""
    checkout = find(told.id, told.our_checkout_id)
    if checkout is None:
        return NOT_OURS
    if checkout.state == "paid":
        return PAID_ALREADY
    checkout.state = "expired"
    return None


def is_time_to_ask(checkout: Checkout) -> bool:
    """Whether Polar should be asked how far this checkout is: not at every look, and not where all is known."""
    if checkout.polar_checkout_id is None or checkout.state == "paid":
        return False
    return checkout.looked_at is None or checkout.looked_at <= clock.now() - NEXT_LOOK


def claim_asking(checkout_id: int) -> bool:
    """Whether the caller is the one who asks now; the first look only notes the time, the webhook is usually faster."""
    now = clock.now()
    first = update(Checkout).where(Checkout.id == checkout_id, Checkout.looked_at.is_(None))
    if db.session.execute(first.values(looked_at=now - NEXT_LOOK + FIRST_LOOK).returning(Checkout.id)).first():
        return False
    turn = update(Checkout).where(Checkout.id == checkout_id, Checkout.looked_at <= now - NEXT_LOOK)
    return db.session.execute(turn.values(looked_at=now).returning(Checkout.id)).first() is not None
