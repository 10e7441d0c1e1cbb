"""Which webhooks are to be sent: one row per event and endpoint, written with what caused it (facts §2.5).

``/_control/webhooks`` decides at that moment whether a row is held back, dropped, doubled, or let out of order.
"""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in.clock import new_id, written
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import asked, asked_moment, asked_yes, page
from creditapp.polar_stand_in.reading import path_id
from creditapp.polar_stand_in.refusals import not_found
from creditapp.polar_stand_in.shapes import API_VERSION
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("deliveries", __name__, url_prefix="/v1/webhooks")

TRIES = 10
RETRY_SCALE = 0.1  # Polar waits minutes; a developer does not
REORDER_STEP_SECONDS = 0.08


@dataclass(frozen=True)
class Behaviour:
    """How the next deliveries behave."""

    delay_seconds: float = 0
    drop: bool = False
    duplicate: bool = False
    reorder: bool = False
    retry_scale: float = RETRY_SCALE


def behaviour(t: Transaction) -> Behaviour:
    """What ``/_control/webhooks`` was last told."""
    return Behaviour(**t.setting("behaviour", {}))


def set_behaviour(t: Transaction, wanted: Behaviour) -> None:
    """From now on, until set again."""
    t.remember("behaviour", asdict(wanted))


def enqueue(t: Transaction) -> None:
    """Queue the transaction's events for every endpoint that listens. Reordered: the last event of it goes first."""
    if not t.events:
        return
    how, at = behaviour(t), time.time()
    endpoints = [e for e in t.all("endpoint") if e["enabled"]]
    for place, (type_, data) in enumerate(t.events):
        payload = {"type": type_, "timestamp": written(datetime.now(UTC)), "api_version": API_VERSION, "data": data}
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        turn = (len(t.events) - 1 - place) * REORDER_STEP_SECONDS if how.reorder else 0
        for endpoint in endpoints:
            if type_ in endpoint["events"]:
                t.run(
                    "INSERT INTO deliveries (id, endpoint_id, type, subject, payload, api_version, created_at, queued,"
                    " state, copies, in_order, not_before, tries_left) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    new_id(),
                    endpoint["id"],
                    type_,
                    data["id"],
                    text,
                    endpoint["api_version"],
                    payload["timestamp"],
                    at,
                    "dropped" if how.drop else "waiting",
                    2 if how.duplicate else 1,
                    not how.reorder,
                    at + how.delay_seconds + turn,
                    TRIES,
                )


@bp.get("/deliveries")
def list_deliveries() -> Response:
    """Every attempt to deliver, newest first."""
    with store().reading() as t:
        rows = t.rows(
            "SELECT a.id AS attempt, a.at, a.http_code, a.response, d.* FROM attempts a"
            " JOIN deliveries d ON d.number = a.delivery ORDER BY a.number"
        )
    after, before, succeeded = asked_moment("start_timestamp"), asked_moment("end_timestamp"), asked_yes("succeeded")
    shown = [
        row
        for row in (_delivery(dict(row)) for row in rows)
        if (not asked("endpoint_id") or row["_endpoint_id"] in asked("endpoint_id"))
        and (not asked("event_type") or row["webhook_event"]["type"] in asked("event_type"))
        and succeeded in {None, row["succeeded"]}
        and (not asked("http_code_class") or _class(row["http_code"]) in asked("http_code_class"))
        and all(words in row["webhook_event"]["payload"] for words in asked("query"))
        and (after is None or datetime.fromisoformat(row["created_at"]) > after)
        and (before is None or datetime.fromisoformat(row["created_at"]) < before)
    ]
    return page(shown, lambda row: {key: value for key, value in row.items() if key != "_endpoint_id"})


@bp.post("/events/<id_>/redeliver")
def redeliver(id_: str) -> tuple[Response, int]:
    """Send an event again, whatever became of it, with the same ``webhook-id``."""
    with store().writing() as t:
        changed = t.run(
            "UPDATE deliveries SET state = 'waiting', tries_left = ?, not_before = 0, last_try = 0, backoff = 0,"
            " copies = 1, in_order = 0 WHERE id = ?",
            TRIES,
            path_id(id_),
        )
        if not changed.rowcount:
            raise not_found()
    store().after_commit()
    return jsonify(None), 202


def sent(t: Transaction) -> list[Document]:
    """Every webhook with its attempts and what was answered, oldest first: for ``/_control/deliveries``."""
    attempts: dict[int, list[Document]] = {}
    for row in t.rows("SELECT delivery, at, http_code, response, seconds FROM attempts ORDER BY number"):
        attempt = {"at": row["at"], "status": row["http_code"], "answer": row["response"], "seconds": row["seconds"]}
        attempts.setdefault(row["delivery"], []).append(attempt)
    rows = t.rows("SELECT number, id, endpoint_id, type, subject, created_at, state FROM deliveries ORDER BY number")
    return [
        {
            "id": row["id"],
            "type": row["type"],
            "subject": row["subject"],
            "endpoint": row["endpoint_id"],
            "created_at": row["created_at"],
            "state": row["state"],
            "attempts": attempts.get(row["number"], []),
        }
        for row in rows
    ]


def _class(status: int | None) -> str | None:
    return f"{status // 100}xx" if status else None


def _delivery(row: Document) -> Document:
    succeeded = row["http_code"] is not None and 200 <= row["http_code"] < 300
    return {
        "created_at": row["at"],
        "modified_at": None,
        "id": row["attempt"],
        "succeeded": succeeded,
        "http_code": row["http_code"],
        "response": row["response"],
        "webhook_event": {
            "created_at": row["created_at"],
            "modified_at": row["at"],
            "id": row["id"],
            "last_http_code": row["http_code"],
            "succeeded": {"delivered": True, "failed": False}.get(row["state"]),
            "skipped": row["state"] == "skipped",
            "payload": row["payload"],
            "type": row["type"],
            "is_archived": False,
            "api_version": row["api_version"],
        },
        "_endpoint_id": row["endpoint_id"],
    }
