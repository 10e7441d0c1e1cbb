"""How much is left, in a word and a colour: pure."""

from dataclasses import dataclass
from decimal import Decimal

from creditapp.letters.render import credits

HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Level:
    """``word`` is one of normal, moderate, warning, critical; the sentence says it, the tone colours it."""

    word: str
    sentence: str
    tone: str
    symbol: str


def level(available: Decimal, debt: Decimal, threshold: Decimal) -> Level:
    """The level of what is available: critical up to half of *threshold*, warning up to it, moderate up to twice."""
    if debt > 0:
        return _critical("you owe credits")
    if available <= 0:
        return _critical("nothing left to spend")
    if available <= threshold * HALF:
        return _critical(f"{credits(threshold * HALF)} or less")
    if available <= threshold:
        return Level("warning", f"Warning: {credits(threshold)} or less", "warn", "triangle-alert")
    if available <= threshold * 2:
        return Level("moderate", f"Moderate: {credits(threshold * 2)} or less", "accent", "info")
    return Level("normal", "Normal", "ok", "circle-check")


def _critical(why: str) -> Level:
    return Level("critical", f"Critical: {why}", "bad", "octagon-alert")
