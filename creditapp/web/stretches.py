"""Which stretch of time a usage page's address asks for; what is wrong with its days is said beside their fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from creditapp import usage
from creditapp.web.filters import days
from creditapp.web.movements import day
from creditapp.web.words import counted

PERIODS: Mapping[str, tuple[str, str]] = {
    usage.LAST_24_HOURS: ("24 h", "24 hours"),
    "last_7_days": ("7 days", "7 days"),
    usage.USUAL_PERIOD: ("30 days", "30 days"),
    "last_90_days": ("90 days", "90 days"),
    "last_year": ("1 year", "year"),
}
CUSTOM = "custom"
GROUPINGS = {"operation": "Operation", "endpoint": "Endpoint", "key": "Key"}
FIELDS = ("from", "to")
USUAL_DAYS = 30


@dataclass(frozen=True, slots=True)
class Stretch:
    """``period`` and ``by`` as they are shown; the days of a custom period, else None.

    ``typed`` is what stood in the fields, ``errors`` what is wrong, by field: then the usual days are shown. *known* is
    False where there is no such period or split.
    """

    period: str
    by: str
    days: tuple[date, date] | None
    typed: dict[str, str]
    errors: dict[str, str]
    known: bool

    @property
    def is_refused(self) -> bool:
        """Whether something else is shown than was asked for."""
        return bool(self.errors) or not self.known

    @property
    def words(self) -> str:
        """How long it is: 24 hours, 15 days, year."""
        if self.days is None:
            return PERIODS[self.period][1]
        first, last = self.days
        return counted((last - first).days + 1, "day")

    @property
    def place(self) -> str:
        """Where it lies: in the last 24 hours, from 1 Oct 2026 to 15 Oct 2026."""
        if self.days is None:
            return f"in the last {self.words}"
        first, last = self.days
        return f"on {day(first)}" if first == last else f"from {day(first)} to {day(last)}"

    def address(self, **changed: str) -> dict[str, str]:
        """The parameters of another address; days stand in it only where the period is a custom one."""
        found = {"period": self.period, "by": self.by, **changed}
        if found["period"] == CUSTOM and self.days:
            found |= {name: on.isoformat() for name, on in zip(FIELDS, self.days, strict=True)}
        return found


def asked(parameters: Mapping[str, str], today: date) -> Stretch:
    """Read the parameters of an address; days are the account's, both included."""
    period, by = parameters.get("period", usage.USUAL_PERIOD), parameters.get("by", "operation")
    if by not in GROUPINGS or period not in {*PERIODS, CUSTOM}:
        return Stretch(usage.USUAL_PERIOD, "operation", None, {}, {}, known=False)
    if period != CUSTOM:
        return Stretch(period, by, None, {}, {}, known=True)
    typed = {name: value for name in FIELDS if (value := parameters.get(name, "").strip())}
    errors: dict[str, str] = {}
    found = _days(typed, today, errors)
    return Stretch(period, by, found, typed, errors, known=True)


def _days(typed: Mapping[str, str], today: date, errors: dict[str, str]) -> tuple[date, date]:
    usual = today - (USUAL_DAYS - 1) * usage.DAY, today
    if not typed:
        return usual
    first, last = days(typed, errors)
    for name in FIELDS:
        if name not in typed:
            errors[name] = "Choose a day."
    for name, on in zip(FIELDS, (first, last), strict=True):
        if on and on > today:
            errors[name] = f"This day is yet to come: today is {day(today)}."
    if first and last and (last - first).days >= usage.LONGEST_DAYS:
        latest = day(first + (usage.LONGEST_DAYS - 1) * usage.DAY)
        errors.setdefault(
            "to", f"At most {usage.LONGEST_DAYS} days are shown at once: end on {latest}, or begin later."
        )
    return usual if errors or first is None or last is None else (first, last)
