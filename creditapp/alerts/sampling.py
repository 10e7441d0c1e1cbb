"""What an alert would say, were it raised now: for the letter that somebody asks for to see whether it arrives."""

import secrets
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from creditapp import clock, identity, ledger
from creditapp.alerts.choosing import last_in, rule_named
from creditapp.alerts.models import AlertRule
from creditapp.alerts.raising import write_letter
from creditapp.alerts.rules import BEYOND, HUNDRED, KINDS, TENTH, USUAL_DAYS

USUAL = Decimal(100)
CAP_CENTS = 20_000
DAY = timedelta(days=1)


def send_test(account_id: int, rule_id: int) -> None:
    """Write a letter as this rule would, marked as a test. Raises NotFound, for another's rule too."""
    rule = rule_named(account_id, rule_id)
    alert_type = KINDS[rule.kind].alert_type
    key = f"alert-test:{rule.id}:{secrets.token_hex(8)}"
    write_letter(account_id, alert_type, _SAMPLES[rule.kind](rule), key=key, test=True)


def _balance(rule: AlertRule) -> dict[str, Any]:
    return {"available": str(rule.threshold), "level": str(rule.threshold)}


def _share(rule: AlertRule) -> dict[str, Any]:
    amount, bought = last_in(rule.account_id) or (USUAL, False)
    level = str(amount * rule.threshold / HUNDRED)
    return {"available": level, "level": level, "share": str(rule.threshold), "last_in": str(amount), "bought": bought}


def _run_out(rule: AlertRule) -> dict[str, Any]:
    amount, _ = last_in(rule.account_id) or (USUAL, False)
    return {"reserved": "0", "rearms_above": str(amount * TENTH)}


def _debt(_rule: AlertRule) -> dict[str, Any]:
    return {"debt": str(USUAL)}


def _runway(rule: AlertRule) -> dict[str, Any]:
    until = _today(rule) + int(rule.threshold) * DAY
    available = ledger.balance(rule.account_id).available
    return {
        "days": str(rule.threshold),
        "until": until.isoformat(),
        "available": str(available),
        "threshold": str(rule.threshold),
    }


def _expiring(rule: AlertRule) -> dict[str, Any]:
    on = _today(rule) + int(rule.threshold) * DAY
    newest = ledger.entries(rule.account_id, limit=1)
    return {
        "credits": str(USUAL),
        "on": on.isoformat(),
        "days": int(rule.threshold),
        "threshold": str(rule.threshold),
        "transaction_id": newest[0].id if newest else "history",
    }


def _spike(rule: AlertRule) -> dict[str, Any]:
    used = USUAL * rule.threshold * BEYOND
    times = (used / USUAL).quantize(TENTH)
    facts = {"usual": str(USUAL), "times": str(times), "known": str(USUAL_DAYS)}
    return _used(rule, used) | facts


def _daily_spend(rule: AlertRule) -> dict[str, Any]:
    names = {key.id: key.name for key in identity.keys_of(rule.account_id)}
    facts = _used(rule, rule.threshold + 1)
    return facts if rule.api_key_id is None else facts | {"key": names.get(rule.api_key_id, "")}


def _cap(rule: AlertRule) -> dict[str, Any]:
    today = _today(rule)
    return {
        "spent_cents": int(CAP_CENTS * rule.threshold / HUNDRED),
        "cap_cents": CAP_CENTS,
        "currency": "usd",
        "again_on": (today.replace(day=1) + 32 * DAY).replace(day=1).isoformat(),
        "reached": rule.threshold == HUNDRED,
    }


def _recharge_failed(_rule: AlertRule) -> dict[str, Any]:
    return {"why": "no_card", "reason": "No card is saved yet."}


def _used(rule: AlertRule, used: Decimal) -> dict[str, Any]:
    return {"used": str(used), "on": _today(rule).isoformat(), "threshold": str(rule.threshold)}


def _today(rule: AlertRule) -> date:
    zone = ledger.lock(rule.account_id).time_zone
    return clock.now().astimezone(ZoneInfo(zone)).date()


_SAMPLES: Mapping[str, Callable[[AlertRule], dict[str, Any]]] = {
    "balance": _balance,
    "share": _share,
    "run_out": _run_out,
    "debt": _debt,
    "runway": _runway,
    "expiring": _expiring,
    "spike": _spike,
    "daily_spend": _daily_spend,
    "cap": _cap,
    "recharge_failed": _recharge_failed,
}
