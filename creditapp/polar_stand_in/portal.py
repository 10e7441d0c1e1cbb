"""The customer's portal: the saved cards, each to be chosen or removed, and a form that saves one.

For a person or a plain form post: the form's fields, or ``default`` or ``remove`` with the id of a saved card.

Saved: 303 to the session's return address, or to the page with the card in its list. Declined: the page with 402.
Something to correct: 422. A card whose bank asks: a page with Approve and Refuse. A link older than an hour: 410.
"""

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, redirect, request

from creditapp.polar_stand_in import customers, hosted, methods, sessions
from creditapp.polar_stand_in.cards import TEST_CARDS, card
from creditapp.polar_stand_in.countries import COUNTRIES
from creditapp.polar_stand_in.forms import FIELDS, CardForm, read
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("portal", __name__, url_prefix="/portal")

DECLINED = "The card was declined and not saved. Try another card."
GONE = "This card is not saved any more."
REFUSED = "Your bank did not get your confirmation. The card was not saved."


@dataclass(frozen=True)
class Outcome:
    """What became of a visit: the page's status, and what it shows."""

    status: int
    session: Document
    customer: Document
    saved: list[Document]
    form: CardForm
    alert: str = ""
    stay: bool = False


@bp.get("")
def show() -> Response:
    """The saved cards and the form."""
    with store().reading() as t:
        return _answer(_visit(t))


@bp.post("")
def submit() -> Response:
    """Save a card, or say what stands in the way."""
    with store().writing() as t:
        outcome = _submitted(t)
    return _answer(outcome)


def _submitted(t: Transaction) -> Outcome | None:
    visit = _visit(t)
    if visit is None or visit.status != 200:
        return visit
    session, customer = visit.session, visit.customer
    # 1. a button
    if pressed := _pressed(t, session, customer):
        return pressed
    # 2. the form
    form = read(request.form, card_needed=True, whole_address=True, known_email=customer["email"])
    if form.errors or form.card is None:
        return _visit(t, 422, form=form)
    # 3. the card
    if form.card.outcome == "declines":
        form.errors["card_number"] = DECLINED
        return _visit(t, 402, form=form)
    if form.card.outcome == "asks":
        t.put("session", {**session, "_awaiting": {"card": form.card.number, "address": form.address}})
        return _visit(t)
    methods.save(t, customer, form.card, address=form.address)
    return _visit(t, 303)


def _pressed(t: Transaction, session: Document, customer: Document) -> Outcome | None:
    """What a button does that is not the form's own; None when it was the form's."""
    if session["_awaiting"] and "confirm" in request.form:
        return _confirmed(t, session, customer)
    chosen = request.form.get("default") or request.form.get("remove")
    if not chosen:
        return None
    method = t.get("method", chosen)
    if method is None or method["customer_id"] != customer["id"]:
        return _visit(t, 422, alert=GONE)
    (methods.make_default if "default" in request.form else methods.remove)(t, customer, method)
    return _visit(t, 303, stay=True)


def _confirmed(t: Transaction, session: Document, customer: Document) -> Outcome | None:
    """The answer to "is it you?"."""
    awaiting = session["_awaiting"]
    t.put("session", {**session, "_awaiting": None})
    if request.form["confirm"] != "approve":
        return _visit(t, 402, alert=REFUSED)
    methods.save(t, customer, card(awaiting["card"]), address=awaiting["address"])
    return _visit(t, 303)


def _visit(
    t: Transaction, status: int = 200, *, form: CardForm | None = None, alert: str = "", stay: bool = False
) -> Outcome | None:
    """The portal as it stands now; None for a link that nobody was given, 410 for one that is over."""
    session = sessions.by_token(t, request.args.get("customer_session_token", ""))
    customer = customers.living(t, session["customer_id"]) if session else None
    if session is None or customer is None:
        return None
    if sessions.is_over(t, session):
        status = 410
    saved = t.all("method", customer_id=customer["id"])
    return Outcome(status, session, customer, saved, form or _first_form(customer), alert, stay)


def _first_form(customer: Document) -> CardForm:
    known = {"email": customer["email"], "name": customer["name"], **(customer["billing_address"] or {})}
    values = {name: known.get(name) or "" for name in FIELDS}
    return CardForm({**values, "country": values["country"] or hosted.COUNTRY_AT_FIRST})


def _answer(outcome: Outcome | None) -> Response:
    if outcome is None:
        return hosted.trouble(404)
    session = outcome.session
    here = session["customer_portal_url"]
    if outcome.status == 303:
        return make_response(redirect(here if outcome.stay else session["return_url"] or here, 303))
    if outcome.status == 410:
        return hosted.page("trouble.html", 410, onward="", link_only=True)
    if outcome.status == 200 and session["_awaiting"]:
        return hosted.page("confirm.html", 200, onward=session["return_url"], action=here, asks_for="Save this card")
    chosen = outcome.form.values["country"]
    return hosted.page(
        "portal.html",
        outcome.status,
        onward=session["return_url"],
        action=here,
        session=session,
        customer=outcome.customer,
        saved=outcome.saved,
        form=outcome.form,
        alert=outcome.alert,
        cards=TEST_CARDS,
        countries=COUNTRIES if chosen in COUNTRIES else {**COUNTRIES, chosen: chosen},
    )
