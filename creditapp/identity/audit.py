"""What the seller's staff did, and why: written beside the deed, never changed."""

from typing import Any

from creditapp import clock
from creditapp.db import db
from creditapp.identity.models import AuditEvent


def record(actor: str, action: str, *, account_id: int | None = None, reason: str, **details: Any) -> None:
    """Write down that *actor* did *action*."""
    db.session.add(
        AuditEvent(actor=actor, action=action, account_id=account_id, reason=reason, details=details, at=clock.now())
    )
