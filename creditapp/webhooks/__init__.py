"""What Polar tells us: an inbox of signed deliveries, and what each does.

Invariants: a delivery is acknowledged only after its row is committed; it has its effect once, however often it
comes; every outcome has its reason; nothing signed is lost, even if it can't be read.
"""

from creditapp.webhooks.handlers import SUBSCRIPTION
from creditapp.webhooks.inbox import ask, handle, pause_after, postpone, receive, replay, waiting
from creditapp.webhooks.models import EVENT_STATES, WebhookEvent
from creditapp.webhooks.statement import counts, event, event_named, page

__all__ = [
    "EVENT_STATES",
    "SUBSCRIPTION",
    "WebhookEvent",
    "ask",
    "counts",
    "event",
    "event_named",
    "handle",
    "page",
    "pause_after",
    "postpone",
    "receive",
    "replay",
    "waiting",
]
