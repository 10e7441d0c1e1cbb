"""How Polar says no: the statuses and bodies of its recorded refusals (facts §1.3).

Two kinds of 422 exist: ``RequestValidationError`` for a body or query that has the wrong shape, and
``PolarRequestValidationError`` for one that is well formed but refers to something that is not so.
"""

from typing import Any

Problem = dict[str, Any]


class Refusal(Exception):
    """An answer that ends the request; the open transaction is rolled back. Without a body it is empty."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def problem(kind: str, loc: list[str | int], msg: str, given: Any, **context: Any) -> Problem:
    """One entry of ``detail``: what is wrong, where, in words, and what was given."""
    entry = {"type": kind, "loc": loc, "msg": msg, "input": given}
    return {**entry, "ctx": context} if context else entry


def misshapen(*problems: Problem) -> Refusal:
    """422: the request does not have the documented shape."""
    return Refusal(422, {"error": "RequestValidationError", "detail": list(problems)})


def refused(*problems: Problem) -> Refusal:
    """422: well formed, but it refers to something that does not exist or may not be."""
    return Refusal(422, {"error": "PolarRequestValidationError", "detail": list(problems)})


def wrong_value(loc: list[str | int], msg: str, given: Any) -> Refusal:
    """422 with a single ``value_error``."""
    return refused(problem("value_error", loc, msg, given))


def not_found() -> Refusal:
    """404 for an id that nobody has."""
    return Refusal(404, {"error": "ResourceNotFound", "detail": "Not found"})


def named(status: int, error: str, detail: str) -> Refusal:
    """Any other refusal that Polar gives a name."""
    return Refusal(status, {"error": error, "detail": detail})


def no_token() -> Refusal:
    """401 without a bearer token."""
    body = {"error": "Unauthorized", "detail": "Unauthorized"}
    return Refusal(401, body, {"WWW-Authenticate": 'Bearer realm="polar"'})


def bad_token() -> Refusal:
    """401 for a token that is not the one we know."""
    why = "The access token provided is expired, revoked, malformed, or invalid for other reasons."
    header = f'Bearer realm="polar", error="invalid_token", error_description="{why}"'
    return Refusal(401, {"error": "invalid_token", "error_description": why}, {"WWW-Authenticate": header})


def unknown_version() -> Refusal:
    """404 for an API version that is not served (facts §1.2)."""
    return Refusal(404, {"detail": "Not Found"})
