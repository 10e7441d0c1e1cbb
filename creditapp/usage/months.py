"""Months of an account, each from midnight to midnight of its zone: pure, no database and no clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from creditapp.usage.periods import midnight

DECEMBER = 12
WRITTEN = "%Y-%m"


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of a year, written 2026-11."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> "Month":
        """The month that it is at *moment* in *zone*."""
        there = moment.astimezone(zone)
        return cls(there.year, there.month)

    @classmethod
    def read(cls, written: str) -> "Month | None":
        """The month that is written so; None where none is."""
        try:
            read = datetime.strptime(written, WRITTEN)  # noqa: DTZ007 (a month has no zone)
        except ValueError:
            return None
        found = cls(read.year, read.month)
        return found if str(found) == written else None

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month(self.year + self.month // DECEMBER, self.month % DECEMBER + 1)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.first_day - timedelta(days=1)

    def begins(self, zone: ZoneInfo) -> datetime:
        """The moment at which it begins in *zone*, in UTC."""
        return midnight(self.first_day, zone)


def months(first: Month, last: Month) -> list[Month]:
    """Every month from *first* to *last*, both included, oldest first."""
    found = []
    while first <= last:
        found.append(first)
        first = first.next
    return found
