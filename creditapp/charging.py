"""After a charge: whether to recharge and what to tell; and one step of a recharge, asked of Polar and written down."""

import logging
from collections.abc import Callable
from decimal import Decimal

from sqlalchemy.exc import SQLAlchemyError

from creditapp import alerts, checkout, identity, ledger, recharge
from creditapp.db import release, transaction
from creditapp.errors import CreditAppError
from creditapp.gateway import PolarRefused, PolarUnavailable
from creditapp.recharge import Step
from creditapp.wiring import gateway, settings

log = logging.getLogger(__name__)

NO_CUSTOMER = "Polar does not know this account yet. Save a card first."
NO_CARD = "The saved card is not there any more. Save a card again."
NOT_LET_IN = "Polar did not let us in; nothing was tried. Our staff must look at the access token."
NO_ADDRESS = "The billing address at Polar is not complete. Add it where cards are saved."


def look(account_id: int) -> None:
    """After credits went and the ledger said that the account is watched, or after some came back.

    Never fails the charge before it.
    """
    _try(account_id, lambda: consider(account_id))


def look_at_refusal(account_id: int, refused: ledger.InsufficientCredits) -> None:
    """After a charge for which credits were too few; its owner is told of the first until credits come in.

    Never fails the answer to the others, and costs them one small read. Of debt, an alert of its own tells.
    """

    def work() -> None:
        if refused.watched or alerts.hears_of_refusals(account_id):
            consider(account_id, needed=None if refused.debt else refused.required)

    _try(account_id, work)


def consider(account_id: int, *, needed: Decimal | None = None) -> None:
    """Recharge the account where that is wanted and allowed; then raise the alerts that its standing calls for.

    Where a recharge is under way, no letter says that credits are low, and none that a charge of *needed* was refused
    for it: the recharge tells how it went.
    """
    with transaction():
        recharge.consider(account_id)
        if alerts.is_due(account_id):
            alerts.consider(account_id, told={"low_balance"} if recharge.in_flight(account_id) else ())
        if needed is not None and not recharge.in_flight(account_id):
            alerts.consider_refusal(account_id, needed)


def card_portal(account_id: int, *, back: str) -> str:
    """Where the account's customer saves a card at Polar; the customer is made there where it is not known yet.

    Raises PolarUnavailable and PolarRefused.
    """
    owner, customer_id = identity.owner_of(account_id), checkout.known_customer(account_id)
    email, name = owner.email, owner.name
    release()
    if customer_id is None:
        customer_id = gateway().customer(external_id=str(account_id), email=email, name=name)
        if customer_id is None:
            message = "Polar can't tell who you are yet. Buy a package once, then save the card."
            raise PolarRefused(message)
        with transaction():
            ledger.lock(account_id)
            checkout.remember_customer(account_id, customer_id)
    return gateway().portal_url(customer_id, return_url=settings().app_url + back)


def learn_card(account_id: int) -> None:
    """Ask Polar which card is saved: its webhook may be slower than the person who comes back."""
    customer_id = checkout.known_customer(account_id)
    if customer_id is None:
        return
    release()
    try:
        payer = gateway().payer(customer_id)
    except (PolarUnavailable, PolarRefused):
        return  # the webhook tells
    with transaction():
        if checkout.cards_told(account_id, payer):
            recharge.card_saved(account_id)


def take(step: Step) -> None:
    """Do it; whatever Polar answers, the attempt knows afterwards how it stands."""
    try:
        match step.kind:
            case "draft":
                _draft(step)
            case "finalize":
                _finalize(step)
            case _:
                _ask(step)
    except PolarUnavailable as error:
        with transaction():
            recharge.postpone(step.attempt_id, error.sentence)
    except PolarRefused as error:
        _refused(step, error)


def _try(account_id: int, work: Callable[[], None]) -> None:
    try:
        work()
    except (SQLAlchemyError, CreditAppError):
        log.warning("account %s was not considered after a charge; the clock will", account_id, exc_info=True)


def _draft(step: Step) -> None:
    """Make the draft order, or find the one whose answer was lost; nothing is charged."""
    problem = _problem(step)
    if problem is not None:
        with transaction():
            recharge.needs_set_up(step.attempt_id, problem)
        return
    found = gateway().order_of_recharge(str(step.attempt_id))
    if found is not None and found.paid:
        with transaction():
            recharge.fulfil(found)
        return
    order_id = found.id if found else _made(step)
    with transaction():
        recharge.drafted(step.attempt_id, order_id)


def _problem(step: Step) -> str | None:
    """What is missing for a charge, in words; nothing was tried then."""
    if step.customer_id is None:
        return NO_CUSTOMER
    payer = gateway().payer(step.customer_id)
    if payer.card(step.payment_method_id) is None:
        return NO_CARD
    return None if payer.has_address else NO_ADDRESS


def _made(step: Step) -> str:
    return gateway().draft_order(
        customer_id=str(step.customer_id),
        product_id=str(step.product_id),
        amount=step.amount_cents,
        currency=step.currency,
        description=f"Auto-recharge: {step.credits.normalize():,f} credits",
        metadata={
            "recharge_id": str(step.attempt_id),
            "account_id": str(step.account_id),
            "kind": "auto_recharge",
        },
    )


def _finalize(step: Step) -> None:
    """Charge the pinned card for the drafted order."""
    charged = gateway().finalize_order(str(step.order_id), payment_method_id=step.payment_method_id)
    why = None
    if charged.kind == "declined":
        try:
            why = gateway().why_declined(str(step.order_id))
        except (PolarUnavailable, PolarRefused):
            log.info("the reason of a declined recharge could not be had")
    with transaction():
        recharge.settle(step.attempt_id, charged, why=why)


def _ask(step: Step) -> None:
    """What became of an order whose answer was lost."""
    order = gateway().order(str(step.order_id))
    with transaction():
        recharge.told(step.attempt_id, order)


def _refused(step: Step, error: PolarRefused) -> None:
    """Polar said no before any charge: 401 to our own token, 403 where saved cards can't be charged here at all."""
    status = getattr(error.__cause__, "status_code", None)
    with transaction():
        if status == 401:
            recharge.postpone(step.attempt_id, NOT_LET_IN)
        elif status == 403 and step.kind == "draft":
            recharge.not_enabled(step.attempt_id)
        elif step.kind == "draft":
            recharge.needs_set_up(step.attempt_id, f"Polar did not accept the order: {error.sentence}")
        else:
            recharge.postpone(step.attempt_id, error.sentence)
