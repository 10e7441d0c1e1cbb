"""A click on Buy: remember it, open the checkout at Polar, send the buyer there.

Three steps, so that Polar is never asked inside a transaction: ``request`` writes the intent, the door asks the
gateway, ``opened`` or ``failed`` writes the answer.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from creditapp import clock, identity, ledger, packages
from creditapp.checkout.customers import known_customer, remember_customer
from creditapp.checkout.models import Checkout, Order
from creditapp.db import LARGEST_ID, db
from creditapp.errors import CreditAppError, NotFound
from creditapp.gateway import Gateway, OpenedCheckout, PolarRefused

# Longer than Polar may take to answer: a request older than this died on the way.
TWIN_PATIENCE = timedelta(seconds=30)
CREATED = 201
STILL_OPENING = "The same purchase is being opened right now. Ask again in a moment."


@dataclass(frozen=True, slots=True)
class Intent:
    """What is to be opened at Polar. ``url`` is given where the checkout is open already."""

    checkout_id: int
    product_id: str
    account_id: int
    customer_id: str | None
    email: str
    name: str
    url: str | None
    replayed: bool = False


class StillOpening(CreditAppError):
    """The same request is being answered at this moment."""

    code, status, title = "in_progress", 409, "The same request is in progress"


def request(account_id: int, package_key: str, *, key: str | None = None) -> Intent:
    """Write down that the account wants this package, once per *key* where there is one.

    1. Lock the account, so that two clicks on a limited offer meet here.
    2. A key that opened a checkout for the same package leads to it again.
    3. Refuse what can't be bought, with the reason.
    4. A limited offer with a checkout still open leads back to it.
    5. A key whose checkout could not be opened tries that one again.

    Raises NotFound, packages.PackageUnavailable, ledger.IdempotencyMismatch, and StillOpening while a twin asks Polar.
    """
    ledger.lock(account_id)
    package = packages.by_key(package_key)
    earlier = _with_key(account_id, key, package.id) if key is not None else None
    if earlier is not None and earlier.url is not None:
        return _intent(earlier, package, replayed=True)
    now = clock.now()
    if reason := packages.why_not(package, bought(account_id)[package.id], now):
        raise packages.PackageUnavailable(reason)
    if package.limited and (still_open := _still_open(account_id, package.id, now)):
        if key is not None and still_open.key != key:
            ledger.remember_answer(account_id, key, request=_mark(package.id), status=CREATED, body=str(still_open.id))
        return _intent(still_open, package)
    checkout = earlier or Checkout(
        account_id=account_id,
        package_id=package.id,
        credits=package.credits,
        price_cents=package.price_cents,
        currency=package.currency,
        key=key,
    )
    checkout.state, checkout.reason, checkout.requested_at = "requested", None, now
    db.session.add(checkout)
    db.session.flush()
    return _intent(checkout, package)


def ask(gateway: Gateway, intent: Intent, *, success_url: str, return_url: str) -> tuple[str | None, OpenedCheckout]:
    """Open the checkout at Polar, for the account's customer there: the customer's id, and what was opened.

    Raises PolarUnavailable and PolarRefused.
    """
    account = str(intent.account_id)

    def opened_for(customer_id: str | None) -> tuple[str | None, OpenedCheckout]:
        return customer_id, gateway.open_checkout(
            product_id=intent.product_id,
            customer_id=customer_id,
            email=intent.email,
            success_url=success_url,
            return_url=return_url,
            metadata={"checkout_id": str(intent.checkout_id), "account_id": account},
        )

    if intent.customer_id is not None:
        try:
            return opened_for(intent.customer_id)
        except PolarRefused:
            pass  # the customer may have been deleted there, and the news of it lost
    return opened_for(gateway.customer(external_id=account, email=intent.email, name=intent.name))


def opened(checkout_id: int, customer_id: str | None, answer: OpenedCheckout) -> Checkout:
    """Write down what Polar opened, and who the account is there."""
    checkout = db.session.get_one(Checkout, checkout_id)
    ledger.lock(checkout.account_id)
    checkout.state = "open" if checkout.state == "requested" else checkout.state
    checkout.polar_checkout_id = answer.id
    checkout.url = answer.url
    checkout.expires_at = answer.expires_at
    if customer_id is not None:
        remember_customer(checkout.account_id, customer_id)
    db.session.flush()
    return checkout


def failed(checkout_id: int, reason: str) -> None:
    """Write down that Polar did not open it."""
    checkout = db.session.get_one(Checkout, checkout_id)
    if checkout.state == "requested":
        checkout.state, checkout.reason = "failed", reason


def bought(account_id: int) -> Counter[int]:
    """How often the account bought each package, by the package's id."""
    query = select(Order.package_id).where(
        Order.account_id == account_id, Order.state == "credited", Order.package_id.is_not(None)
    )
    return Counter(package_id for package_id in db.session.scalars(query) if package_id is not None)


