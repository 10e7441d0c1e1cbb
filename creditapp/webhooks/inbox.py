"""The inbox: store first, answer, handle afterwards.

Nothing that was acknowledged is lost, and an event that can't be handled never blocks the ones behind it.
"""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from creditapp import clock, jobqueue
from creditapp.db import db, insert_once, is_away
from creditapp.errors import NotFound
from creditapp.gateway import Gateway, WrongShape
from creditapp.webhooks.handlers import HANDLERS, QUESTIONS, UNUSED, Ignored
from creditapp.webhooks.models import WebhookEvent

log = logging.getLogger(__name__)

ATTEMPTS_LIMIT = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=15)
LONGEST_REASON = 500
LONGEST_TYPE = 100


class Unreadable(Exception):
    """The body is signed, but not a JSON object with a type."""


def receive(webhook_id: str, body: bytes) -> int | None:
    """Keep a delivery that was signed; its row id, or None where it was received before."""
    now = clock.now()
    event_id = insert_once(
        WebhookEvent.webhook_id,
        webhook_id=webhook_id,
        event_type=_type_of(body),
        body=body,
        state="received",
        attempts=0,
        next_attempt_at=now,
        received_at=now,
    )
    if event_id is not None:
        jobqueue.ring_after_commit("handle_webhook", event_id)
    return event_id


def ask(gateway: Gateway, event_id: int) -> tuple[Any, ...]:
    """What Polar has to be asked before the event can be handled: nothing for most, one answer for a few.

    Raises PolarUnavailable and PolarRefused.
    """
    event = db.session.get(WebhookEvent, event_id, populate_existing=True)
    if event is None or event.state != "received" or event.event_type not in QUESTIONS:
        return ()
    try:
        _, data = _read(event.body)
        return (QUESTIONS[event.event_type](gateway, data),)
    except (Unreadable, WrongShape, AttributeError):
        return ()  # handling says what is wrong


def handle(event_id: int, *answer: Any) -> None:
    """Do what one event asks for, once, with Polar's *answer* where it had to be asked.

    The row is claimed by its lock: who finds it locked or done leaves it alone. What the handler wrote and that it is
    processed are one commit. A handler that fails leaves only a later time and a reason.
    """
    query = select(WebhookEvent).where(WebhookEvent.id == event_id, WebhookEvent.state == "received")
    event = db.session.scalar(query.with_for_update(skip_locked=True))
    if event is None:
        return
    try:
        with db.session.begin_nested():
            why_ignored = _handled(event, *answer)
    except Ignored as ignored:
        _close(event, "ignored", str(ignored))
    except Unreadable as error:
        _close(event, "dead", str(error))
    except Exception as error:
        if is_away(error):
            raise  # it does not count as an attempt, nor could that be written down
        log.exception("webhook event %s failed", event_id)
        _postpone(event, f"{type(error).__name__}: {error}")
    else:
        _close(event, "ignored" if why_ignored else "processed", why_ignored)


def waiting(limit: int, *, longer_than: timedelta) -> Sequence[int]:
    """Events whose time has come and that no worker took within *longer_than*, oldest first."""
    query = (
        select(WebhookEvent.id)
        .where(WebhookEvent.state == "received", WebhookEvent.next_attempt_at <= clock.now() - longer_than)
        .order_by(WebhookEvent.next_attempt_at)
        .limit(limit)
    )
    return db.session.scalars(query).all()


def pause_after(attempts: int) -> timedelta:
    """How long an event rests after so many failures: 5 s, doubled each time, at most 15 minutes."""
    return min(FIRST_PAUSE * int(2 ** (attempts - 1)), LONGEST_PAUSE)


def _handled(event: WebhookEvent, *answer: Any) -> str | None:
    event_type, data = _read(event.body)
    handler = HANDLERS.get(event_type) if isinstance(event_type, str) else None
    if handler is None:
        raise Ignored(UNUSED.get(str(event_type), "We don't use events of this type."))
    if not isinstance(data, dict):
        message = "Its data is not an object."
        raise Unreadable(message)
    return handler(data, *answer)


def _read(body: bytes) -> tuple[Any, Any]:
    try:
        payload = json.loads(body)
        return payload["type"], payload["data"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message = "The body is not a JSON object with a type and data."
        raise Unreadable(message) from None


def _close(event: WebhookEvent, state: str, reason: str | None) -> None:
    event.state, event.processed_at = state, clock.now()
    event.reason = _storable(reason) if reason else None
    event.attempts += 1


def postpone(event_id: int, reason: str) -> None:
    """Handle the event later: what it needs could not be had."""
    query = select(WebhookEvent).where(WebhookEvent.id == event_id, WebhookEvent.state == "received")
    event = db.session.scalar(query.with_for_update(skip_locked=True))
    if event is not None:
        _postpone(event, reason)


def replay(event_id: int) -> WebhookEvent:
    """Handle an event once more, as if it had just come: its effects know whether they were had. Raises NotFound."""
    event = db.session.get(WebhookEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        message = "There is no such event."
        raise NotFound(message)
    event.state, event.attempts, event.reason, event.processed_at = "received", 0, None, None
    event.next_attempt_at = clock.now()
    jobqueue.ring_after_commit("handle_webhook", event.id)
    return event


def _postpone(event: WebhookEvent, reason: str) -> None:
    event.attempts += 1
    event.reason = _storable(reason)
    if event.attempts >= ATTEMPTS_LIMIT:
        event.state, event.processed_at = "dead", clock.now()
    else:
        event.next_attempt_at = clock.now() + pause_after(event.attempts)


def _storable(reason: str) -> str:
    # An error may quote what no database takes: halves of characters, or NUL.
    return reason.encode("utf-8", "replace").decode().replace("\0", "?")[:LONGEST_REASON]


def _type_of(body: bytes) -> str | None:
    """The event's type, for lists; the handler reads it again."""
    try:
        event_type = json.loads(body)["type"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(event_type, str) or not event_type.isprintable() or not event_type.isascii():
        return None
    return event_type[:LONGEST_TYPE]
