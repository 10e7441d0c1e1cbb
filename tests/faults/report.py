"""What a drill found: figures as they were seen, and every promise that was broken."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Report:
    """The outcome of one drill."""

    title: str
    figures: list[tuple[str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def figure(self, name: str, words: str) -> None:
        """Something that was counted or measured."""
        self.figures.append((name, words))

    def promise(self, kept: bool, words: str) -> None:
        """Something that must be so; *words* say what was promised."""
        if not kept:
            self.broken.append(words)

    def __str__(self) -> str:
        lines = [self.title, *(f"  {name:<24}{words}" for name, words in self.figures)]
        lines += [f"  BROKEN: {words}" for words in self.broken] or ["  every promise kept"]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Spread:
    """How long things took, in seconds."""

    values: Sequence[float]

    def at(self, share: float) -> float:
        """The value that *share* of all don't exceed; the next larger one where it falls between two."""
        ordered = sorted(self.values)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.inf

    def __str__(self) -> str:
        return f"p50 {self.at(0.5):.2f} s, p99 {self.at(0.99):.2f} s, longest {self.at(1):.2f} s"
