"""The periods that people ask for, and how days of a zone fall on moments: pure, no database and no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LAST_24_HOURS, USUAL_PERIOD = "last_24_hours", "last_30_days"
# Days of the account, today included; the first is no number of days but exactly so many hours.
PERIODS: Mapping[str, int] = {
    LAST_24_HOURS: 1,
    "last_7_days": 7,
    USUAL_PERIOD: 30,
    "last_90_days": 90,
    "last_year": 365,
}
LONGEST_DAYS = 400  # of days that somebody chooses
DAY, HOUR, HALF_AN_HOUR = timedelta(days=1), timedelta(hours=1), timedelta(minutes=30)
EXACTLY = timedelta(seconds=1)
INSTANT = timedelta.resolution


@dataclass(frozen=True, slots=True)
class Span:
    """From *since* to *until*, both included; its days are those of *zone*."""

    since: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def days(self) -> list[date]:
        """Every day that it touches, oldest first."""
        first = self.since.astimezone(self.zone).date()
        last = self.until.astimezone(self.zone).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def beside(self, until: datetime) -> list["Span"]:
        """What of its first and last day lies outside it, as far as *until*."""
        days = self.days
        edges = (
            (midnight(days[0], self.zone), self.since - INSTANT),
            (self.until + INSTANT, min(midnight(days[-1] + DAY, self.zone) - INSTANT, until)),
        )
        return [Span(since, until, self.zone) for since, until in edges if since <= until]

    @property
    def hours(self) -> list[datetime]:
        """Every hour of the clock that it touches, oldest first; one that comes twice is there once."""
        halves = range((self.until - self.since) // HALF_AN_HOUR + 1)
        moments = [*(self.since + number * HALF_AN_HOUR for number in halves), self.until]
        local = (moment.astimezone(self.zone) for moment in moments)
        return list(dict.fromkeys(there.replace(minute=0, second=0, microsecond=0, fold=0) for there in local))


def span(period: str, zone: ZoneInfo, now: datetime) -> Span:
    """The period up to *now*: 24 hours exactly, else whole days of the zone and what there is of today."""
    days = PERIODS[period]
    if period == LAST_24_HOURS:
        return Span(now - DAY, now, zone)
    return Span(midnight(now.astimezone(zone).date() - (days - 1) * DAY, zone), now, zone)


def span_of_days(first: date, last: date, zone: ZoneInfo, now: datetime) -> Span:
    """The days from *first* to *last*, both included, as far as they are over.

    A day that the zone left out, as Apia did 30 December 2011, is no more than the instant between its neighbours.
    """
    since = midnight(first, zone)
    return Span(since, max(since, min(midnight(last + DAY, zone) - INSTANT, now)), zone)


def span_before(asked: Span, period: str | None = None) -> Span:
    """The same stretch just before, as long as it: up to the time of day at which it ends."""
    if period == LAST_24_HOURS:
        return Span(asked.since - DAY, asked.since - INSTANT, asked.zone)
    days = len(asked.days)
    then = (asked.until.astimezone(asked.zone) - days * DAY).astimezone(UTC)
    return Span(midnight(asked.days[0] - days * DAY, asked.zone), then, asked.zone)


def midnight(on: date, zone: ZoneInfo) -> datetime:
    """When the day *on* begins in *zone*, in UTC."""
    return datetime.combine(on, time(), zone).astimezone(UTC)


def offsets(asked: Span) -> list[tuple[datetime, int]]:
    """What the span's zone adds to UTC, in seconds, and from when on: the beginning, and every change of the clocks."""
    found = [(asked.since, _offset(asked.since, asked.zone))]
    moment = asked.since
    while moment < asked.until:
        later = min(moment + DAY, asked.until)
        if _offset(later, asked.zone) != found[-1][1]:
            found.append((_change(moment, later, asked.zone), _offset(later, asked.zone)))
        moment = later
    return found


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first whole second after *before* at which the clocks show what they show *after*."""
    before = before.replace(microsecond=0)
    while after - before > EXACTLY:
        middle = before + ((after - before) // 2 // EXACTLY) * EXACTLY
        before, after = (before, middle) if _offset(middle, zone) == _offset(after, zone) else (middle, after)
    return (before + EXACTLY).replace(microsecond=0)


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    found = moment.astimezone(zone).utcoffset()
    return int(found.total_seconds()) if found else 0
