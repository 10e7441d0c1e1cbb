"""Usage and forecast: where credits went, and how long they last. The state stands in the address."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request

from creditapp import checkout, clock, identity, ledger, packages, usage
from creditapp.web.chart import REST, Chart, stacked
from creditapp.web.line import Line, line, past_midnights
from creditapp.web.movements import day_of_month, operation
from creditapp.web.sessions import account_id, login_required
from creditapp.web.shell import standing
from creditapp.web.stretches import GROUPINGS, PERIODS, Stretch, asked
from creditapp.web.words import MINUS, zone

bp = Blueprint("usage", __name__)

WEEKS_FROM_DAYS = 180
SIZING_DAYS = 30
REFUSED = 422


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table beside the chart: so many operations of what has this colour."""

    colour: int
    name: str
    merged: int
    operations: int
    credits: Decimal
    share: int


@dataclass(frozen=True, slots=True)
class Bars:
    """The chart, and the numbers beside it; ``unit`` is what a bar stands for."""

    chart: Chart
    slots: list[usage.Day]
    rows: list[Row]
    unit: str
    average: Decimal
    highest: Decimal


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be expected: this month, its price, the package that covers a month, and what auto-recharge does."""

    month: usage.Range
    offer: packages.Offer | None
    covers: usage.Range
    line: Line


@bp.get("/credits/usage")
@login_required
def index() -> str | tuple[str, int]:
    """The page, 422 where what is asked for can't be shown; to htmx the usage alone."""
    account, here, now = account_id(), zone(), clock.now()
    stretch = asked(request.args, now.astimezone(here).date())
    found = (
        usage.statistics_between(account, *stretch.days, here.key)
        if stretch.days
        else usage.statistics(account, stretch.period, here.key)
    )
    first_used_on = usage.first_used_on(account, here)
    alone = request.headers.get("HX-Target", "").endswith("#usage")
    html = render_template(
        "usage/_usage.html" if alone else "usage/index.html",
        stretch=stretch,
        periods=PERIODS,
        groupings=GROUPINGS,
        today=now.astimezone(here).date(),
        found=found,
        change=usage.change(found.summary.credits, found.credits_before),
        bars=_bars(account, stretch, found, first_used_on),
        first_used_on=first_used_on,
        time_zone=f"{here.key} ({_offset(now.astimezone(here))})",
        **({} if alone else _forecast(account, here.key)),
    )
    return (html, REFUSED) if stretch.is_refused else html


def _bars(account: int, stretch: Stretch, found: usage.Statistics, first_used_on: date | None) -> Bars:
    days = found.span.days
    name_of, hourly = _naming(account, stretch.by), stretch.period == usage.LAST_24_HOURS or len(days) == 1
    uses = usage.uses_in(account, found.span, hourly=True) if hourly else found.uses
    slots = usage.by_day(uses, found.span.hours if hourly else days, name_of)
    # Not divided by days on which the account did not exist.
    counted = len(days) if first_used_on is None else max(min(len(days), (days[-1] - first_used_on).days + 1), 1)
    weekly = len(slots) > WEEKS_FROM_DAYS
    slots = usage.weekly(slots) if weekly else slots
    chart = stacked(slots, [f"{slot.on:%H:%M}" if hourly else day_of_month(slot.on) for slot in slots])
    return Bars(
        chart=chart,
        slots=slots,
        rows=_rows(chart, uses, name_of),
        unit="hour" if hourly else "week" if weekly else "day",
        average=chart.total / (_hours(found.span) if hourly else counted),
        highest=max(slot.total for slot in slots),
    )


def _hours(span: usage.Span) -> int:
    """How many hours have begun in it: in a whole day 24, or 23 or 25 where the clocks change."""
    return max(-((span.since - span.until) // usage.HOUR), 1)


def _naming(account: int, by: str) -> Callable[[usage.Use], str]:
    """What a use is told apart by, in words."""
    if by == "endpoint":
        return lambda use: use.endpoint or "Not named"
    if by == "key":
        names = {key.id: f"{key.name} ({key.prefix}…)" for key in identity.keys_of(account)}
        return lambda use: names.get(use.api_key_id or 0, "A service key" if use.api_key_id else "Without a key")
    return lambda use: operation(use.operation)


def _rows(chart: Chart, uses: list[usage.Use], name_of: Callable[[usage.Use], str]) -> list[Row]:
    counts: dict[str, int] = {}
    for use in uses:
        counts[name_of(use)] = counts.get(name_of(use), 0) + use.operations - use.reversed_operations
    told = {series.name for series in chart.series if not series.merged}
    counts[REST] = sum(count for name, count in counts.items() if name not in told)
    return [
        Row(series.colour, series.name, series.merged, counts[series.name], series.total, series.share)
        for series in chart.series
    ]


def _forecast(account: int, time_zone: str) -> dict[str, Any]:
    outlook = usage.outlook(standing(), time_zone)
    return {"outlook": outlook, "expected": _expected(account, outlook) if outlook.steps else None}


def _expected(account: int, outlook: usage.Outlook) -> Expected | None:
    rest, ahead = outlook.rest_of_month(), outlook.project(SIZING_DAYS)
    if rest is None or ahead is None:
        return None
    month = usage.Span(usage.midnight(outlook.today.replace(day=1), outlook.zone), outlook.now, outlook.zone)
    used = usage.used_in(account, month)
    return Expected(
        month=usage.Range(used + rest.low, used + rest.expected, used + rest.high),
        offer=packages.recommend(packages.on_sale(checkout.bought(account)), ahead.expected),
        covers=ahead,
        line=line(outlook, _past(account, outlook)),
    )


def _past(account: int, outlook: usage.Outlook) -> list[Decimal]:
    """The balance at each of the last midnights."""
    return [stood.balance for stood in ledger.stood_before(account, past_midnights(outlook, ledger.opened_at(account)))]


def _offset(there: datetime) -> str:
    """What the clocks differ from UTC at this moment: UTC, UTC+5:45."""
    offset = there.utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    hours, rest = divmod(abs(minutes), 60)
    apart = f"{hours}:{rest:02}" if rest else str(hours)
    return f"UTC{'+' if minutes > 0 else MINUS}{apart}" if minutes else "UTC"
