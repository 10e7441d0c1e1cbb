"""``/_control``: what tests and drills may turn and look at. JSON, no key.

To turn: ``webhooks``, ``fail_next``, ``clock``, ``organization``, ``tax``, ``limits``. To happen to somebody: ``card``,
``bank``, and in ``staff.py`` ``refund`` and ``dispute``. To look at: ``charges``, ``deliveries``.
"""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import cards, clock, customers, deliveries, limits, methods, organizations, tax
from creditapp.polar_stand_in.checkouts import expire_overdue
from creditapp.polar_stand_in.faults import Fault
from creditapp.polar_stand_in.house import house, store
from creditapp.polar_stand_in.wishes import bad, number, whole, wishes, yes

bp = Blueprint("control", __name__, url_prefix="/_control")

LONGEST_WAIT_SECONDS = 3600
METHODS = ("GET", "POST", "PATCH", "DELETE")
MOST_TIMES = 100_000
FURTHEST_SECONDS = 10 * 366 * 86_400
LARGEST_SCALE = 100
ADDRESS = {
    "line1": "20 W 34th St",
    "line2": None,
    "postal_code": "10001",
    "city": "New York",
    "state": "US-NY",
    "country": "US",
}


@bp.post("/webhooks")
def set_webhooks() -> Response:
    """How the next deliveries behave, until set again; what is left out is off."""
    given = wishes("delay_seconds", "drop", "duplicate", "reorder", "retry_scale")
    wanted = deliveries.Behaviour(
        delay_seconds=number(given, "delay_seconds", 0, LONGEST_WAIT_SECONDS),
        drop=yes(given, "drop"),
        duplicate=yes(given, "duplicate"),
        reorder=yes(given, "reorder"),
        retry_scale=number(given, "retry_scale", deliveries.RETRY_SCALE, LARGEST_SCALE),
    )
    with store().writing() as t:
        deliveries.set_behaviour(t, wanted)
    store().after_commit()
    return jsonify(asdict(wanted))


@bp.post("/fail_next")
def fail_next() -> Response:
    """The next calls whose path contains ``path`` fail so, or with ``right_answer`` are only slow."""
    given = wishes(
        "path", "status", "after_charge", "seconds", "times", "retry_after", "right_answer", "answer_after", "method"
    )
    path, status, method = given.get("path"), given.get("status"), given.get("method")
    if not isinstance(path, str) or not path:
        raise bad("path must be a part of the path of the calls that shall fail, such as /v1/checkouts.")
    if status is not None and (not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599):
        raise bad("status must be an HTTP status from 200 to 599, or null to close without an answer.")
    if method not in (None, *METHODS):
        raise bad(f"method must be one of {', '.join(METHODS)}; left out, every method fails.")
    fault = Fault(
        path=path,
        status=status,
        after_charge=yes(given, "after_charge"),
        seconds=number(given, "seconds", 0, LONGEST_WAIT_SECONDS),
        times=whole(given, "times", 1, MOST_TIMES),
        retry_after=whole(given, "retry_after", 1, LONGEST_WAIT_SECONDS),
        right_answer=yes(given, "right_answer"),
        answer_after=number(given, "answer_after", 0, LONGEST_WAIT_SECONDS),
        method=method,
    )
    house().faults.plan(fault)
    return jsonify(asdict(fault))


@bp.post("/card")
def save_card() -> Response:
    """Save a test card for the customer with this external id and make it the default. An unknown customer is made."""
    given = wishes("customer", "card_number")
    external_id, typed = given.get("customer"), given.get("card_number")
    if not isinstance(external_id, str) or not external_id:
        raise bad("customer must be the customer's external id.")
    try:
        known = cards.card(str(typed))
    except cards.BadCard as error:
        raise bad(f"card_number: {error}") from None
    if known.outcome == "declines":
        raise bad("card_number: this card is declined and cannot be saved.")
    with store().writing() as t:
        customer = t.one("customer", external_id=external_id)
        if customer is None:
            email = f"{clock.new_id()}@example.com"
            customer = customers.new_customer(t, email=email, external_id=external_id, billing_address=ADDRESS)
            customers.announce(t, "customer.created", customer)
        method = methods.save(t, customer, known, address=customer["billing_address"] or ADDRESS)
    return jsonify(customer=external_id, customer_id=customer["id"], payment_method=method["id"])


@bp.post("/organization")
def switch_organization() -> Response:
    """Switch what the organisation may do; what is left out stays as it is."""
    given = wishes(*organizations.SWITCHES)
    with store().writing() as t:
        for switch in given:
            t.remember(switch, yes(given, switch))
        return jsonify({switch: organizations.switched_on(t, switch) for switch in organizations.SWITCHES})


@bp.post("/tax")
def set_tax() -> Response:
    """How many percent of tax come on top of a price from now on."""
    given = wishes("percent")
    with store().writing() as t:
        t.remember("tax_percent", number(given, "percent", 0, tax.HIGHEST_PERCENT))
        return jsonify(percent=tax.percent(t))


@bp.post("/limits")
def set_limits() -> Response:
    """How many calls a token may make in a minute."""
    given = wishes("per_minute")
    per_minute = whole(given, "per_minute", limits.PER_MINUTE, limits.PER_MINUTE)
    house().limits.set(per_minute)
    return jsonify(per_minute=per_minute)


@bp.post("/bank")
def set_bank() -> Response:
    """From now on the bank refuses the saved cards of a customer (external id) with that reason; null: no longer."""
    given = wishes("customer", "refuses")
    reason = given.get("refuses")
    if reason is not None and (not isinstance(reason, str) or not reason):
        raise bad("refuses must be a reason such as insufficient_funds, or null for none.")
    with store().writing() as t:
        customer = t.one("customer", external_id=str(given.get("customer")))
        if customer is None:
            raise bad("customer must be the external id of a customer.")
        t.put("customer", {**customer, "_bank_refuses": reason})
    return jsonify(customer=customer["external_id"], refuses=reason)


@bp.post("/clock")
def advance_clock() -> Response:
    """Move the stand-in's clock forward; what that makes overdue expires at once."""
    given = wishes("advance_seconds")
    if "advance_seconds" not in given:
        raise bad("advance_seconds is missing: by how many seconds to move the clock forward.")
    seconds = number(given, "advance_seconds", 0, FURTHEST_SECONDS)
    with store().writing() as t:
        moment = clock.advance(t, seconds)
        expire_overdue(t)
    return jsonify(now=clock.written(moment))


@bp.get("/charges")
def list_charges() -> Response:
    """Every charge really made, oldest first."""
    with store().reading() as t:
        rows = t.rows(
            "SELECT order_id AS 'order', customer, customer_id, amount, currency, card, at FROM charges ORDER BY number"
        )
    return jsonify(items=[dict(row) for row in rows])


@bp.get("/deliveries")
def list_deliveries() -> Response:
    """Every webhook sent, or not yet sent, with its attempts and what was answered."""
    with store().reading() as t:
        return jsonify(items=deliveries.sent(t))
