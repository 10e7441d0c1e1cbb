"""For the seller's staff: what Polar told us and what became of it, and money that credited nobody."""

import simplejson
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from creditapp import checkout, clock, identity, reconciliation, webhooks
from creditapp.db import transaction
from creditapp.web.sessions import operator_required, signed_in
from creditapp.web.words import zone

bp = Blueprint("operator", __name__, url_prefix="/operator")

EVENTS = 50
ORDERS = 50
LONGEST_ID = 18
STATES = {
    "received": ("Waiting", "accent"),
    "processed": ("Done", "ok"),
    "ignored": ("Ignored", ""),
    "dead": ("Dead", "bad"),
}
DISPUTE_TONES = {"lost": "bad", "won": "ok", "prevented": ""}


@bp.get("/", strict_slashes=False)
@operator_required
def index() -> str:
    """The inbox, newest first, and the orders somebody must look at."""
    state = request.args.get("state")
    state = state if state in webhooks.EVENT_STATES else None
    events = webhooks.page(EVENTS + 1, state=state, before=_before())
    return render_template(
        "operator/index.html",
        counts=webhooks.counts(),
        state=state,
        states=STATES,
        events=events[:EVENTS],
        older_before=events[EVENTS - 1].id if len(events) > EVENTS else None,
        paged=_before() is not None,
        orders=checkout.uncredited_orders(ORDERS),
        orders_limit=ORDERS,
        late_orders=checkout.noticed_orders(ORDERS),
        disputes=checkout.disputes(ORDERS),
        dispute_tones=DISPUTE_TONES,
        round=reconciliation.latest(),
        time_zone=zone().key,
        now=clock.now(),
    )


@bp.get("/webhooks/<int:event_id>")
@operator_required
def webhook(event_id: int) -> str:
    """One event, with the body as it came and, where it can be read, so that it can be read."""
    event = webhooks.event(event_id)
    return render_template(
        "operator/webhook.html", event=event, states=STATES, body=readable(event.body), raw=_raw(event.body)
    )


@bp.post("/webhooks/<int:event_id>/replay")
@operator_required
def replay(event_id: int) -> AnyResponse:
    """Handle an event once more; what it did before it does not do again."""
    with transaction():
        event = webhooks.replay(event_id)
        identity.audit.record(signed_in().user.email, "replay", reason="operator page", event_id=event.id)
    return redirect(url_for("operator.webhook", event_id=event_id), 303)


def readable(body: bytes) -> str | None:
    """The body as indented JSON, values as they came; None where it is no JSON."""
    try:
        document = simplejson.loads(body, use_decimal=True)
        text = simplejson.dumps(document, use_decimal=True, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return _showable(text)


def _raw(body: bytes) -> str:
    return _showable(body.decode("utf-8", "backslashreplace"))


def _showable(text: str) -> str:
    # Halves of characters and NUL can't be sent to a browser.
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _before() -> int | None:
    asked = request.args.get("before", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= LONGEST_ID else None
