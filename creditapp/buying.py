"""Opening a checkout, as both doors do it: claim - ask - write."""

import time
from dataclasses import dataclass

from flask import url_for

from creditapp import checkout, recharge
from creditapp.db import transaction
from creditapp.errors import CreditAppError
from creditapp.gateway import PolarRefused, PolarUnavailable
from creditapp.wiring import gateway, settings

PATIENCE_SECONDS, LOOK_AGAIN_SECONDS = 3.0, 0.05


@dataclass(frozen=True, slots=True)
class Opened:
    """A checkout of ours, and where its buyer pays."""

    id: int
    url: str
    replayed: bool = False


def open_checkout(account_id: int, package_key: str, *, key: str | None = None) -> Opened:
    """A checkout for the package, the same one for the same *key*; a limited offer's that is still open is given again.

    Raises NotFound, packages.PackageUnavailable, ledger.IdempotencyMismatch, checkout.StillOpening, PolarUnavailable
    and PolarRefused; nothing was charged.
    """
    intent = _requested(account_id, package_key, key)
    if intent.url is not None:
        return Opened(intent.checkout_id, intent.url, replayed=intent.replayed)
    home = settings().app_url
    # Polar fills in its own id as it sends the buyer back after the payment.
    success = home + url_for("purchases.show", checkout_id=intent.checkout_id) + "?paid={CHECKOUT_ID}"
    back = home + url_for("packages.index", package=package_key)
    try:
        customer_id, answer = checkout.ask(gateway(), intent, success_url=success, return_url=back)
    except CreditAppError as error:
        with transaction():
            checkout.failed(intent.checkout_id, error.sentence)
        raise
    with transaction():
        checkout.opened(intent.checkout_id, customer_id, answer)
    return Opened(intent.checkout_id, answer.url)


def look_again(bought: checkout.Checkout) -> bool:
    """Ask Polar how far a checkout is, where it is time to, and credit what was paid; whether it could be asked.

    The webhook is usually faster. Whoever is first credits, by the same function.
    """
    polar_checkout_id = bought.polar_checkout_id
    if polar_checkout_id is None or not checkout.is_time_to_ask(bought):
        return True
    with transaction():
        mine = checkout.claim_asking(bought.id)
    if not mine:
        return True
    try:
        orders = gateway().orders_of_checkout(polar_checkout_id)
    except (PolarUnavailable, PolarRefused):
        return False
    for order in orders:
        if order.paid:
            with transaction():
                recharge.fulfil(order)
    return True


def _requested(account_id: int, package_key: str, key: str | None) -> checkout.Intent:
    """The written intent; while a twin with the same key asks Polar, wait for its answer."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with transaction():
                return checkout.request(account_id, package_key, key=key)
        except checkout.StillOpening:
            if time.monotonic() > give_up:
                raise
            time.sleep(LOOK_AGAIN_SECONDS)
