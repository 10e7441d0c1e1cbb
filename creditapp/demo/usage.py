"""Usage as a company makes it: in office hours, little at weekends, a few jobs at night. Pure: no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from creditapp import pricing

HOUR = timedelta(hours=1)
SATURDAY = 5
# How busy each hour of a working day is, from midnight on.
WORKING_DAY = (1, 1, 2, 2, 1, 1, 2, 5, 14, 26, 34, 30, 18, 24, 33, 31, 24, 14, 7, 4, 3, 2, 1, 1)
DAY_OFF = (0, 0, 1, 1, 0, 0, 0, 0, 1, 2, 3, 3, 2, 2, 3, 3, 2, 2, 1, 1, 1, 1, 0, 0)

# Operation: how often, how many units an entry has at most, which endpoint asks for it.
MIX = {
    "basic_api_call": (36, 40, "/v1/records"),
    "advanced_api_call": (24, 8, "/v1/search"),
    "image_processing": (16, 5, "/v1/images"),
    "ai_analysis": (12, 3, "/v1/analyses"),
    "data_export": (8, 1, "/v1/exports"),
    "large_file_processing": (4, 2, "/v1/files"),
}


@dataclass(frozen=True, slots=True)
class Use:
    """One entry of usage."""

    at: datetime
    operation_type: str
    quantity: int
    api_endpoint: str


def spread(
    credits: int, start: datetime, end: datetime, *, zone: ZoneInfo, units: float, chance: Random
) -> Iterator[Use]:
    """Usage between *start* and *end* that costs exactly *credits*, oldest first."""
    hours = _hours(start, end)
    weights = [_busy(hour.astimezone(zone)) for hour in hours]
    entries = list(_entries(credits, units, chance))
    moments = sorted(
        hour + chance.random() * (min(hour + HOUR, end) - hour)
        for hour in chance.choices(hours, weights, k=len(entries))
    )
    chance.shuffle(entries)
    for moment, (operation, quantity) in zip(moments, entries, strict=True):
        yield Use(moment, operation, quantity, MIX[operation][2])


def _entries(credits: int, units: float, chance: Random) -> Iterator[tuple[str, int]]:
    often = [share for share, _most, _endpoint in MIX.values()]
    left = credits
    while left > 0:
        operation = chance.choices(tuple(MIX), often)[0]
        quantity = chance.randint(1, max(round(MIX[operation][1] * units), 1))
        price = int(pricing.cost(pricing.FIRST_CARD, operation, quantity).total)
        if price > left:  # what is left is less than one entry: single calls make it exact
            operation, quantity, price = "basic_api_call", left, left
        yield operation, quantity
        left -= price


def _hours(start: datetime, end: datetime) -> list[datetime]:
    """The beginning of each hour between the two, counted from *start*."""
    return [start + number * HOUR for number in range(max(-(-(end - start) // HOUR), 1))]


def _busy(local: datetime) -> float:
    # Never zero: a chapter that holds nothing but a night still has somewhere to put its usage.
    return (DAY_OFF if local.weekday() >= SATURDAY else WORKING_DAY)[local.hour] or 0.01
