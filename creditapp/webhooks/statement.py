"""The inbox, read: for the operator."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from creditapp.db import LARGEST_ID, db
from creditapp.errors import NotFound
from creditapp.webhooks.models import WebhookEvent


def counts() -> Counter[str]:
    """How many events are in each state."""
    query = select(WebhookEvent.state, func.count()).group_by(WebhookEvent.state)
    return Counter(dict(db.session.execute(query).all()))


def page(limit: int, *, state: str | None = None, before: int | None = None) -> Sequence[WebhookEvent]:
    """Events, newest first, without their bodies; *before* is the id at which the page before ended."""
    query = select(WebhookEvent).options(defer(WebhookEvent.body, raiseload=True))
    if state is not None:
        query = query.where(WebhookEvent.state == state)
    if before is not None:
        query = query.where(WebhookEvent.id < before)
    return db.session.scalars(query.order_by(WebhookEvent.id.desc()).limit(limit)).all()


def event(event_id: int) -> WebhookEvent:
    """One event, whole. Raises NotFound."""
    found = db.session.get(WebhookEvent, min(event_id, LARGEST_ID), populate_existing=True)
    if found is None:
        message = "There is no such event."
        raise NotFound(message)
    return found


def event_named(webhook_id: str) -> WebhookEvent:
    """The event that Polar delivered under this ``webhook-id``. Raises NotFound."""
    found = db.session.scalar(select(WebhookEvent).where(WebhookEvent.webhook_id == webhook_id))
    if found is None:
        message = "There is no such event."
        raise NotFound(message)
    return found
