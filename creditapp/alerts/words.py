"""Alerts as people read them, on pages and in letters alike: the number, the reason, one thing to do. Pure.

Each reads the facts that were kept with the alert, so that it says later what it said first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from creditapp.alerts import rules
from creditapp.letters.render import credits, money

BUY, USAGE, RECHARGE = (
    "/credits/packages",
    "/credits/usage?period=last_24_hours&by=key",
    "/credits/settings/auto_recharge",
)
AT_ZERO = "At 0 new charges are refused."
TONES: Mapping[str, str] = {
    "low_balance": "warn",
    "zero_balance": "bad",
    "debt": "bad",
    "auto_recharge_failed": "bad",
    "high_usage": "warn",
    "runway": "warn",
    "recharge_cap": "warn",
}
# What an alert is called where several kinds stand together.
NAMES: Mapping[str, str] = {
    "low_balance": "Low balance",
    "zero_balance": "Out of credits",
    "high_usage": "Unusual use",
    "runway": "Runway",
    "credits_expiring": "Credits expiring",
    "auto_recharge_failed": "Auto-recharge",
    "recharge_cap": "Monthly limit",
    "debt": "Debt",
}

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """*number* and what it counts, the reason, the *button* and where it leads, and what makes it news *again*."""

    number: str
    unit: str
    reason: str
    button: str
    path: str
    again: str = ""

    @property
    def heading(self) -> str:
        """Number and unit in one."""
        return f"{self.number} {self.unit}".strip()


def words_of(alert_type: str, facts: Facts) -> Words:
    """What an alert of this type says by its facts."""
    return _SAYS[alert_type](facts)


def on_day(day: date) -> str:
    """A day as people write it."""
    return f"{day.day} {day:%b %Y}"


def days(number: Decimal | int | str) -> str:
    """1 day, 2 days."""
    return f"{credits(number)} day" if Decimal(number) == 1 else f"{credits(number)} days"


def _low(facts: Facts) -> Words:
    if "share" in facts:
        came = "you bought last" if facts["bought"] else "that came in last"
        reason = f"That is at or below {credits(facts['share'])} % of the {credits(facts['last_in'])} credits {came}."
    else:
        reason = f"The alert is set to {credits(facts['level'])} or below."
    return Words(
        number=credits(facts["available"]),
        unit=_credits(facts["available"], "left"),
        reason=f"{reason} {AT_ZERO}",
        button="Buy credits",
        path=BUY,
        again=_again(Decimal(facts["level"]) * rules.BEYOND),
    )


def _zero(facts: Facts) -> Words:
    if "needed" in facts:
        return _too_few(facts)
    held = Decimal(facts["reserved"])
    reason = "New charges are refused until you add some."
    if held:
        reason = f"{credits(held)} are held for running work, which goes on. {reason}"
    return Words("0", "credits left", reason, "Choose a package", BUY, _again(Decimal(facts["rearms_above"])))


def _too_few(facts: Facts) -> Words:
    held = Decimal(facts["reserved"])
    reason = f"It needed {credits(facts['needed'])}. What needs more than is left is refused until you add credits."
    if held:
        reason = f"{reason} {credits(held)} are held for running work, which goes on."
    return Words(
        number=credits(facts["available"]),
        unit=f"{_credits(facts['available'], 'left')}: a charge was refused",
        reason=reason,
        button="Choose a package",
        path=BUY,
        again="The next one comes only after credits came in.",
    )


def _debt(facts: Facts) -> Words:
    return Words(
        number=credits(facts["debt"]),
        unit=_credits(facts["debt"], "owed"),
        reason="New charges are refused until they are repaid. The next credits you add repay them first.",
        button="Repay with a package",
        path=BUY,
    )


def _runway(facts: Facts) -> Words:
    until = on_day(date.fromisoformat(facts["until"]))
    less = Decimal(facts["days"]) < 1
    return Words(
        number="Less than a day" if less else days(facts["days"]),
        unit="left at your pace",
        reason=f"{credits(facts['available'])} credits last until {until}, judged by your last weeks. "
        f"The alert is set to {days(facts['threshold'])} or fewer.",
        button="Buy credits",
        path=BUY,
        again=f"The next one comes only after more than {days(Decimal(facts['threshold']) * rules.BEYOND)} were left.",
    )


def _expiring(facts: Facts) -> Words:
    number, until = int(facts["days"]), on_day(date.fromisoformat(facts["on"]))
    when = {0: "today", 1: "tomorrow"}.get(number, f"in {days(number)}")
    return Words(
        number=credits(facts["credits"]),
        unit=f"{'credit expires' if Decimal(facts['credits']) == 1 else 'credits expire'} {when}",
        reason=f"They are spent before all others. What is left of them on {until} lapses.",
        button="See these credits",
        path=f"/credits/{facts['transaction_id']}",
        again=f"Each day on which credits expire is told once, {days(facts['threshold'])} ahead.",
    )


def _high(facts: Facts) -> Words:
    whose = f" by the key {facts['key']}" if facts.get("key") else ""
    if "usual" in facts:
        reason = (
            f"That is {credits(facts['times'])} times the {credits(facts['usual'])} of a usual day, the median of the "
            f"last {facts['known']} days. The alert is set to more than {credits(facts['threshold'])} times."
        )
        if facts.get("mostly"):
            reason += f" Most of it by the key {facts['mostly']}."
    else:
        reason = f"The alert is set to more than {credits(facts['threshold'])} a day."
    return Words(
        number=credits(facts["used"]),
        unit=f"{_credits(facts['used'], 'used')} on {on_day(date.fromisoformat(facts['on']))}{whose}",
        reason=reason,
        button="See what was used",
        path=USAGE,
        again="The next one comes only after a quiet day.",
    )


def _cap(facts: Facts) -> Words:
    spent, cap = (money(facts[name], facts["currency"]) for name in ("spent_cents", "cap_cents"))
    begins = on_day(date.fromisoformat(facts["again_on"]))
    if facts["reached"]:
        reason = (
            f"The next recharge would pass it. Nothing more is recharged until {begins}, unless you raise the limit."
        )
    else:
        reason = f"When it is reached, nothing more is recharged until {begins}."
    return Words(spent, f"of your monthly limit of {cap} are spent", reason, "See auto-recharge", RECHARGE)


def _recharge(facts: Facts) -> Words:
    heading = {
        "declined": "Auto-recharge is switched off",
        "declined_once": "A recharge was declined",
        "no_card": "Auto-recharge needs a card",
        "unavailable": "Auto-recharge is not possible now",
        "not_enough": "Auto-recharge can't keep up",
    }.get(facts["why"], "Auto-recharge needs you")
    button = {
        "declined": "Use another card",
        "declined_once": "Use another card",
        "no_card": "Save a card",
        "not_enough": "Choose a larger package",
    }.get(facts["why"], "See what to do")
    came = {
        "no_card": " Credits fell to your threshold, and none were bought.",
        "unavailable": " Credits fell to your threshold, and none were bought.",
        "not_enough": "",
    }.get(facts["why"], " Nothing was charged.")
    return Words("", heading, f"{facts['reason']}{came}", button, RECHARGE)


def _credits(number: Decimal | str, what: str) -> str:
    return f"{'credit' if Decimal(number) == 1 else 'credits'} {what}"


def _again(above: Decimal) -> str:
    return f"The next one comes only after more than {credits(above)} were available."


_SAYS: Mapping[str, Callable[[Facts], Words]] = {
    "low_balance": _low,
    "zero_balance": _zero,
    "high_usage": _high,
    "runway": _runway,
    "credits_expiring": _expiring,
    "auto_recharge_failed": _recharge,
    "recharge_cap": _cap,
    "debt": _debt,
}
