"""Usage by day, hour or week as stacked bars, and the table beside it: pure geometry and sums.

Widths are percent and heights are pixels, so that letters keep their size and no style attribute is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from creditapp.usage import Day
from creditapp.web.gauge import percent

TOP, BASE = 10, 250
PLOT = Decimal(BASE - TOP)
GRID_LINES = 4
LEFT = Decimal(7)  # percent, kept free for the axis
BAR_SHARE = Decimal("0.66")
GAP = Decimal("1.5")
THINNEST = Decimal("0.5")
NICE_STEPS = tuple(Decimal(step) for step in ("1", "2", "2.5", "5", "10"))
COLOURS = 6
REST = "All others"
MOST_LABELS = 7


@dataclass(frozen=True, slots=True)
class Series:
    """One row of the table and one colour of the chart; ``merged`` tells how many operations share it, if many do."""

    colour: int
    operation: str
    total: Decimal
    share: int
    merged: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """One operation of one day."""

    colour: int
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One day. ``label`` says where its date is written: ``always``, ``wide`` (not on a phone) or ``never``."""

    on: date
    total: Decimal
    x: str
    middle: str
    width: str
    pieces: tuple[Piece, ...]
    label: str


@dataclass(frozen=True, slots=True)
class GridLine:
    """A line across, and the amount it stands for."""

    y: str
    label_y: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything the template draws; the series add up to the total, and so do the bars."""

    series: tuple[Series, ...]
    bars: tuple[Bar, ...]
    grid: tuple[GridLine, ...]
    total: Decimal
    bar_width: str


def stacked(days: Sequence[Day]) -> Chart:
    """The chart of these days, oldest first; the operations with the largest totals are told apart."""
    series, colour_of = _series(days)
    highest = max((day.total for day in days), default=Decimal(0))
    step = nice_step(highest)
    per_credit = PLOT / (step * GRID_LINES)
    slot = (100 - LEFT) / len(days)
    width = slot * BAR_SHARE
    bars = []
    for number, day in enumerate(days):
        middle = LEFT + slot * number + slot / 2
        bars.append(
            Bar(
                on=day.on,
                total=day.total,
                x=percent(middle - width / 2),
                middle=percent(middle),
                width=percent(width),
                pieces=_pieces(day, colour_of, per_credit),
                label=_label(len(days) - 1 - number, len(days)),
            )
        )
    grid = tuple(_grid_line(step * line, per_credit) for line in range(1, GRID_LINES + 1))
    return Chart(series, tuple(bars), grid, sum((day.total for day in days), Decimal(0)), percent(width))


def nice_step(highest: Decimal) -> Decimal:
    """What lies between two lines, so that they hold round amounts and the highest bar fits under the last."""
    if highest <= 0:
        return Decimal(1)
    least = highest / GRID_LINES
    magnitude = Decimal(10) ** least.log10().to_integral_value(ROUND_FLOOR)
    return next(magnitude * step for step in NICE_STEPS if magnitude * step >= least)


def shares(totals: Sequence[Decimal]) -> list[int]:
    """Whole percents that add up to 100: what rounding leaves goes to those it cut most."""
    total = sum(totals, Decimal(0))
    if total == 0:
        return [0] * len(totals)
    exact = [amount * 100 / total for amount in totals]
    whole = [int(share) for share in exact]
    most_cut = sorted(range(len(exact)), key=lambda number: whole[number] - exact[number])
    for number in most_cut[: 100 - sum(whole)]:
        whole[number] += 1
    return whole


def _series(days: Sequence[Day]) -> tuple[tuple[Series, ...], dict[str, int]]:
    totals: dict[str, Decimal] = {}
    for day in days:
        for operation, credits in day.by_operation.items():
            totals[operation] = totals.get(operation, Decimal(0)) + credits
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    told = ranked if len(ranked) <= COLOURS else ranked[: COLOURS - 1]
    rest = ranked[len(told) :]
    rows: list[tuple[str, Decimal, int]] = [(operation, credits, 0) for operation, credits in told]
    if rest:
        rows.append((REST, sum((credits for _, credits in rest), Decimal(0)), len(rest)))
    percents = shares([credits for _, credits, _ in rows])
    series = tuple(
        Series(number, operation, credits, share, merged)
        for number, ((operation, credits, merged), share) in enumerate(zip(rows, percents, strict=True), 1)
    )
    colour_of = {operation: number for number, (operation, _) in enumerate(told, 1)}
    colour_of |= dict.fromkeys((operation for operation, _ in rest), COLOURS)
    return series, colour_of


def _pieces(day: Day, colour_of: dict[str, int], per_credit: Decimal) -> tuple[Piece, ...]:
    by_colour: dict[int, Decimal] = {}
    for operation, credits in day.by_operation.items():
        colour = colour_of[operation]
        by_colour[colour] = by_colour.get(colour, Decimal(0)) + credits
    pieces = []
    bottom = Decimal(BASE)
    for colour, credits in sorted(by_colour.items()):
        height = credits * per_credit
        bottom -= height
        pieces.append(Piece(colour, f"{bottom:.1f}", f"{max(height - GAP, THINNEST):.1f}"))
    return tuple(pieces)


def _grid_line(amount: Decimal, per_credit: Decimal) -> GridLine:
    y = BASE - amount * per_credit
    return GridLine(f"{y:.1f}", f"{y - 4:.1f}", amount)


def _label(bars_later: int, bars: int) -> str:
    each = -(-bars // MOST_LABELS)
    if bars_later % (2 * each) == 0:
        return "always"
    return "wide" if bars_later % each == 0 else "never"
