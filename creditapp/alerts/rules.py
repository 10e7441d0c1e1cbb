"""When an alert fires, and when it is armed again: pure rules, no database and no clock.

Each fires on a crossing and not while things stay as they are; it is armed again only by a recovery of a tenth beyond
its threshold, so that hovering around it tells nothing twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from statistics import median
from typing import Literal

BEYOND = Decimal("1.1")
TENTH = Decimal("0.1")
HUNDRED = Decimal(100)
MILLIONTH = Decimal("0.000001")  # the smallest part of a credit
NOTHING = Decimal(0)
USUAL_DAYS = 14
ENOUGH_DAYS = 7  # so many complete days must be known before anything is called unusual
LEAST_SPIKE = Decimal(10)  # below it nobody wants to hear of a day, however quiet the others were

Verdict = Literal["fires", "recovers", "stays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of rule: the alert it raises, and which thresholds it takes (none where ``most`` is 0).

    ``optional``: whether its owner may switch it off. ``unusual``: whether the operator sees its alerts too.
    """

    alert_type: str
    least: Decimal = NOTHING
    most: Decimal = NOTHING
    whole: bool = True
    optional: bool = True
    unusual: bool = False


LARGEST = Decimal(1_000_000_000)
KINDS: Mapping[str, Kind] = {
    "balance": Kind(alert_type="low_balance", least=Decimal(1), most=LARGEST, whole=False),
    "share": Kind(alert_type="low_balance", least=Decimal(1), most=Decimal(99)),
    "run_out": Kind(alert_type="zero_balance"),
    "runway": Kind(alert_type="runway", least=Decimal(1), most=Decimal(365)),
    "expiring": Kind(alert_type="credits_expiring", least=Decimal(1), most=Decimal(365)),
    "spike": Kind(alert_type="high_usage", least=Decimal("1.5"), most=HUNDRED, whole=False, unusual=True),
    "daily_spend": Kind(alert_type="high_usage", least=Decimal(1), most=LARGEST, whole=False, unusual=True),
    "cap": Kind(alert_type="recharge_cap", least=Decimal(1), most=HUNDRED),
    "recharge_failed": Kind(alert_type="auto_recharge_failed", optional=False),
    "debt": Kind(alert_type="debt", optional=False),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a rule about the balance fires, and above what it is armed again, in credits."""

    fires_at: Decimal
    rearms_above: Decimal


@dataclass(frozen=True, slots=True)
class Spike:
    """A day unlike the others: so many *times* the *usual* one, which is the median of so many complete *days*."""

    usual: Decimal
    times: Decimal
    days: int


def marks(kind: str, threshold: Decimal, last_in: Decimal | None) -> Marks | None:
    """The marks of a rule about the balance, to the millionth; None where there is nothing yet to take its share of.

    *last_in* is what came in last. Having run out is over with the first credit, but only a tenth of what came in last
    arms it again: a single credit given back at zero is no news.
    """
    match kind:
        case "balance":
            return _exactly(threshold, threshold * BEYOND)
        case "share" if last_in is not None:
            level = last_in * threshold / HUNDRED
            return _exactly(level, level * BEYOND)
        case "run_out":
            return _exactly(NOTHING, (last_in or NOTHING) * TENTH)
        case _:
            return None


def falling(reading: Decimal, found: Marks, *, armed: bool) -> Verdict:
    """What a number does that fires when it falls to its mark."""
    if armed and reading <= found.fires_at:
        return "fires"
    return "recovers" if not armed and reading > found.rearms_above else "stays"


def rising(reading: Decimal, threshold: Decimal, *, armed: bool) -> Verdict:
    """What a number does that fires when it rises to its threshold."""
    if armed and reading >= threshold:
        return "fires"
    return "recovers" if not armed and reading * BEYOND < threshold else "stays"


def spike(today: Decimal, before: Sequence[Decimal], factor: Decimal) -> Spike | None:
    """Whether *today* is more than *factor* times the usual day; None also where too few days are known to say so."""
    known = before[-USUAL_DAYS:]
    if len(known) < ENOUGH_DAYS or today < LEAST_SPIKE:
        return None
    usual = median(known)
    if usual <= 0 or today <= usual * factor:
        return None
    return Spike(usual, (today / usual).quantize(TENTH), len(known))


def was_quiet(by_day: Mapping[date, Decimal], *, after: date, before: date, level: Decimal) -> bool:
    """Whether a whole day between the two stayed a tenth below *level*: then the next day above it is news again."""
    return any(after < on < before and used * BEYOND <= level for on, used in by_day.items())


def window(days_left: int, windows: Collection[Decimal]) -> Decimal | None:
    """The narrowest of the *windows*, in days, into which an expiry in so many days falls; None beyond all."""
    return min((wide for wide in windows if days_left <= wide), default=None)


def _exactly(fires_at: Decimal, rearms_above: Decimal) -> Marks:
    """No balance lies between two millionths: rounded down, the marks part the same balances."""
    return Marks(fires_at.quantize(MILLIONTH, ROUND_FLOOR), rearms_above.quantize(MILLIONTH, ROUND_FLOOR))
