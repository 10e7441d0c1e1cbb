"""What changes with time and not only with a charge: runway, use a day, credits that expire, the month's limit.

What was used is told from outside, since statistics stand above alerts; the rest is read here, under the lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from creditapp import clock, ledger
from creditapp.alerts import raising
from creditapp.alerts.choosing import rules_of
from creditapp.alerts.models import AlertRule, AlertWatch, CreditAlert
from creditapp.alerts.rules import BEYOND, HUNDRED, Marks, falling, rising, spike, was_quiet, window
from creditapp.db import db

BUSY_LOOK, IDLE_LOOK = timedelta(minutes=10), timedelta(hours=6)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Runway:
    """Nothing is left after so many days, on that day."""

    days: Decimal
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was used, and what is to come, seen on *today* in the account's zone.

    ``runway`` is None where no pace is known; ``used`` has the account's use by day under None, and that of each key
    under its id: every day since its first use, at most some weeks, today included.
    """

    today: date
    runway: Runway | None = None
    used: Mapping[int | None, Mapping[date, Decimal]] = field(default_factory=dict)
    key_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """What automatic recharges cost this month, of how much; ``reached``: the next one would pass it."""

    spent_cents: int
    cap_cents: int
    currency: str
    again_on: date
    reached: bool


def measure(account_id: int, reading: Reading) -> None:
    """Raise what this reading calls for, resolve what is over, and note that the account was looked at."""
    account = ledger.lock(account_id)
    rules, standing = rules_of(account_id), raising.standing(account_id)
    db.session.get_one(AlertWatch, account_id).looked_at = clock.now()
    _expiring([rule for rule in rules if rule.kind == "expiring"], ZoneInfo(account.time_zone), standing)
    for rule in rules:
        there = {alert.subject: alert for alert in standing if alert.rule_id == rule.id}
        if not rule.enabled:
            continue
        if rule.kind == "runway" and reading.runway is not None:
            _runway(rule, reading.runway, list(there.values()))
        elif rule.kind == "daily_spend":
            _day(rule, reading, rule.api_key_id, there)
        elif rule.kind == "spike" and not _day(rule, reading, None, there):
            for key_id in reading.key_names:  # one of them may be unlike itself though the account as a whole is not
                _day(rule, reading, key_id, there)
    db.session.flush()


def consider_cap(account_id: int, cap: Cap | None) -> None:
    """Tell how far the month's limit is used up; one jump over several thresholds once, by the highest of them."""
    ledger.lock(account_id)
    crossed: list[AlertRule] = []
    standing = raising.standing(account_id)
    share = NOTHING if cap is None else Decimal(cap.spent_cents) * HUNDRED / cap.cap_cents
    share = HUNDRED if cap is not None and cap.reached else share
    for rule in rules_of(account_id):
        if rule.kind != "cap":
            continue
        verdict = rising(share, rule.threshold, armed=rule.armed and rule.enabled)
        if verdict != "stays":
            rule.armed = verdict == "recovers"
            raising.resolve([alert for alert in standing if alert.rule_id == rule.id])
        if verdict == "fires":
            crossed.append(rule)
    if crossed and cap is not None:
        raising.resolve([alert for alert in raising.standing(account_id) if alert.alert_type == "recharge_cap"])
        facts = {
            "spent_cents": cap.spent_cents,
            "cap_cents": cap.cap_cents,
            "currency": cap.currency,
            "again_on": cap.again_on.isoformat(),
            "reached": cap.reached or cap.spent_cents >= cap.cap_cents,
        }
        raising.raised(max(crossed, key=lambda rule: rule.threshold), facts)
    db.session.flush()


def unmeasured_accounts(limit: int) -> Sequence[int]:
    """Accounts to look at again: after some minutes where something moved, else a few times a day.

    Those come first that have waited longest, so that none is left out where there are more than can be looked at.
    """
    now, account = clock.now(), ledger.Account
    query = (
        select(account.id)
        .outerjoin(AlertWatch, AlertWatch.account_id == account.id)
        .where(
            or_(
                AlertWatch.looked_at.is_(None),
                (AlertWatch.looked_at <= now - BUSY_LOOK) & (account.updated_at > AlertWatch.looked_at),
                AlertWatch.looked_at <= now - IDLE_LOOK,
            )
        )
        .order_by(AlertWatch.looked_at.nulls_first())
        .limit(limit)
    )
    return db.session.scalars(query).all()


