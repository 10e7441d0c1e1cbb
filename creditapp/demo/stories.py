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


@dataclass(frozen=True, slots=True)
class Fails:
    """A batch is charged, fails, and is given back minutes later: so many operations of so many units."""

    operations: int
    operation: str
    units: int
    why: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """So much of the last purchase's price goes back; all of it where nothing is said."""

    cents: int | None = None


@dataclass(frozen=True, slots=True)
class Recharged:
    """Auto-recharge charged the card once, at so many credits; its owner switched it off again."""

    threshold: int


Happening = Buys | Bonus | Correction | Fails | Refunded | Recharged


@dataclass(frozen=True, slots=True)
class Chapter:
    """So many days that begin with something and use so many credits: *uses*, or all but what is *left* at the end.

    *spike*: so many more on one working day in the middle.
    """

    days: int
    begins_with: tuple[Happening, ...]
    uses: int = 0
    left: int | None = None
    spike: int = 0


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
        1.6,
        (
            Chapter(13, (Buys("starter"),), uses=820),
            Chapter(16, (Buys("professional"),), uses=3_400),
            Chapter(14, (Buys("professional"), Fails(9, "ai_analysis", 3, "The model did not answer")), uses=4_900),
            Chapter(12, (Bonus(3_000, "Trial credits for large files", stays=False),), uses=2_250),
            Chapter(14, (Recharged(2_000),), uses=5_300),
            Chapter(15, (Buys("professional"), Buys("professional"), Refunded()), uses=4_700),
            Chapter(
                14, (Buys("business"), Correction(45, "Three exports were charged twice")), uses=6_100, spike=2_400
            ),
            Chapter(12, (Buys("business"),), uses=7_000),
            Chapter(10, (Buys("business"), Bonus(500, "Thank you for your patience")), left=25_000),
        ),
    ),
    LOW.email: Story(
        "America/New_York",
        0.6,
        (
            Chapter(19, (Buys("starter"),), uses=830),
            Chapter(18, (Buys("starter"),), uses=960),
            Chapter(16, (Buys("starter"), Fails(4, "data_export", 1, "The export stopped half-way")), uses=1_010),
            Chapter(5, (Bonus(300, "Trial credits for exports", stays=False),), uses=190),
            Chapter(20, (Buys("starter"), Refunded(400)), uses=700),
            Chapter(21, (Buys("starter"), Bonus(200, "Thank you for reporting a mistake")), uses=960, spike=250),
            Chapter(21, (Buys("starter"),), left=150),
        ),
        recharges_at=500,
    ),
}
