"""Numbers, money and moments as people read them: the filters of every page.

Nothing that decides something is ever abbreviated, and no number moves in width because of an idle zero.
"""

import time
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from zoneinfo import ZoneInfo

from flask import Flask, g
from markupsafe import Markup

from creditapp import clock, ledger
from creditapp.db import db
from creditapp.letters.render import credits, money
from creditapp.web import sessions

__all__ = [
    "about_days",
    "counted",
    "credits",
    "days_left",
    "local",
    "money",
    "on_day",
    "per_thousand",
    "register",
    "signed",
    "span_of_days",
    "wait_until",
    "zone",
]

MINUS = "\u2212"  # a hyphen is shorter than a plus
WEEK, MONTH, YEAR = Decimal(7), Decimal("30.4"), Decimal("365.25")
DAYS_UNTIL, WEEKS_UNTIL, MONTHS_UNTIL = 14, 63, 730  # up to so many days the smaller unit says more


def register(app: Flask) -> None:
    """Give the templates of *app* these words."""
    for word in (about_days, counted, credits, local, money, on_day, per_thousand, signed, span_of_days):
        app.add_template_filter(word)


def signed(amount: Decimal) -> str:
    """A movement of credits with its sign: plus 1,050, minus 50, 0."""
    if amount == 0:
        return "0"
    return ("+" if amount > 0 else MINUS) + credits(abs(amount))


def per_thousand(price_per_credit_cents: Decimal, currency: str) -> str:
    """What 1,000 credits cost, as money."""
    return money(int((price_per_credit_cents * 1000).to_integral_value()), currency)


def local(moment: datetime, *, seconds: bool = False) -> Markup:
    """The moment in the account's zone, to the minute; UTC on hover."""
    there = moment.astimezone(zone())
    words = f"{there.day} {there:%b %Y, %H:%M:%S}" if seconds else f"{there.day} {there:%b %Y, %H:%M}"
    return _time(moment, words)


def on_day(moment: datetime) -> Markup:
    """The day of the moment in the account's zone; UTC on hover."""
    there = moment.astimezone(zone())
    return _time(moment, f"{there.day} {there:%b %Y}")


def span_of_days(days: Decimal | int) -> str:
    """So many days in the unit that people would use: 8 days, 6 weeks, 13 months."""
    exact = Decimal(days)
    if exact < 1:
        return "less than a day"
    for limit, length, unit in (
        (DAYS_UNTIL, Decimal(1), "day"),
        (WEEKS_UNTIL, WEEK, "week"),
        (MONTHS_UNTIL, MONTH, "month"),
    ):
        if exact < limit:
            return counted(round(exact / length), unit)
    return counted(round(exact / YEAR), "year")


def about_days(days: Decimal | int) -> str:
    """The same within a sentence: about 8 days; less than a day."""
    return span_of_days(days) if Decimal(days) < 1 else f"about {span_of_days(days)}"


def counted(number: int, unit: str) -> str:
    """A number of things: 1 day, 2 days."""
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"


def days_left(until: datetime) -> int:
    """How many days are left, the last one counted as a whole."""
    left = until - clock.now()
    return max(left.days + (1 if left.seconds or left.microseconds else 0), 0)


def wait_until(moment: float) -> tuple[int, str]:
    """How long it is until *moment* on the real clock, in whole seconds and in words: 840, 14 minutes."""
    seconds = max(int(moment - time.time()), 1)
    return seconds, counted(ceil(seconds / 60), "minute")


def zone() -> ZoneInfo:
    """The zone in which the signed-in person's account is shown."""
    if "zone" not in g:
        name = db.session.scalar(db.select(ledger.Account.time_zone).where(ledger.Account.id == sessions.account_id()))
        g.zone = ZoneInfo(name or "UTC")
    found: ZoneInfo = g.zone
    return found


def _time(moment: datetime, words: str) -> Markup:
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        f"{exact:%Y-%m-%dT%H:%M:%SZ}", f"{exact.day} {exact:%b %Y, %H:%M:%S}", words
    )
