"""Lists as Polar gives them: filters, sorting, and pages of at most 100 (facts §5)."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, request

from creditapp.polar_stand_in.refusals import misshapen, problem
from creditapp.polar_stand_in.store import Document

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
METADATA_FILTER = re.compile(r"metadata\[(.+)\]")


def asked(name: str) -> list[str]:
    """Every value given for a filter; empty when it was left out."""
    return request.args.getlist(name)


def asked_yes(name: str) -> bool | None:
    """A true/false filter, or None when it was left out."""
    value = request.args.get(name)
    return None if value is None else value.lower() in {"true", "1", "yes", "on"}


def asked_moment(name: str) -> datetime | None:
    """A time filter; what cannot be read is a 422."""
    value = request.args.get(name)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        msg = "Input should be a valid datetime or date, invalid character in year"
        raise misshapen(problem("datetime_from_date_parsing", ["query", name], msg, value)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def matching(documents: Iterable[Document], **fields: str) -> list[Document]:
    """Keep what fits the query: each *document field* = *query name*, and ``metadata[k]=v``."""
    wanted = {field: asked(name) for field, name in fields.items() if asked(name)}
    notes = {found[1]: asked(name) for name in request.args if (found := METADATA_FILTER.fullmatch(name))}
    return [
        d
        for d in documents
        if all(_as_text(d.get(field)) in values for field, values in wanted.items())
        and all(_as_text((d.get("metadata") or {}).get(key)) in values for key, values in notes.items())
    ]


def page(
    documents: Sequence[Document],
    shape: Callable[[Document], Any],
    *,
    sorts: dict[str, Callable[[Document], Any]] | None = None,
    default_sort: str = "-created_at",
) -> Response:
    """The asked page of *documents* (given oldest first), newest first unless ``sorting`` says otherwise."""
    number, limit = _whole("page", 1), min(_whole("limit", DEFAULT_LIMIT), MAX_LIMIT)
    ordered = _sorted(list(documents), sorts or {"created_at": lambda d: d["created_at"]}, default_sort)
    shown = ordered[(number - 1) * limit : number * limit]
    pagination = {"total_count": len(ordered), "max_page": -(-len(ordered) // limit)}
    return jsonify({"items": [shape(d) for d in shown], "pagination": pagination})


def _sorted(documents: list[Document], sorts: dict[str, Callable[[Document], Any]], default: str) -> list[Document]:
    for key in reversed(asked("sorting") or [default]):
        name = key.removeprefix("-")
        if name not in sorts:
            words = ", ".join(f"'{sign}{known}'" for known in sorts for sign in ("", "-"))
            raise misshapen(problem("enum", ["query", "sorting", 0], f"Input should be {words}", key, expected=words))
        if key.startswith("-"):
            documents.reverse()  # equal keys: the newest first
        documents.sort(key=sorts[name], reverse=key.startswith("-"))
    return documents


def _whole(name: str, default: int) -> int:
    value = request.args.get(name, str(default))
    try:
        number = int(value)
    except ValueError:
        msg = "Input should be a valid integer, unable to parse string as an integer"
        raise misshapen(problem("int_parsing", ["query", name], msg, value)) from None
    if number < 1:
        raise misshapen(problem("greater_than", ["query", name], "Input should be greater than 0", value, gt=0))
    return number


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
