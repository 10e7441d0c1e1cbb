"""The hosted checkout: a page for a person, and the same address for a plain form post.

Paid: 303 to the success address. Declined: the page again with 402. Something to correct: the page with 422.
A card whose bank asks: a page with Approve and Refuse. Expired: a page with 410. Paid already: 303, no second charge.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request

from creditapp.polar_stand_in import paying, shapes
from creditapp.polar_stand_in.cards import TEST_CARDS, card
from creditapp.polar_stand_in.clock import stamp
from creditapp.polar_stand_in.countries import COUNTRIES
from creditapp.polar_stand_in.forms import FIELDS, CardForm, read
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.money import priced
from creditapp.polar_stand_in.paying import ExternalIdTaken, Payer
from creditapp.polar_stand_in.payments import OWNER_REFUSED
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("hosted", __name__)

DECLINED = "The card was declined. Nothing was charged. Try another card."
REFUSED = "Your bank did not get your confirmation. Nothing was charged. Try again or use another card."
TAKEN = "This purchase belongs to an account with another e-mail address. Go back and buy it with that one."
COUNTRY_AT_FIRST = "US"


@dataclass(frozen=True)
class Outcome:
    """What became of a post: a template, a status, and what the page needs."""

    status: int
    checkout: Document
    product_name: str
    form: CardForm | None = None
    alert: str = ""


@bp.get("/checkout/<secret>")
def show(secret: str) -> Response:
    """The page to pay."""
    with store().reading() as t:
        return _answer(_standing(t, _found(t, secret)))


@bp.post("/checkout/<secret>")
def submit(secret: str) -> Response:
    """Pay, or say what stands in the way. Two posts at once: the second finds the checkout paid."""
    try:
        with store().writing() as t:
            outcome = _submitted(t, _found(t, secret))
    except ExternalIdTaken:  # nothing of it is kept
        with store().reading() as t:
            outcome = _again(t, _found(t, secret), 422, alert=TAKEN)
    return _answer(outcome)


@bp.get("/checkout/<secret>/confirmation")
def confirmation(secret: str) -> Response:
    """Where a paid checkout leads when it has no success address of its own."""
    with store().reading() as t:
        checkout = _found(t, secret)
        paid = checkout is not None and checkout["status"] == "succeeded"
        name = _product_name(t, checkout) if checkout else ""
    if not paid or checkout is None:
        return trouble(404)
    return page("thanks.html", 200, onward="", checkout=checkout, product_name=name, total=_total(checkout))


def trouble(status: int) -> Response:
    """A page that says what is wrong with an address."""
    return page("trouble.html", status, onward="")


def _submitted(t: Transaction, checkout: Document | None) -> Outcome | None:
    """Everything a post does, inside one transaction."""
    standing = _standing(t, checkout)
    if checkout is None or standing is None or standing.status != 200:
        return standing
    # 1. the answer to "is it you?"
    awaiting, said = checkout["_awaiting"], request.form.get("confirm")
    if awaiting and said:
        payer = Payer(awaiting["email"], awaiting["name"], awaiting["address"])
        if said != "approve":
            paying.decline(t, checkout, card(awaiting["card"]), reason=OWNER_REFUSED)
            return _again(t, checkout, 402, alert=REFUSED)
        paying.pay(t, checkout, payer, card(awaiting["card"]))
        return _standing(t, checkout)
    # 2. the form
    form = read(
        request.form,
        card_needed=checkout["is_payment_required"],
        whole_address=checkout["require_billing_address"] or checkout["is_business_customer"],
        known_email=checkout["customer_email"] if checkout["customer_id"] else None,
    )
    if form.errors:
        return _again(t, checkout, 422, form=form)
    # 3. the card
    payer = Payer(form.email, form.name, form.address)
    if form.card and form.card.outcome == "declines":
        paying.decline(t, checkout, form.card)
        form.errors["card_number"] = DECLINED
        return _again(t, checkout, 402, form=form)
    if form.card and form.card.outcome == "asks":
        paying.await_owner(t, checkout, payer, form.card)
    else:
        paying.pay(t, checkout, payer, form.card)
    return _standing(t, checkout)


def _standing(t: Transaction, checkout: Document | None) -> Outcome | None:
    """Where the checkout stands: 303 paid, 410 expired, else 200; None when there is none."""
    if checkout is None:
        return None
    if checkout["status"] == "succeeded":
        status = 303
    elif checkout["status"] == "expired" or (checkout["status"] == "open" and checkout["expires_at"] <= stamp(t)):
        status = 410
    else:
        status = 200
    return Outcome(status, checkout, _product_name(t, checkout), _first_form(checkout))


def _again(
    t: Transaction, checkout: Document | None, status: int, *, form: CardForm | None = None, alert: str = ""
) -> Outcome | None:
    if checkout is None:
        return None
    return Outcome(status, checkout, _product_name(t, checkout), form or _first_form(checkout), alert)


def _first_form(checkout: Document) -> CardForm:
    """The form as it opens: what is known already is filled in."""
    address = checkout["customer_billing_address"] or {}
    known = {"email": checkout["customer_email"], "name": checkout["customer_name"], **address}
    values = {name: known.get(name) or "" for name in FIELDS}
    values["country"] = values["country"] or COUNTRY_AT_FIRST
    return CardForm(values)


def _answer(outcome: Outcome | None) -> Response:
    if outcome is None:
        return trouble(404)
    checkout = outcome.checkout
    if outcome.status == 303:
        return make_response(redirect(checkout["success_url"], 303))
    if outcome.status == 410:
        return page("trouble.html", 410, onward="", checkout=checkout)
    about = {"checkout": checkout, "product_name": outcome.product_name, "total": _total(checkout)}
    if outcome.status == 200 and checkout["_awaiting"]:
        asks_for = f"Pay {_total(checkout)} for {outcome.product_name}"
        return page("confirm.html", 200, onward=checkout["success_url"], action=checkout["url"], asks_for=asks_for)
    countries = dict(COUNTRIES)
    chosen = outcome.form.values["country"] if outcome.form else COUNTRY_AT_FIRST
    countries.setdefault(chosen, chosen)
    return page(
        "checkout.html",
        outcome.status,
        onward=checkout["success_url"],
        **about,
        form=outcome.form,
        alert=outcome.alert,
        asks=shapes.asked_address(checkout),
        cards=TEST_CARDS,
        countries=countries,
    )


def page(template: str, status: int, *, onward: str | None, **about: object) -> Response:
    """A page that may load only what is its own, and post only to itself and from there on to *onward*."""
    response = make_response(render_template(template, status=status, **about), status)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; base-uri 'none';"
        f" frame-ancestors 'none'; form-action 'self'{_origin(onward or '')}"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


def _origin(url: str) -> str:
    """The origin of an address as a CSP source; empty where it could not be one."""
    parts = urlsplit(url)
    source = f" {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return source if parts.netloc and source.isascii() and ";" not in source and "," not in source else ""


def _found(t: Transaction, secret: str) -> Document | None:
    return t.one("checkout", client_secret=secret)


def _product_name(t: Transaction, checkout: Document) -> str:
    return str((t.get("product", checkout["product_id"]) or {}).get("name", ""))


def _total(checkout: Document) -> str:
    return priced(checkout["total_amount"], checkout["currency"])
