"""Usage by day, hour or week as stacked bars, and the table beside it: pure sums. A script draws them.

The script gets amounts as text, so that it can say them exactly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from creditapp.exports import plain
from creditapp.usage import Day

COLOURS = 6
REST = "All others"
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Series:
    """One row of the table and one colour of the chart, with an amount for every bar.

    ``merged`` tells how many share it, if many do.
    """

    colour: int
    name: str
    amounts: tuple[Decimal, ...]
    share: int
    merged: int = 0

    @property
    def total(self) -> Decimal:
        """All of it."""
        return sum(self.amounts, NOTHING)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars by their names, oldest first; the series add up to the total, and so do the bars."""

    names: tuple[str, ...]
    series: tuple[Series, ...]
    totals: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        """All of it."""
        return sum(self.totals, NOTHING)

    @property
    def data(self) -> dict[str, Any]:
        """What the script draws."""
        return {
            "kind": "bars",
            "names": self.names,
            "totals": [plain(amount) for amount in self.totals],
            "series": [
                {"colour": one.colour, "name": one.name, "amounts": [plain(amount) for amount in one.amounts]}
                for one in self.series
            ],
        }


def stacked(slots: Sequence[Day], names: Sequence[str], naming: Callable[[str], str] = str) -> Chart:
    """The chart of these days, hours or weeks; what has the largest totals is told apart, in the words of *naming*."""
    totals: dict[str, Decimal] = {}
    for slot in slots:
        for key, credits in slot.by_operation.items():
            totals[key] = totals.get(key, NOTHING) + credits
    ranked = sorted(totals, key=lambda key: (-totals[key], key))
    told = ranked if len(ranked) <= COLOURS else ranked[: COLOURS - 1]
    rest = ranked[len(told) :]
    rows = [(naming(key), (key,)) for key in told] + ([(REST, tuple(rest))] if rest else [])
    percents = shares([sum((totals[key] for key in keys), NOTHING) for _, keys in rows])
    series = tuple(
        Series(
            colour=number,
            name=name,
            amounts=tuple(sum((slot.by_operation.get(key, NOTHING) for key in keys), NOTHING) for slot in slots),
            share=share,
            merged=len(rest) if keys == tuple(rest) and rest else 0,
        )
        for number, ((name, keys), share) in enumerate(zip(rows, percents, strict=True), 1)
    )
    return Chart(tuple(names), series, tuple(slot.total for slot in slots))


def shares(totals: Sequence[Decimal]) -> list[int]:
    """Whole percents that add up to 100: what rounding leaves goes to those it cut most."""
    total = sum(totals, NOTHING)
    if total == 0:
        return [0] * len(totals)
    exact = [amount * 100 / total for amount in totals]
    whole = [int(share) for share in exact]
    most_cut = sorted(range(len(exact)), key=lambda number: whole[number] - exact[number])
    for number in most_cut[: 100 - sum(whole)]:
        whole[number] += 1
    return whole
