"""A figure of the table: what it must reach, and what was measured, side by side in one run."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Rounds = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. *at_most*: small is good, as for times; else large is."""

    key: str
    name: str
    reach: float
    measured: float
    of: str
    detail: str = ""
    at_most: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether it is as good as was promised."""
        return self.measured <= self.reach if self.at_most else self.measured >= self.reach


def interleaved(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """What each subject measured in each round; in a round all of them, one after the other."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, measure in subjects.items():
            found[name].append(measure())
    return found


def middle(found: Iterable[float]) -> float:
    """The median."""
    return statistics.median(found)


def ratio(rounds: Rounds, subject: str, baseline: str) -> float:
    """The median of the subject's ratios to the baseline of the same round."""
    return middle(a / b for a, b in zip(rounds[subject], rounds[baseline], strict=True))
