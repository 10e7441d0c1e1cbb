"""The balance as one bar, in percent of its width: pure geometry, so that no style attribute is needed."""

from dataclasses import dataclass
from decimal import Decimal

GAP = Decimal("0.3")
NARROWEST = Decimal("0.5")  # what is there must be seen
LABEL_TURNS = Decimal(25)  # from here on the tick's label stands to its left, so that both labels fit on a phone
THRESHOLDS_SHOWN = 2  # the bar reaches at least to twice the threshold, so that its tick is never at the end


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the bar: ``free``, ``expiring`` or ``held``; where it begins and how wide it is, in percent."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """The bar: its pieces from the left, the threshold's tick, and the highest balance where the bar ends with it."""

    segments: tuple[Segment, ...]
    tick: str
    tick_label_left: bool
    highest: Decimal | None


def gauge(*, available: Decimal, expiring: Decimal, reserved: Decimal, threshold: Decimal, highest: Decimal) -> Gauge:
    """The bar of a balance; *expiring* is the part of what is available that soon falls due."""
    soon = min(expiring, available)
    total = max(highest, available + reserved, threshold * THRESHOLDS_SHOWN, Decimal(1))
    segments: list[Segment] = []
    at = Decimal(0)
    for kind, credits in (("free", available - soon), ("expiring", soon), ("held", reserved)):
        if credits > 0:
            width = max(credits / total * 100, NARROWEST)
            end = min(at + width, Decimal(100))
            segments.append(Segment(kind, percent(at), percent(max(end - at - GAP, NARROWEST))))
            at = end
    tick = threshold / total * 100
    return Gauge(tuple(segments), percent(tick), tick >= LABEL_TURNS, total if total == highest else None)


def percent(value: Decimal) -> str:
    """A length for SVG: hundredths of a percent."""
    return f"{value:.2f}%"
