"""How good the forecast was: each day of the past foretold from what was known that morning. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from creditapp.usage.forecast import pace
from creditapp.usage.periods import DAY

HORIZONS = (1, 7, 14, 28)
MEANT_PERCENT = 80  # four of five outcomes


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the forecasts for so many days ahead: how many turned out below, within and above the band.

    *expected* and *used* are what all of them foretold, and what came; they differ by as much as it is biased.
    """

    days: int
    below: int = 0
    within: int = 0
    above: int = 0
    expected: Decimal = Decimal(0)
    used: Decimal = Decimal(0)

    def __add__(self, other: "Score") -> "Score":
        """Both together; they are for as many days ahead."""
        return Score(
            self.days,
            self.below + other.below,
            self.within + other.within,
            self.above + other.above,
            self.expected + other.expected,
            self.used + other.used,
        )

    @property
    def forecasts(self) -> int:
        """How many there were."""
        return self.below + self.within + self.above

    @property
    def coverage(self) -> Decimal | None:
        """How many per cent of them came true, to a tenth; None without any."""
        return (Decimal(self.within * 100) / self.forecasts).quantize(Decimal("0.1")) if self.forecasts else None

    @property
    def bias(self) -> Decimal | None:
        """By how many per cent more was foretold than came, to a tenth; None where nothing came."""
        return ((self.expected - self.used) * 100 / self.used).quantize(Decimal("0.1")) if self.used else None


def backtest(used: Sequence[Decimal], first: date) -> list[Score]:
    """The scores of each horizon, told of complete days in a row from the account's *first* on.

    A morning without a pace foretells nothing, and what is not over yet is not judged.
    """
    scores = []
    for days in HORIZONS:
        score = Score(days)
        for known in range(1, len(used) - days + 1):
            today = first + known * DAY
            foretold = pace(used[:known], today).project(today, days)
            if foretold is None:
                continue
            came = sum(used[known : known + days], Decimal(0))
            score += Score(
                days,
                below=int(came < foretold.low),
                within=int(foretold.low <= came <= foretold.high),
                above=int(came > foretold.high),
                expected=foretold.expected,
                used=came,
            )
        scores.append(score)
    return scores