def _runway(rule: AlertRule, runway: Runway, there: Sequence[CreditAlert]) -> None:
    verdict = falling(runway.days, Marks(rule.threshold, rule.threshold * BEYOND), armed=rule.armed)
    if verdict == "stays":
        return
    rule.armed = verdict == "recovers"
    raising.resolve(there)
    if verdict == "fires":
        facts = {
            "days": str(runway.days),
            "until": runway.until.isoformat(),
            "available": str(ledger.balance(rule.account_id).available),
            "threshold": str(rule.threshold),
        }
        raising.raised(rule, facts)


def _day(rule: AlertRule, reading: Reading, key_id: int | None, there: Mapping[str, CreditAlert]) -> bool:
    """Look at today's use, of the account or of one key; whether an alert of it stands, until a quiet day ends it."""
    subject = f"key:{key_id}" if rule.kind == "spike" and key_id is not None else ""
    by_day = reading.used.get(key_id, {})
    old = there.get(subject)
    if old is not None:
        fired_on, level = date.fromisoformat(old.details["on"]), Decimal(old.details["level"])
        if not was_quiet(by_day, after=fired_on, before=reading.today, level=level):
            return True
        raising.resolve([old])
    used = by_day.get(reading.today, NOTHING)
    facts = {"used": str(used), "on": reading.today.isoformat(), "threshold": str(rule.threshold)}
    if rule.kind == "spike":
        found = spike(used, [by_day[on] for on in sorted(by_day) if on < reading.today], rule.threshold)
        if found is None:
            return False
        level = found.usual * rule.threshold
        facts |= {"usual": str(found.usual), "times": str(found.times), "known": str(found.days)}
    elif used > rule.threshold:
        level = rule.threshold
    else:
        return False
    facts["level"] = str(level)
    if key_id is not None:
        facts["key"] = reading.key_names.get(key_id, str(key_id))
    elif mostly := _most_of(used, reading):
        facts["mostly"] = mostly
    raising.raised(rule, facts, subject=subject, api_key_id=key_id)
    return True


def _most_of(used: Decimal, reading: Reading) -> str | None:
    """The key that used more than half of it today, where there is one."""
    for key_id, by_day in reading.used.items():
        if key_id in reading.key_names and by_day.get(reading.today, NOTHING) * 2 > used:
            return reading.key_names[key_id or 0]
    return None


def _expiring(rules: Sequence[AlertRule], zone: ZoneInfo, standing: Sequence[CreditAlert]) -> None:
    """Tell once of each day on which credits expire, when it comes into the narrowest window that holds it."""
    account_id = rules[0].account_id if rules else 0
    today = clock.now().astimezone(zone).date()
    lots: dict[date, list[ledger.LotLeft]] = {}
    for lot in ledger.lots_left(account_id) if rules else ():
        if lot.expires_at is not None and lot.remaining > 0:
            lots.setdefault(lot.expires_at.astimezone(zone).date(), []).append(lot)
    left = {on.isoformat() for on in lots}
    ours = [alert for alert in standing if alert.alert_type == "credits_expiring"]
    raising.resolve([alert for alert in ours if alert.subject not in left])
    by_width = {rule.threshold: rule for rule in rules if rule.enabled}
    for on, there in sorted(lots.items()):
        wide = window((on - today).days, by_width)
        if wide is None or _was_told(by_width[wide], on):
            continue
        raising.resolve([alert for alert in ours if alert.subject == on.isoformat() and alert.resolved_at is None])
        facts = {
            "credits": str(sum((lot.remaining for lot in there), NOTHING)),
            "on": on.isoformat(),
            "days": (on - today).days,
            "threshold": str(wide),
            "transaction_id": there[0].credit_transaction_id,
        }
        raising.raised(by_width[wide], facts, subject=on.isoformat())


def _was_told(rule: AlertRule, on: date) -> bool:
    query = select(CreditAlert.id).where(
        CreditAlert.account_id == rule.account_id,
        CreditAlert.rule_id == rule.id,
        CreditAlert.subject == on.isoformat(),
    )
    return db.session.scalar(query.limit(1)) is not None
