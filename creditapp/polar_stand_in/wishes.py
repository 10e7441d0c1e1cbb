"""Reading what ``/_control`` is told: plain JSON, refused with one sentence when it is not understood."""

from typing import Any

from flask import request

from creditapp.polar_stand_in.refusals import Refusal


def wishes(*known: str) -> dict[str, Any]:
    """What was sent; only the *known* names."""
    sent = request.get_json(force=True, silent=True)
    if not isinstance(sent, dict):
        raise bad("Send a JSON object.")
    unknown = sorted(set(sent) - set(known))
    if unknown:
        raise bad(f"{unknown[0]} is not known here; {', '.join(known)} are.")
    return sent


def yes(given: dict[str, Any], name: str) -> bool:
    """True or false; false when it was left out."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise bad(f"{name} must be true or false.")
    return value


def number(given: dict[str, Any], name: str, default: float, most: float) -> float:
    """A number from 0 to *most*."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:  # NaN is not
        raise bad(f"{name} must be a number from 0 to {most}.")
    return value


def whole(given: dict[str, Any], name: str, default: int, most: int) -> int:
    """A whole number from 1 to *most*."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise bad(f"{name} must be a whole number from 1 to {most}.")
    return value


def bad(sentence: str) -> Refusal:
    """422 with the sentence that says what to send instead."""
    return Refusal(422, {"error": "BadControl", "detail": sentence})
