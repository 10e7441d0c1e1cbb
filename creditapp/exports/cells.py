"""Values as a spreadsheet and as JSON take them: exact, and never run."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

# Spreadsheets take a cell that begins so for a formula, and run it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(text: str | None) -> str:
    """A text as a cell that no spreadsheet runs."""
    if text is None:
        return ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def plain(amount: Decimal) -> str:
    """A number as a program reads it: no grouping, no idle zeros, no exponent."""
    return f"{amount.normalize():f}"


def as_cell(value: Any) -> str:
    """Any value of a row as a cell."""
    match value:
        case None:
            return ""
        case int():
            return str(value).lower()  # true and false too
        case Decimal():
            return plain(value)
        case datetime():
            return moment(value)
        case str():
            return cell(value)
        case _:
            return cell(json.dumps(value, ensure_ascii=False))


def as_json(name: str, value: Any) -> Any:
    """The same for JSON: exact numbers, and ids as text, which no program rounds."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, int) and not isinstance(value, bool) and (name == "id" or name.endswith("_id")):
        return str(value)
    return value


def moment(value: datetime) -> str:
    """A moment, in UTC: 2026-11-25T10:00:00.123456Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
