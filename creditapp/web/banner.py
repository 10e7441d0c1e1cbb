"""The one banner of the overview: what could be said, and which of it is the most urgent. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from creditapp import alerts, ledger
from creditapp.letters.render import credits
from creditapp.web.level import Level
from creditapp.web.movements import lasting

# The most urgent first.
URGENCY = ("needs_customer", "declined", "debt", "run_out", "low", "expiring", "cap")
LOW = frozenset({"warning", "critical"})


@dataclass(frozen=True, slots=True)
class Banner:
    """One sentence and one action; ``kind`` is one of URGENCY. ``role`` is what a screen reader makes of it."""

    kind: str
    heading: str
    sentence: str
    button: str
    endpoint: str
    values: dict[str, Any] = field(default_factory=dict)
    tone: str = "bad"
    role: str = "alert"


@dataclass(frozen=True, slots=True)
class Expiring:
    """Credits that fall due within days, the lot they belong to, and when."""

    credits: Decimal
    credit_transaction_id: int
    expires_at: datetime
    in_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a banner is decided by: the balance in numbers and words, and the alerts that stand."""

    balance: ledger.Balance
    level: Level
    threshold: Decimal
    lasts_days: int | None
    expiring: Expiring | None
    standing: Sequence[alerts.Standing]
    zone: ZoneInfo


def banner_of(situation: Situation) -> Banner | None:
    """The most urgent of what could be said; None where nothing is."""
    return most_urgent([*_recharge(situation), *_balance(situation), *_expiry(situation), *_cap(situation)])


def most_urgent(candidates: Sequence[Banner]) -> Banner | None:
    """The first of them in the order of URGENCY."""
    return min(candidates, key=lambda one: URGENCY.index(one.kind), default=None)


def _recharge(situation: Situation) -> list[Banner]:
    found = []
    for alert in situation.standing:
        why = alert.details.get("why")
        if alert.alert_type == "auto_recharge_failed" and why in URGENCY:
            said = alerts.words_of(alert.alert_type, alert.details)
            found.append(Banner(why, said.heading, said.reason, said.button, "recharge.index"))
    return found


def _balance(situation: Situation) -> list[Banner]:
    """Debt and nothing left bar every charge, and are said until they are over; low is quiet once it was seen."""
    balance, buy = situation.balance, "packages.index"
    if balance.debt > 0:
        heading = f"You owe {credits(balance.debt)} credits"
        why = "New charges are refused until they are repaid. The next credits you add repay them first."
        return [Banner("debt", heading, why, "Repay with a package", buy)]
    if balance.available <= 0:
        why = "New charges are refused until you add some."
        if balance.reserved:
            why = f"{credits(balance.reserved)} are held for running work, which goes on. {why}"
        return [Banner("run_out", "No credits are left", why, "Choose a package", buy)]
    if said := _too_few(situation):
        return [Banner("run_out", said.heading, said.reason, said.button, buy)]
    is_new = balance.total_consumed <= 0
    if situation.level.word not in LOW or is_new or _was_seen(situation, "low_balance"):
        return []
    heading = f"{credits(balance.available)} credits left"
    if situation.lasts_days is not None:
        heading += f", {lasting(situation.lasts_days, roughly='about')}"
    why = f"You are at or below {credits(situation.threshold)}, where we call it low. At 0 new charges are refused."
    return [Banner("low", heading, why, "Choose a package", buy, tone="warn", role="status")]


def _too_few(situation: Situation) -> alerts.Words | None:
    """That a charge was refused which would be again; None where that was seen, or enough is left for it now."""
    available = situation.balance.available
    for alert in situation.standing:
        if alert.open and available < Decimal(alert.details.get("needed", 0)):
            return alerts.words_of(alert.alert_type, {**alert.details, "available": str(available)})
    return None


def _expiry(situation: Situation) -> list[Banner]:
    found = situation.expiring
    if found is None or _was_seen(situation, "credits_expiring"):
        return []
    when = "today" if found.in_days <= 0 else "tomorrow" if found.in_days == 1 else f"in {found.in_days} days"
    there = found.expires_at.astimezone(situation.zone)
    why = f"They are spent before all others. What is left of them on {there.day} {there:%b %Y, %H:%M} lapses."
    values = {"transaction_id": found.credit_transaction_id}
    heading = f"{credits(found.credits)} credits expire {when}"
    return [Banner("expiring", heading, why, "See these credits", "transactions.show", values, "", "status")]


def _cap(situation: Situation) -> list[Banner]:
    return [
        Banner("cap", said.heading, said.reason, said.button, "recharge.index", tone="warn", role="status")
        for alert in situation.standing
        if alert.alert_type == "recharge_cap" and alert.open
        for said in (alerts.words_of(alert.alert_type, alert.details),)
    ]


def _was_seen(situation: Situation, alert_type: str) -> bool:
    """Whether everything that stands of this type was acknowledged or dismissed: then it need not be said again."""
    there = [alert for alert in situation.standing if alert.alert_type == alert_type]
    return bool(there) and not any(alert.open for alert in there)
