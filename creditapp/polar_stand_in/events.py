"""``/v1/events/ingest``: what a merchant tells of its customers' use; kept and counted, nothing more (facts §1.4)."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in.clock import new_id, now, stamp
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.reading import NOT_AN_OBJECT, Body
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("events", __name__, url_prefix="/v1/events")


@bp.post("/ingest")
def ingest() -> Response:
    """Keep events; an ``external_id`` that is known already is a duplicate."""
    body = Body()
    given = body.required("events")
    if given is not None and not isinstance(given, list):
        body.wrong("list_type", "events", "Input should be a valid list", given)
        given = []
    with store().writing() as t:
        fresh = [event for i, one in enumerate(given or []) if (event := _event(t, body, i, one))]
        body.done()
        known = {e["external_id"] for e in t.all("event", external_id=[str(e["external_id"]) for e in fresh])}
        inserted = 0
        for event in fresh:
            if event["external_id"] is None or event["external_id"] not in known:
                known.add(event["external_id"])
                t.put("event", event)
                inserted += 1
    return jsonify(inserted=inserted, duplicates=len(fresh) - inserted)


def _event(t: Transaction, body: Body, place: int, given: Any) -> Document | None:
    """One event as it is kept; None, and what is wrong noted, when it is none."""
    if not isinstance(given, dict):
        body.wrong("model_attributes_type", ["events", place], NOT_AN_OBJECT, given)
        return None
    before = len(body.problems)
    for name in ("name", "external_customer_id" if "external_customer_id" in given else "customer_id"):
        if not isinstance(given.get(name), str):
            body.wrong("missing", ["events", place, name], "Field required", given)
    at = given.get("timestamp")
    if at is not None and not _is_past(t, at):
        msg = "Value error, Timestamp must be in the past."
        body.wrong("value_error", ["events", place, "timestamp"], msg, at, error={})
    if len(body.problems) > before:
        return None
    kept = {name: given.get(name) for name in ("name", "customer_id", "external_customer_id", "external_id")}
    return {"id": new_id(), **kept, "timestamp": at or stamp(t), "metadata": given.get("metadata", {})}


def _is_past(t: Transaction, at: Any) -> bool:
    try:
        moment = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return False
    return moment.tzinfo is not None and moment <= now(t)
