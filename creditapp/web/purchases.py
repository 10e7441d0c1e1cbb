"""Buying: the click, the way to Polar's checkout, and the page that waits for the credits after it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from creditapp import buying, checkout, clock, ledger
from creditapp import packages as shelf
from creditapp.db import release
from creditapp.gateway import PolarRefused, PolarUnavailable
from creditapp.web import packages, sessions
from creditapp.web.forms import typed
from creditapp.web.sessions import login_required
from creditapp.wiring import gateway

bp = Blueprint("purchases", __name__)

USUAL = timedelta(minutes=1)  # longer than this is longer than usual
POLLING = timedelta(minutes=30)  # a page left open asks no longer
OPENING = timedelta(seconds=30)  # an opening older than this died on the way
SECONDS_BETWEEN_POLLS = {"adding": 1, "waiting": 2, "declined": 2, "slow": 5}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a purchase is, and since when its buyer waits for it.

    ``adding``: Polar sent the buyer back, the order is not here yet; ``slow``: so for more than a minute.
    ``waiting``: nobody says that it was paid; ``declined``: a payment failed, and the checkout is still open.
    ``added``, ``refunded`` (all of it was taken back since), ``stuck`` (paid, but it credits nobody), ``failed`` and
    ``expired`` are ends. ``reachable``: whether Polar answered when it was asked.
    """

    state: str
    bought: checkout.Checkout
    order: checkout.Order | None
    entry: ledger.CreditTransaction | None
    since: datetime
    paid: str | None
    reachable: bool

    @property
    def every(self) -> int | None:
        """Seconds until the page asks again; None where there is nothing more to hear."""
        seconds = SECONDS_BETWEEN_POLLS.get(self.state)
        return seconds if clock.now() - self.since < POLLING else None

    @property
    def tag(self) -> str:
        """Changes with everything the page shows."""
        return f"{self.state} {self.every or 'done'} {'' if self.reachable else 'unreachable'}".strip()

    def address(self, endpoint: str) -> str:
        """Where to ask, keeping what this page knows."""
        return url_for(endpoint, checkout_id=self.bought.id, paid=self.paid, since=int(self.since.timestamp()))


@bp.post("/credits/purchase")
@login_required
def purchase() -> AnyResponse | tuple[str, int]:
    """To Polar's checkout for the package; where that can't be, the packages with the reason, and nothing is lost."""
    wanted = typed("package")
    try:
        opened = buying.open_checkout(sessions.account_id(), wanted)
    except (
        shelf.UnknownPackage,
        shelf.PackageUnavailable,
        checkout.StillOpening,
        PolarUnavailable,
        PolarRefused,
    ) as error:
        return packages.page(wanted, refused=error), error.status
    return redirect(opened.url, 303)


@bp.get("/credits/checkouts/<int:checkout_id>")
@login_required
def show(checkout_id: int) -> str:
    """The page to which Polar sends the buyer back."""
    return render_template("purchases/show.html", progress=_progress(checkout_id))


@bp.get("/credits/checkouts/<int:checkout_id>/progress")
@login_required
def progress(checkout_id: int) -> Response:
    """The part of it that keeps asking; 304 while there is no news."""
    found = _progress(checkout_id)
    if request.headers.get("HX-PTag") == found.tag:
        return make_response("", 304)
    answer = make_response(render_template("purchases/_progress.html", progress=found, out_of_band=True))
    answer.headers["HX-PTag"] = found.tag
    return answer


@bp.get("/credits/<int:transaction_id>/receipt")
@login_required
def receipt(transaction_id: int) -> AnyResponse | str:
    """To the receipt at Polar; until it is made, a page that says so."""
    entry = ledger.entry(sessions.account_id(), transaction_id)
    order_id = entry.polar_order_id
    if order_id is None:
        abort(404)
    release()
    address = gateway().receipt_url(order_id)
    return redirect(address, 303) if address else render_template("purchases/receipt.html", entry=entry)


def _progress(checkout_id: int) -> Progress:
    account_id = sessions.account_id()
    found = checkout.of_account(account_id, checkout_id)
    reachable = buying.look_again(found)
    order = checkout.order_of(found)
    since = _since()
    # Polar puts its id of the checkout into the address only after the payment.
    paid = request.args.get("paid")
    paid = paid if paid and paid == found.polar_checkout_id else None
    entry = None
    if order is not None and order.credit_transaction_id is not None:
        entry = ledger.entry(account_id, order.credit_transaction_id)
    state = _state(found, order, paid=paid is not None, since=since)
    return Progress(state, found, order, entry, since, paid, reachable)


def _state(found: checkout.Checkout, order: checkout.Order | None, *, paid: bool, since: datetime) -> str:
    now = clock.now()
    if order is not None and order.state != "expected":
        if order.state != "credited":
            return "stuck"
        return "refunded" if order.taken_back >= order.credits else "added"
    if paid:
        return "slow" if now - since >= USUAL else "adding"
    if found.state == "failed" or (found.state == "requested" and now - found.requested_at > OPENING):
        return "failed"
    if found.state == "expired" or (found.expires_at is not None and found.expires_at <= now):
        return "expired"
    return "declined" if found.reason else "waiting"


def _since() -> datetime:
    """Since when the buyer waits: what the page was told before, else now."""
    now = clock.now()
    told = request.args.get("since", type=int)
    if told is None or not 0 < told <= now.timestamp():
        return now
    return datetime.fromtimestamp(told, UTC)
