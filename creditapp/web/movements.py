"""Credit transactions in words: what they are called, how they are coloured, what they were for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask import Flask

from creditapp import ledger, pricing, usage
from creditapp.letters.render import credits
from creditapp.web.words import counted

TYPES = {
    "purchase": "Purchase",
    "consumption": "Usage",
    "refund": "Refund",
    "bonus": "Bonus",
    "adjustment": "Adjustment",
    "reversal": "Given back",
    "expiration": "Expired",
    "repayment": "Debt repaid",
}
TONES = {
    "purchase": "ok",
    "bonus": "ok",
    "refund": "warn",
    "expiration": "warn",
    "reversal": "accent",
    "adjustment": "",
    "repayment": "",
}
WHOLE_FROM = 10  # a day's pace from here on needs no decimals
LONGEST_RUNWAY_DAYS = usage.HORIZON_DAYS


@dataclass(frozen=True, slots=True)
class Movement:
    """A credit transaction as a row of a table: what happened, of what kind."""

    transaction: ledger.CreditTransaction
    units: int

    @property
    def title(self) -> str:
        """What happened, in a few words: its description, else its operation, else its kind."""
        entry = self.transaction
        return entry.description or (operation(entry.operation_type) if entry.operation_type else self.kind)

    @property
    def kind(self) -> str:
        """Its type, in a word."""
        return TYPES[self.transaction.transaction_type]

    @property
    def tone(self) -> str | None:
        """The colour of its type; None for plain usage, which needs no mark."""
        return TONES.get(self.transaction.transaction_type)


def register(app: Flask) -> None:
    """Give the templates of *app* these words."""
    for word in (operation, day, day_of_month, month, lasting, pace):
        app.add_template_filter(word)
    app.add_template_filter(pricing.in_words, "size_in_words")
    app.jinja_env.globals["enough_days"] = usage.ENOUGH_DAYS


def movements(transactions: Sequence[ledger.CreditTransaction]) -> list[Movement]:
    """These transactions as rows, each with the units it was for."""
    charges = [entry.id for entry in transactions if entry.transaction_type == "consumption"]
    units = usage.units_of(charges) if charges else {}
    return [Movement(entry, units.get(entry.id, 1)) for entry in transactions]


def operation(key: str) -> str:
    """The name of an operation on the rate card, or its label as it was given."""
    if key == usage.UNLABELLED:
        return "Other"
    return pricing.name_of(key) or key


def pace(daily: Decimal) -> str:
    """Credits a day, as exactly as a pace is known: 126 credits, 2.5 credits."""
    rounded = round(daily) if daily >= WHOLE_FROM else round(daily, 1)
    return f"{credits(rounded)} credits" if rounded > 0 else "less than 0.1 credits"


def lasting(days: int, roughly: str = "≈") -> str:
    """How long credits last: ≈ 41 days, less than a day."""
    if days < 1:
        return "less than a day"
    if days >= LONGEST_RUNWAY_DAYS:
        return "more than two years"
    return f"{roughly} {counted(days, 'day')}"


def day(on: date) -> str:
    """A day: 3 Jan 2027."""
    return f"{on.day} {on:%b %Y}"


def month(of: usage.Month) -> str:
    """A month: November 2026."""
    return f"{of.first_day:%B %Y}"


def day_of_month(on: date) -> str:
    """A day of these weeks: 3 Jan."""
    return f"{on.day} {on:%b}"
