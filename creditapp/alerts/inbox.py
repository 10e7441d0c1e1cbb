"""The alerts of an account as its people see them, and the unusual ones of all accounts as the operator does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from creditapp import identity, ledger
from creditapp.alerts.models import CreditAlert
from creditapp.db import LARGEST_ID, db
from creditapp.errors import NotFound


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert whose cause is not over, as a banner needs it. ``open``: nobody acknowledged or dismissed it yet."""

    id: int
    alert_type: str
    open: bool
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unusual:
    """Unusual use of an account, for the seller's staff."""

    alert: CreditAlert
    email: str


def standing_of(account_id: int) -> tuple[Standing, ...]:
    """What stands, in one small read; the newest first."""
    rows = db.session.execute(
        select(CreditAlert.id, CreditAlert.alert_type, CreditAlert.status, CreditAlert.details)
        .where(CreditAlert.account_id == account_id, CreditAlert.resolved_at.is_(None))
        .order_by(CreditAlert.id.desc())
    )
    return tuple(Standing(row.id, row.alert_type, row.status == "active", row.details) for row in rows)


def page(account_id: int, limit: int, *, before: int | None = None) -> Sequence[CreditAlert]:
    """The account's alerts, newest first."""
    query = select(CreditAlert).where(CreditAlert.account_id == account_id)
    if before is not None:
        query = query.where(CreditAlert.id < min(before, LARGEST_ID))
    return db.session.scalars(query.order_by(CreditAlert.id.desc()).limit(limit)).all()


def acknowledge(account_id: int, alert_id: int) -> CreditAlert:
    """Somebody saw it and looks into it. Raises NotFound, for another's alert too."""
    return _marked(account_id, alert_id, "acknowledged", {"active"})


def dismiss(account_id: int, alert_id: int) -> CreditAlert:
    """Nobody wants to hear of it any more. Raises NotFound, for another's alert too."""
    return _marked(account_id, alert_id, "dismissed", {"active", "acknowledged"})


def unusual(limit: int, *, before: int | None = None) -> list[Unusual]:
    """Unusual use that is not over, of every account, newest first, whatever its people did with the alert."""
    query = select(CreditAlert).where(CreditAlert.alert_type == "high_usage", CreditAlert.resolved_at.is_(None))
    if before is not None:
        query = query.where(CreditAlert.id < min(before, LARGEST_ID))
    alerts = db.session.scalars(query.order_by(CreditAlert.id.desc()).limit(limit)).all()
    return [Unusual(alert, identity.owner_of(alert.account_id).email) for alert in alerts]


def _marked(account_id: int, alert_id: int, status: str, marked: set[str]) -> CreditAlert:
    ledger.lock(account_id)
    alert = db.session.get(CreditAlert, min(alert_id, LARGEST_ID), populate_existing=True)
    if alert is None or alert.account_id != account_id:
        message = "There is no such alert."
        raise NotFound(message)
    if alert.status in marked:
        alert.status = status
    db.session.flush()
    return alert
