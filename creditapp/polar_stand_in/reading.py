"""Reading what a client sent, and telling it everything that is wrong with it at once, in Polar's words."""

import re
import uuid
from typing import Any
from urllib.parse import urlsplit

from flask import request

from creditapp.polar_stand_in.refusals import Problem, misshapen, problem
from creditapp.polar_stand_in.store import Document

MAX_METADATA_KEYS, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500  # facts §4
MAX_URL = 2083
EMAIL = re.compile(r"[^@\s,;<>()\"]+@[^@\s,;<>()\"]+\.[^@\s.,;<>()\"]+")
COUNTRY = re.compile(r"[A-Z]{2}")
NOT_AN_OBJECT = "Input should be a valid dictionary or object to extract fields from"
NOT_ABSOLUTE = "relative URL without a base"
ADDRESS_FIELDS = ("line1", "line2", "postal_code", "city", "state")


def path_id(value: str) -> str:
    """An id from the path: a UUID, else 422."""
    found = _uuid(value)
    if found is None:
        raise misshapen(_not_uuid(["path", "id"], value))
    return found


class Body:
    """The JSON object of a request. Readers note what is wrong; ``done()`` refuses it all at once."""

    def __init__(self, *, optional: bool = False) -> None:
        given = request.get_json(force=True, silent=True)
        if optional and not request.get_data():
            given = {}
        if given is None and request.get_data():
            why = {"error": "Expecting value"}
            raise misshapen(problem("json_invalid", ["body", 0], "JSON decode error", {}, **why))
        if given is None:
            raise misshapen(problem("missing", ["body"], "Field required", None))
        if not isinstance(given, dict):
            raise misshapen(problem("model_attributes_type", ["body"], NOT_AN_OBJECT, given))
        self.given: Document = given
        self.problems: list[Problem] = []

    def __contains__(self, name: str) -> bool:
        """Whether the field was sent, be it null."""
        return name in self.given

    def done(self) -> None:
        """Refuse when anything was wrong."""
        if self.problems:
            raise misshapen(*self.problems)

    def wrong(self, kind: str, where: str | list[str | int], msg: str, given: Any, **context: Any) -> None:
        """Note one problem."""
        loc = [where] if isinstance(where, str) else where
        self.problems.append(problem(kind, ["body", *loc], msg, given, **context))

    def required(self, name: str) -> Any:
        """The field's value; absent or null is a problem."""
        if self.given.get(name) is None:
            if name in self.given:
                self.wrong("string_type", name, "Input should be a valid string", None)
            else:
                self.wrong("missing", name, "Field required", self.given)
        return self.given.get(name)

    def text(self, name: str, *, shortest: int = 0, longest: int = 5000) -> str | None:
        """A string or null."""
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong("string_type", name, "Input should be a valid string", value)
            return None
        self._length(value, [name], shortest, longest)
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str | None = None) -> str | None:
        """One of the allowed words."""
        value = self.given.get(name, default)
        if value is not None and value not in allowed:
            words = _either(allowed)
            self.wrong("enum", name, f"Input should be {words}", value, expected=words)
            return None
        return value if isinstance(value, str) else None

    def yes(self, name: str, *, default: bool | None) -> bool | None:
        """True or false."""
        value = self.given.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", value)
            return default
        return value

    def uuid(self, name: str) -> str | None:
        """A UUID or null."""
        value = self.given.get(name)
        return None if value is None else self.check_uuid([name], value)

    def check_uuid(self, loc: list[str | int], value: Any) -> str | None:
        """The value as a UUID; a problem when it is none."""
        found = _uuid(value)
        if found is None:
            self.problems.append(_not_uuid(["body", *loc], value))
        return found

    def email(self, name: str, *, required: bool = False) -> str | None:
        """An address that mail could go to."""
        value = self.required(name) if required else self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong("string_type", name, "Input should be a valid string", value)
            return None
        if not is_email(value):
            why = "The part after the @-sign is not valid." if "@" in value else "An email address must have an @-sign."
            self.wrong("value_error", name, f"value is not a valid email address: {why}", value, reason=why)
        return value

    def url(self, name: str) -> str | None:
        """A whole http(s) address."""
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong("url_type", name, "URL input should be a string or URL", value)
            return None
        scheme, host = _parts(value)
        if not scheme:
            self.wrong("url_parsing", name, f"Input should be a valid URL, {NOT_ABSOLUTE}", value, error=NOT_ABSOLUTE)
        elif scheme not in {"http", "https"}:
            schemes = "'http' or 'https'"
            self.wrong("url_scheme", name, f"URL scheme should be {schemes}", value, expected_schemes=schemes)
        elif not host:
            self.wrong("url_parsing", name, "Input should be a valid URL, empty host", value, error="empty host")
        elif len(value) > MAX_URL:
            self.wrong("url_too_long", name, f"URL should have at most {MAX_URL} characters", value, max_length=MAX_URL)
        return value

    def metadata(self, name: str = "metadata") -> Document:
        """At most 50 keys of up to 40 characters; values: text of 1 to 500 characters, a number, true or false."""
        value = self.given.get(name, {})
        if not isinstance(value, dict):
            self.wrong("dict_type", name, "Input should be a valid dictionary", value)
            return {}
        if len(value) > MAX_METADATA_KEYS:
            msg = f"Dictionary should have at most {MAX_METADATA_KEYS} items after validation, not {len(value)}"
            sizes = {"max_length": MAX_METADATA_KEYS, "actual_length": len(value)}
            self.wrong("too_long", name, msg, value, field_type="Dictionary", **sizes)
        for key, entry in value.items():
            self._length(key, [name, key, "[key]"], 1, MAX_METADATA_KEY)
            if isinstance(entry, str):
                if self._length(entry, [name, key, "constrained-str"], 1, MAX_METADATA_VALUE):
                    self._not_a_number(name, key, entry)
            elif not isinstance(entry, bool | int | float):
                self.wrong("string_type", [name, key, "constrained-str"], "Input should be a valid string", entry)
                self.wrong("int_type", [name, key, "int"], "Input should be a valid integer", entry)
                self.wrong("float_type", [name, key, "float"], "Input should be a valid number", entry)
                self.wrong("bool_type", [name, key, "bool"], "Input should be a valid boolean", entry)
        return value

    def address(self, name: str) -> Document | None:
        """A billing address: a country, and the rest as far as known."""
        value = self.given.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong("model_attributes_type", name, NOT_AN_OBJECT, value)
            return None
        if "country" not in value:
            self.wrong("missing", [name, "country"], "Field required", value)
        elif not isinstance(value["country"], str) or not COUNTRY.fullmatch(value["country"]):
            msg = "Input should be a two-letter country code"
            self.wrong("enum", [name, "country"], msg, value["country"], expected="a country code")
        for field in ADDRESS_FIELDS:
            if value.get(field) is not None and not isinstance(value[field], str):
                self.wrong("string_type", [name, field], "Input should be a valid string", value[field])
        return {**{field: value.get(field) or None for field in ADDRESS_FIELDS}, "country": value.get("country")}

    def _length(self, value: str, loc: list[str | int], shortest: int, longest: int) -> bool:
        """Note a text that is too short or too long; whether it was."""
        if len(value) < shortest:
            plural = "character" if shortest == 1 else "characters"
            msg = f"String should have at least {shortest} {plural}"
            self.wrong("string_too_short", loc, msg, value, min_length=shortest)
        elif len(value) > longest:
            msg = f"String should have at most {longest} characters"
            self.wrong("string_too_long", loc, msg, value, max_length=longest)
        return not shortest <= len(value) <= longest

    def _not_a_number(self, name: str, key: str, entry: str) -> None:
        """Polar tries every type of the union and reports each."""
        for kind, words in (
            ("int", "integer, unable to parse string as an integer"),
            ("float", "number, unable to parse string as a number"),
            ("bool", "boolean, unable to interpret input"),
        ):
            self.wrong(f"{kind}_parsing", [name, key, kind], f"Input should be a valid {words}", entry)


def _either(words: tuple[str, ...]) -> str:
    """'a', 'b' or 'c'."""
    quoted = [f"'{word}'" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if quoted[1:] else quoted[0]


def is_email(value: str) -> bool:
    """Whether mail could go there."""
    return bool(EMAIL.fullmatch(value))


def _uuid(value: Any) -> str | None:
    try:
        return str(uuid.UUID(value))
    except (ValueError, TypeError, AttributeError):
        return None


def _not_uuid(loc: list[str | int], value: Any) -> Problem:
    text = str(value)
    at, bad = next(((i, c) for i, c in enumerate(text, 1) if c not in "0123456789abcdefABCDEF-"), (0, ""))
    length = f"invalid length: expected length 32 for simple format, found {len(text)}"
    why = f"invalid character: found `{bad}` at {at}" if at else length
    return problem("uuid_parsing", loc, f"Input should be a valid UUID, {why}", value, error=why)


def _parts(value: str) -> tuple[str, str]:
    try:
        parts = urlsplit(value)
        return parts.scheme.lower(), parts.hostname or ""
    except ValueError:
        return "", ""
