"""An account's forecast: its pace, and what becomes of its credits at that pace."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from creditapp import clock, ledger
from creditapp.usage.forecast import LOOK_BACK_DAYS, Pace, Range, pace
from creditapp.usage.runway import Runway, Step, runway, walk, without
from creditapp.usage.stats import on_complete_days


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected, seen from *today* in the zone. ``steps`` are empty where there is no pace to go by."""

    today: date
    pace: Pace
    available: Decimal
    steps: tuple[Step, ...]

    @property
    def runway(self) -> Runway | None:
        """When nothing is left; None where that can't be told, or is further than one can see."""
        return Runway(Decimal(0), self.today) if self.available <= 0 else runway(self.steps)

    @property
    def lapses(self) -> list[Step]:
        """When credits expire before they are spent."""
        return [step for step in self.steps if step.lapsed > 0]

    def project(self, days: int) -> Range | None:
        """What will be used on so many days from tomorrow on; None where there is no pace to go by."""
        return self.pace.project(self.today + timedelta(days=1), days)

    def falls_to(self, threshold: Decimal) -> date | None:
        """The day on which no more than *threshold* is available; None where that is further than one can see."""
        return next((step.on for step in self.steps if step.left <= threshold), None)


def outlook(standing: ledger.Balance, time_zone: str) -> Outlook:
    """The forecast of the account that stands so, in days of this zone."""
    zone, now = ZoneInfo(time_zone), clock.now()
    today = now.astimezone(zone).date()
    found = pace(on_complete_days(standing.account_id, LOOK_BACK_DAYS, time_zone), today)
    if found.daily is None or standing.available <= 0:
        return Outlook(today, found, standing.available, ())
    free = without(ledger.lots_left(standing.account_id), standing.reserved)  # work under way is paid for first
    return Outlook(today, found, standing.available, tuple(walk(free, found.on, now, zone)))
