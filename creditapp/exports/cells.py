"""Values as a spreadsheet and as JSON take them: exact, and never run."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

# Spreadsheets take what begins with a sign (a wide one too) for a formula, and run it: at the beginning of a cell, and
# within it where a file is read with another separator than its comma, which then cuts it anywhere.
FORMULA = re.compile(r"""^(?=[\t\r\n])|(?:^|[;|\t\r\n])[\s,;|"']*(?=[=+\-@\uff1d\uff0b\uff0d\uff20])""")


def cell(text: str | None) -> str:
    """A text as a cell that no spreadsheet runs: an apostrophe stands where a formula would begin."""
    return FORMULA.sub(lambda before: f"{before[0]}'", text or "")


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
