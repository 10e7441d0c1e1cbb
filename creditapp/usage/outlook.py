"""An account's forecast: its pace, and what becomes of its credits at that pace."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from creditapp import clock, ledger, recharge
from creditapp.usage.forecast import LOOK_BACK_DAYS, Pace, Range, pace
from creditapp.usage.months import Month
from creditapp.usage.periods import DAY, midnight
from creditapp.usage.runway import Runway, Step, runway, walk, without
from creditapp.usage.stats import on_complete_days

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected, seen from *now* in the zone.

    *lots* are what is free to spend, in burn order; ``steps`` where they go at the expected pace, none without one, and
    where auto-recharge is on, with the *recharges* to come.
    """

    now: datetime
    zone: ZoneInfo
    pace: Pace
    available: Decimal
    lots: tuple[ledger.LotLeft, ...]
    recharges: recharge.Ahead | None
    steps: tuple[Step, ...]

    @property
    def today(self) -> date:
        """The day that is not over yet."""
        return self.now.astimezone(self.zone).date()

    @property
    def runway(self) -> Runway | None:
        """When nothing is left; None where that can't be told, or is further than one can see."""
        return Runway(NOTHING, self.today) if self.available <= 0 else runway(self.steps)

    @property
    def runway_alone(self) -> Runway | None:
        """When nothing is left if no recharge comes; None where that can't be told, or is further than one can see."""
        if not self.buys:
            return self.runway
        return runway(tuple(walk(self.lots, self.pace.on, self.now, self.zone)))

    @property
    def buys(self) -> list[Step]:
        """When auto-recharge buys credits."""
        return [step for step in self.steps if step.bought > 0]

    @property
    def lapses(self) -> list[Step]:
        """When credits expire before they are spent."""
        return [step for step in self.steps if step.lapsed > 0]

    def project(self, days: int) -> Range | None:
        """What will be used on so many days from tomorrow on; None where there is no pace to go by."""
        return self.pace.project(self.today + DAY, days)

    def rest_of_month(self) -> Range | None:
        """What will be used until the month is over, today's rest included; None where there is no pace to go by."""
        projected = self.project((Month.of(self.now, self.zone).last_day - self.today).days)
        if projected is None:
            return None
        begins, ends = midnight(self.today, self.zone), midnight(self.today + DAY, self.zone)
        rest = (
            self.pace.on(self.today)
            * ((ends - self.now) // timedelta.resolution)
            / ((ends - begins) // timedelta.resolution)
        )
        return Range(projected.low + rest, projected.expected + rest, projected.high + rest)

    def bounds(self, days: int) -> tuple[list[Step], list[Step]]:
        """Where the credits go within so many days if little is used, and if much is: a tenth beyond on either side.

        Up to the last midnight at which no recharge can have come: beyond it, more use may leave more credits.
        """
        projected = [self.project(number) for number in range(days + 1)]
        if self.pace.daily is None:
            return [], []
        little = self._walked([bound.low for bound in projected if bound], days)
        much = self._walked([bound.high for bound in projected if bound], days, self.recharges)
        known = list(takewhile(lambda step: not step.bought, much))
        return [step for step in little if len(known) == len(much) or step.days <= known[-1].days], known

    def _walked(self, in_all: list[Decimal], days: int, recharges: recharge.Ahead | None = None) -> list[Step]:
        """Where the credits go if so much is used by the end of each day from today on."""
        uses = {self.today: self.pace.on(self.today)}
        uses |= {
            self.today + number * DAY: max(later - earlier, NOTHING)
            for number, (earlier, later) in enumerate(pairwise(in_all), 1)
        }
        return list(walk(self.lots, lambda on: uses[on], self.now, self.zone, recharges=recharges, days=days))


def outlook(standing: ledger.Balance, time_zone: str) -> Outlook:
    """The forecast of the account that stands so, in days of this zone."""
    zone, now = ZoneInfo(time_zone), clock.now()
    account_id, available = standing.account_id, standing.available
    found = pace(on_complete_days(account_id, LOOK_BACK_DAYS, time_zone), now.astimezone(zone).date())
    if found.daily is None or available <= 0:
        return Outlook(now, zone, found, available, (), None, ())
    lots = tuple(without(ledger.lots_left(account_id), standing.reserved))  # work under way is paid for first
    recharges = recharge.ahead(account_id)
    return Outlook(
        now, zone, found, available, lots, recharges, tuple(walk(lots, found.on, now, zone, recharges=recharges))
    )
