"""The forecast of available credits as a line with a band, and the days before it: pure. A script draws it.

Days are counted from today's midnight on, so that a whole number is a midnight and those below 0 are past.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from creditapp.exports import plain
from creditapp.letters.render import credits
from creditapp.usage import DAY, Outlook, Step, midnight

SHORTEST_DAYS, LONGEST_DAYS = 28, 180
RECHARGES_SHOWN = 3
WEEK = 7
PAST_DAYS = 28
BEYOND = Decimal("1.25")  # so much more than the runway is shown
PLACES = Decimal("0.001")  # of a day

Point = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happens to the credits at a place of the line: ``expiry``, ``recharge`` or ``end``."""

    kind: str
    at: Point
    words: str


@dataclass(frozen=True, slots=True)
class Evening:
    """What is left when a day is over: as expected, and between these bounds where they are known."""

    on: date
    expected: Decimal
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class Line:
    """Everything that is drawn: as far as *days* from now, from the first of the days that are *past*."""

    today: date
    days: int
    past: tuple[Point, ...]
    expected: tuple[Point, ...]
    high: tuple[Point, ...]
    low: tuple[Point, ...]
    threshold: Decimal | None
    marks: tuple[Mark, ...]
    evenings: tuple[Evening, ...]

    @property
    def data(self) -> dict[str, Any]:
        """What the script draws."""
        return {
            "kind": "line",
            "today": self.today.isoformat(),
            **{name: [_written(at) for at in getattr(self, name)] for name in ("past", "expected", "high", "low")},
            "last": plain(self.expected[0][0] + self.days),
            "threshold": None if self.threshold is None else plain(self.threshold),
            "marks": [{"kind": mark.kind, "at": _written(mark.at), "words": mark.words} for mark in self.marks],
        }


def past_midnights(outlook: Outlook, opened_at: datetime) -> list[datetime]:
    """The midnights before now that the line shows, the latest last, none before there was an account."""
    there = (midnight(outlook.today - number * DAY, outlook.zone) for number in range(PAST_DAYS, -1, -1))
    return [moment for moment in there if moment > opened_at]


def line(outlook: Outlook, past: Sequence[Decimal]) -> Line:
    """The line as far as it matters; *past* is what there was at each midnight up to today's, the latest last."""
    days = min(max(_wanted(outlook), SHORTEST_DAYS), LONGEST_DAYS)
    little, much = outlook.bounds(days)
    begins, ends = midnight(outlook.today, outlook.zone), midnight(outlook.today + DAY, outlook.zone)
    now = Decimal((outlook.now - begins) / (ends - begins))
    shown = [step for step in outlook.steps if step.days <= days]
    expected = tuple(_points(shown, now))
    marks = [
        Mark("expiry", (now + step.days, step.left), f"{credits(round(step.lapsed))} expire")
        for step in shown
        if step.lapsed > 0
    ]
    marks += [Mark("recharge", (now + step.days, step.left - step.bought), "Recharge") for step in shown if step.bought]
    if shown[-1].left <= 0:
        marks.append(Mark("end", expected[-1], "Nothing left"))
    return Line(
        today=outlook.today,
        days=days,
        past=(*((Decimal(number + 1 - len(past)), left) for number, left in enumerate(past)), (now, outlook.available)),
        expected=expected,
        high=tuple(_points(little, now)),
        low=(*_points(much, now), *([(now + days, much[-1].left)] if much[-1].left <= 0 else [])),
        threshold=outlook.recharges.terms.threshold if outlook.recharges and outlook.buys else None,
        marks=tuple(sorted(marks, key=lambda mark: mark.at[0])),
        evenings=tuple(_evenings(outlook, little, much, days)),
    )


def _evenings(outlook: Outlook, little: Sequence[Step], much: Sequence[Step], days: int) -> Iterator[Evening]:
    """The line in numbers: day by day in its first week, then week by week, as far as there is anything."""
    expected, high, low = (_left(steps, days) for steps in (outlook.steps, little, much))
    for number in [*range(WEEK), *range(2 * WEEK - 1, days, WEEK)]:
        on = outlook.today + number * DAY
        if on in expected:
            yield Evening(on, expected[on], low.get(on), high.get(on))
        if expected.get(on) == 0:
            break


def _left(steps: Sequence[Step], days: int) -> Mapping[date, Decimal]:
    """By day, what is left at its end; where nothing is, on every day from then on."""
    found: dict[date, Decimal] = {}
    for step in steps[1:]:
        found.setdefault(step.on - DAY, step.left)  # the first of a day is its midnight
    if steps and steps[-1].left <= 0:
        found |= {steps[-1].on + number * DAY: steps[-1].left for number in range(days)}
    return found


def _wanted(outlook: Outlook) -> int:
    """As many days as tell what happens: to the end, or some recharges."""
    if end := outlook.runway:
        return int(end.days * BEYOND) + 1
    told = outlook.buys[:RECHARGES_SHOWN]
    return int(told[-1].days * BEYOND) + 1 if told else LONGEST_DAYS


def _points(steps: Sequence[Step], now: Decimal) -> Iterator[Point]:
    """From step to step; what lapses falls straight down, what is bought rises."""
    for step in steps:
        if step.lapsed or step.bought:
            yield now + step.days, step.left + step.lapsed - step.bought
        yield now + step.days, step.left


def _written(at: Point) -> list[str]:
    days, left = at
    return [plain(days.quantize(PLACES)), plain(left if left == left.to_integral() else round(left, 6))]
