"""What will be used, judged by the days that are over: pure, no database and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from creditapp.db import MILLIONTH

LOOK_BACK_DAYS = 28  # whole weeks, so that no weekday counts more often than another
ENOUGH_DAYS = 3
# From so many days on, each weekday is judged by its own kind.
WEEKDAYS_FROM_DAYS = 21
WEEK = 7
# Four of five outcomes lie between low and high: a tenth below, a tenth above.
TENTH = Decimal("1.2815515655446004")
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Range:
    """So many credits as expected; four of five outcomes lie between low and high."""

    low: Decimal
    expected: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Pace:
    """How an account uses credits, as its complete days tell: of ``days`` since its first use so many were active.

    ``daily`` is the average of a day; None until there were enough active ones. Nothing is guessed before. ``spread``
    is how much a day differs from what was expected of it, ``drift`` the variance by which that wanders within a day.
    """

    daily: Decimal | None
    active_days: int
    days: int = 0
    by_weekday: tuple[Decimal, ...] = ()
    spread: Decimal = NOTHING
    drift: Decimal = NOTHING

    def on(self, day: date) -> Decimal:
        """What is expected to be used on this day; 0 where there is no pace to go by."""
        return self.by_weekday[day.weekday()] if self.by_weekday else self.daily or NOTHING

    def project(self, first: date, days: int) -> Range | None:
        """What will be used on so many days from *first* on; None where there is no pace to go by.

        Days differ from what is expected of them by as much as they did, and what is expected may itself be wrong: the
        less, the more days it was learnt from. Where it wandered, it goes on to wander: a random walk, of which the
        average of ``self.days`` is known and that of *days* asked for.
        """
        if self.daily is None:
            return None
        expected = sum((self.on(first + timedelta(days=number)) for number in range(days)), NOTHING)
        ahead = Decimal(days)
        variance = self.spread**2 * (ahead + ahead**2 / self.days) + self.drift * ahead**2 * (self.days + ahead) / 3
        margin = _tenth(self.days - (WEEK if self.by_weekday else 1)) * variance.sqrt()
        return Range(*(_exact(amount) for amount in (max(expected - margin, NOTHING), expected, expected + margin)))


def pace(used: Sequence[Decimal], until: date) -> Pace:
    """The pace of complete days, oldest first, the last of them just before *until*.

    They begin with the day of the account's first use, so that it is never divided by days on which it did not exist.
    """
    window = used[-LOOK_BACK_DAYS:]
    active = sum(1 for amount in window if amount > 0)
    if active < ENOUGH_DAYS:
        return Pace(None, active, len(window))
    average = sum(window, NOTHING) / len(window)
    by_weekday = _by_weekday(window, until) if len(window) >= WEEKDAYS_FROM_DAYS else ()
    first = until - timedelta(days=len(window))
    learnt = Pace(average, active, len(window), by_weekday)
    errors = [amount - learnt.on(first + timedelta(days=number)) for number, amount in enumerate(window)]
    freedom = len(window) - (WEEK if by_weekday else 1)
    variance = sum((error**2 for error in errors), NOTHING) / freedom
    return Pace(average, active, len(window), by_weekday, variance.sqrt(), _drift(errors, variance))


def _drift(errors: Sequence[Decimal], variance: Decimal) -> Decimal:
    """How far weeks lie apart beyond what single days explain, as the variance of a random walk in a day.

    Averages of weeks that follow each other differ by 2/7 of a day's variance, and by 2/3 of 7 days of the walk's. From
    fewer than four weeks nothing can be told.
    """
    if len(errors) < LOOK_BACK_DAYS:
        return NOTHING
    weeks = [sum(errors[first : first + WEEK], NOTHING) / WEEK for first in range(0, LOOK_BACK_DAYS, WEEK)]
    apart = [(later - earlier) ** 2 for earlier, later in pairwise(weeks)]
    beyond = sum(apart, NOTHING) / len(apart) - 2 * variance / WEEK
    return max(beyond, NOTHING) * 3 / (2 * WEEK)


def _by_weekday(window: Sequence[Decimal], until: date) -> tuple[Decimal, ...]:
    """The average of each weekday, Monday first."""
    kinds: list[list[Decimal]] = [[] for _ in range(WEEK)]
    for ago, amount in enumerate(reversed(window), 1):
        kinds[(until - timedelta(days=ago)).weekday()].append(amount)
    return tuple(sum(kind, NOTHING) / len(kind) for kind in kinds)


def _tenth(freedom: int) -> Decimal:
    """How many spreads from the middle the outermost tenth begins: Student's distribution, as a series in 1/freedom."""
    z = TENTH
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _exact(amount: Decimal) -> Decimal:
    return amount.quantize(MILLIONTH)