def of_account(account_id: int, checkout_id: int) -> Checkout:
    """A checkout of this account. Raises NotFound, for another's too."""
    checkout = db.session.get(Checkout, min(checkout_id, LARGEST_ID))
    if checkout is None or checkout.account_id != account_id:
        message = "There is no such purchase."
        raise NotFound(message)
    return checkout


def uses_key(account_id: int, key: str) -> bool:
    """Whether an idempotency key of the account belongs to a purchase."""
    query = select(Checkout.id).where(Checkout.account_id == account_id, Checkout.key == key)
    return db.session.scalar(query) is not None


def _with_key(account_id: int, key: str, package_id: int) -> Checkout | None:
    """The checkout that this key opened before, or that was not opened and is to be tried again."""
    if ledger.uses_key(account_id, key):
        raise ledger.IdempotencyMismatch(key)
    lent = ledger.answer_under(account_id, key)
    if lent is not None and lent.request != _mark(package_id):
        raise ledger.IdempotencyMismatch(key)
    if lent is not None:
        return db.session.get_one(Checkout, int(lent.body))
    earlier = db.session.scalar(select(Checkout).where(Checkout.account_id == account_id, Checkout.key == key))
    if earlier is None:
        return None
    if earlier.package_id != package_id:
        raise ledger.IdempotencyMismatch(key)
    if _is_being_opened(earlier, clock.now()):
        raise StillOpening(STILL_OPENING, retry_after=1)
    return earlier


def _mark(package_id: int) -> str:
    return f"purchase of package {package_id}"


def _is_being_opened(checkout: Checkout, now: datetime) -> bool:
    """Whether somebody asks Polar for it at this moment."""
    return checkout.state == "requested" and checkout.requested_at > now - TWIN_PATIENCE


def _intent(checkout: Checkout, package: packages.CreditPackage, *, replayed: bool = False) -> Intent:
    owner = identity.owner_of(checkout.account_id)
    return Intent(
        checkout_id=checkout.id,
        product_id=str(package.polar_product_id),
        account_id=checkout.account_id,
        customer_id=known_customer(checkout.account_id),
        email=owner.email,
        name=owner.name,
        url=checkout.url,
        replayed=replayed,
    )


def _still_open(account_id: int, package_id: int, now: datetime) -> Checkout | None:
    """The account's open checkout of a limited offer. Raises StillOpening while one is being opened."""
    query = (
        select(Checkout)
        .where(
            Checkout.account_id == account_id,
            Checkout.package_id == package_id,
            Checkout.state.in_(("requested", "open")),
        )
        .order_by(Checkout.requested_at)
    )
    for checkout in db.session.scalars(query):
        if _is_being_opened(checkout, now):
            raise StillOpening(STILL_OPENING, retry_after=1)
        if checkout.state == "open" and checkout.expires_at is not None and checkout.expires_at > now:
            return checkout
    return None
