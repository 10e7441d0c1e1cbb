"""The forecast of available credits as a line with a band: pure geometry.

The line is drawn in a square of 100 by 100 that is stretched; what must keep its size stands at percent and pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from creditapp.usage import Outlook, Step
from creditapp.web.chart import BASE, GRID_LINES, PLOT, GridLine, nice_step
from creditapp.web.gauge import percent

SHORTEST_DAYS, LONGEST_DAYS = 28, 180
BEYOND = Decimal("1.25")  # so much more than the runway is shown
LABELS = 4
NEAR = Decimal(30)  # labels within so many percent of the right edge end there
FULL = Decimal(100)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happens on a day; ``right`` where its label must end rather than begin there."""

    x: str
    y: str
    label_y: str
    right: bool
    on: date
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Label:
    """A day under the line. ``anchor``: how its words stand to ``x``."""

    x: str
    on: date
    anchor: str
    wide_only: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Everything the template draws. ``threshold_y`` is where auto-recharge buys, if that is in sight."""

    days: int
    path: str
    band: str
    grid: tuple[GridLine, ...]
    labels: tuple[Label, ...]
    lapses: tuple[Mark, ...]
    end: Mark | None
    threshold_y: str | None


def line(outlook: Outlook, threshold: Decimal | None) -> Line:
    """The line from now on, as far as it matters."""
    end = outlook.runway
    wanted = int(end.days * BEYOND) + 1 if end else LONGEST_DAYS
    days = min(max(wanted, SHORTEST_DAYS), LONGEST_DAYS)
    little, much = outlook.bounds(days)
    step = nice_step(outlook.available)
    scale = _Scale(days, step * GRID_LINES)
    shown = [one for one in outlook.steps if one.days <= days]
    back = " ".join(f"L{scale.point(one)}" for one in reversed(much))
    return Line(
        days=days,
        path=_path(shown, scale),
        band=f"{_path(little, scale)} {back} Z",
        grid=tuple(_grid_line(step * number, scale) for number in range(1, GRID_LINES + 1)),
        labels=tuple(_labels(outlook.today, days)),
        lapses=tuple(_mark(one, one.lapsed, scale) for one in shown if one.lapsed > 0),
        end=_mark(shown[-1], Decimal(0), scale) if shown[-1].left <= 0 else None,
        threshold_y=f"{scale.pixel(threshold):.1f}" if threshold and threshold < step * GRID_LINES else None,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    days: int
    top: Decimal

    def x(self, days: Decimal) -> Decimal:
        return days * FULL / self.days

    def pixel(self, credits: Decimal) -> Decimal:
        return BASE - credits * PLOT / self.top

    def point(self, step: Step) -> str:
        return f"{self.x(step.days):.2f} {FULL - step.left * FULL / self.top:.2f}"


def _path(steps: Sequence[Step], scale: _Scale) -> str:
    """From step to step; what lapses falls straight down."""
    points = []
    for step in steps:
        if step.lapsed:
            points.append(f"{scale.x(step.days):.2f} {FULL - (step.left + step.lapsed) * FULL / scale.top:.2f}")
        points.append(scale.point(step))
    return f"M{' L'.join(points)}"


def _mark(step: Step, credits: Decimal, scale: _Scale) -> Mark:
    x, y = scale.x(step.days), scale.pixel(step.left)
    return Mark(percent(x), f"{y:.1f}", f"{y - 8:.1f}", x > FULL - NEAR, step.on, credits)


def _grid_line(amount: Decimal, scale: _Scale) -> GridLine:
    y = scale.pixel(amount)
    return GridLine(f"{y:.1f}", f"{y - 4:.1f}", amount)


def _labels(today: date, days: int) -> list[Label]:
    found = []
    for number in range(LABELS + 1):
        ahead = days * number // LABELS
        anchor = "start" if number == 0 else "end" if number == LABELS else "middle"
        found.append(
            Label(percent(Decimal(ahead) * FULL / days), today + timedelta(days=ahead), anchor, number % 2 == 1)
        )
    return found
