"""What happened to whom: chapters of an account's life, in whole days and whole credits."""

from collections.abc import Mapping
from dataclasses import dataclass

from creditapp.demo import HIGH, LOW


@dataclass(frozen=True, slots=True)
class Buys:
    """A package is bought and paid."""

    package: str


@dataclass(frozen=True, slots=True)
class Bonus:
    """Credits are given; where they don't stay, what is left of them expires at the chapter's end."""

    credits: int
    words: str
    stays: bool = True


@dataclass(frozen=True, slots=True)
class Correction:
    """The balance is put right."""

    credits: int
    words: str


Happening = Buys | Bonus | Correction


@dataclass(frozen=True, slots=True)
class Chapter:
    """So many days that begin with something and use so many credits: *uses*, or all but what is *left* at the end."""

    days: int
    begins_with: tuple[Happening, ...]
    uses: int = 0
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """A life up to today. *units* is the most that one entry of its usage counts, as a share of the usual.

    *recharges_at*: auto-recharge is on, with so many credits as its threshold.
    """

    time_zone: str
    units: float
    chapters: tuple[Chapter, ...]
    recharges_at: int | None = None

    @property
    def days(self) -> int:
        """How long it took."""
        return sum(chapter.days for chapter in self.chapters)


STORIES: Mapping[str, Story] = {
    HIGH.email: Story(
        "Europe/Berlin",
        1.0,
        (
            Chapter(4, (Buys("starter"),), uses=870),
            Chapter(14, (Buys("professional"),), uses=4_600),
            Chapter(9, (Buys("professional"),), uses=2_900),
            Chapter(9, (Buys("professional"),), uses=2_900),
            Chapter(5, (Bonus(3_000, "Trial credits for large files", stays=False),), uses=2_250),
            Chapter(12, (Buys("business"), Correction(45, "Three exports were charged twice")), uses=6_100),
            Chapter(10, (Buys("business"), Bonus(500, "Thank you for your patience")), left=25_000),
        ),
    ),
    LOW.email: Story(
        "America/New_York",
        0.4,
        (
            Chapter(12, (Buys("starter"),), uses=900),
            Chapter(14, (Buys("starter"),), uses=1_120),
            Chapter(13, (Buys("starter"), Bonus(200, "Thank you for reporting a mistake")), uses=1_010),
            Chapter(17, (Buys("starter"),), left=150),
        ),
        recharges_at=500,
    ),
}
