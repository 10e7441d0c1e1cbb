"""What a history's address asks for: typed by people, so that what can't be read is said beside its field."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from creditapp import ledger, usage

LONGEST_TEXT = 100
LONGEST_NUMBER = 18
LONGEST_DAY = 20
FIELDS = ("type", "from", "to", "operation", "q")


@dataclass(frozen=True, slots=True)
class Asked:
    """``typed`` is what stood in the address, ``filters`` what it means, ``errors`` what is wrong, by field.

    A field with an error narrows nothing. ``before`` and ``after`` are the numbers between which the page lies.
    """

    typed: dict[str, str]
    filters: ledger.Filters
    errors: dict[str, str]
    before: int | None
    after: int | None

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return self.filters != ledger.Filters()

    def address(self, **changed: str | int | None) -> dict[str, Any]:
        """The parameters of another address with the same filters, without its page; None leaves one out."""
        return {name: value for name, value in {**self.typed, **changed}.items() if value is not None}


def asked(parameters: Mapping[str, str], zone: ZoneInfo) -> Asked:
    """Read the parameters of an address; days are the account's, the last one included."""
    typed = {name: value for name in FIELDS if (value := parameters.get(name, "").strip())}
    errors: dict[str, str] = {}
    first, last = days(typed, errors)
    return Asked(
        typed=typed,
        filters=ledger.Filters(
            transaction_type=_type(typed, errors),
            operation_type=_text(typed, "operation", errors),
            since=usage.midnight(first, zone) if first else None,
            until=usage.midnight(last + timedelta(days=1), zone) if last else None,
            text=_text(typed, "q", errors),
        ),
        errors=errors,
        before=_number(parameters, "before", errors),
        after=_number(parameters, "after", errors),
    )


def days(typed: Mapping[str, str], errors: dict[str, str]) -> tuple[date | None, date | None]:
    """The days ``from`` and ``to``; None for one that is not given, or in error."""
    first, last = _day(typed, "from", errors), _day(typed, "to", errors)
    if first and last and last < first:
        errors["to"] = "The last day lies before the first one."
        return None, None
    return first, last


def _day(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> date | None:
    if name not in typed:
        return None
    try:
        found = date.fromisoformat(typed[name])
    except ValueError:
        found = None
    if found is None or not date(1970, 1, 2) <= found <= date(9000, 1, 1):
        # A browser's field for days shows nothing that is not one.
        errors[name] = f"“{typed[name][:LONGEST_DAY]}” is not a day. Enter one such as 2026-11-23."
        return None
    return found


def _type(typed: Mapping[str, str], errors: dict[str, str]) -> str | None:
    if typed.get("type") in {None, *ledger.TRANSACTION_TYPES}:
        return typed.get("type")
    errors["type"] = f"There is no such type of transaction. Choose one of: {', '.join(ledger.TRANSACTION_TYPES)}."
    return None


def _text(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> str | None:
    words = typed.get(name)
    if words is None:
        return None
    if len(words) > LONGEST_TEXT or not _is_plain(words):
        errors[name] = f"Enter at most {LONGEST_TEXT} ordinary characters."
        return None
    return words


def _is_plain(words: str) -> bool:
    # What no database takes: NUL, and halves of characters.
    return "\0" not in words and words == words.encode("utf-8", "replace").decode()


def _number(parameters: Mapping[str, str], name: str, errors: dict[str, str]) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= LONGEST_NUMBER:
        return int(value)
    errors["page"] = "There is no such page. This is the newest one."
    return None
