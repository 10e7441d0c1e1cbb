"""How long credits last at the pace of the days that are over: pure, no database and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

LOOK_BACK_DAYS = 30
RECENT_DAYS = 14
ENOUGH_DAYS = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """Credits used a day; None until there were enough days with usage. ``active_days`` says how many there were."""

    daily: Decimal | None
    active_days: int

    def lasts(self, available: Decimal) -> Decimal | None:
        """For how many days *available* credits last; None where there is no pace to go by."""
        return None if self.daily is None else available / self.daily


def pace(days: Sequence[Decimal]) -> Pace:
    """The pace of complete *days*, oldest first.

    The last two weeks count where they are enough, else the last month. An account that is younger than that is
    divided by the days since its first usage, not by days on which it did not exist.
    """
    month = days[-LOOK_BACK_DAYS:]
    active = sum(1 for used in month if used > 0)
    first = next((number for number, used in enumerate(month) if used > 0), len(month))
    for span in (RECENT_DAYS, LOOK_BACK_DAYS):
        window = month[max(first, len(month) - span) :]
        if sum(1 for used in window if used > 0) >= ENOUGH_DAYS:
            return Pace(sum(window, Decimal(0)) / len(window), active)
    return Pace(None, active)
