"""How JSON comes in and goes out: exact numbers, strict shapes, problems in words."""

import json
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import simplejson
from flask import Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from creditapp import ledger
from creditapp.errors import CreditAppError, InvalidInput

DEEPEST = 32
PROBLEM = "application/problem+json"
SUBJECT = re.compile(r"^[A-Z][a-z]+ should\b")

Shape = TypeVar("Shape", bound=BaseModel)


class NotJson(CreditAppError):
    """The body can't be read as JSON."""

    code, status, title = "not_json", 400, "The body is not JSON"


class WrongContentType(CreditAppError):
    """The body is something else than JSON."""

    code, status, title = "wrong_content_type", 415, "Send JSON"


class WrongShape(InvalidInput):
    """The body is JSON, but not as described."""

    code, title = "invalid_request", "The request is not as described"


class Body(BaseModel):
    """A body of ours: unknown fields are refused, types are not guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)


def body(shape: type[Shape]) -> Shape:
    """The request's body as *shape*. Raises WrongContentType, NotJson and WrongShape."""
    if request.mimetype != "application/json":
        message = "Send the body with the header 'Content-Type: application/json'."
        raise WrongContentType(message)
    return shaped(shape, parse(request.get_data()))


def body_if_any(shape: type[Shape]) -> Shape:
    """The request's body as *shape*, whose fields are all optional: none at all is everything left out."""
    return body(shape) if request.get_data() else shaped(shape, {})


def query(shape: type[Shape]) -> Shape:
    """The request's query as *shape*. Raises WrongShape."""
    doubled = [name for name, values in request.args.lists() if len(values) > 1]
    if doubled:
        message = f"{doubled[0]} is given twice."
        raise WrongShape(message)
    return shaped(shape, request.args.to_dict(), strict=False)


def shaped(shape: type[Shape], value: Any, *, strict: bool = True) -> Shape:
    """*value* as *shape*. Raises WrongShape with every error in words."""
    try:
        return shape.model_validate(value, strict=strict)
    except ValidationError as error:
        errors = [
            {"field": ".".join(str(part) for part in found["loc"]) or "body", "message": _words(found["msg"])}
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        first = errors[0]
        message = f"{first['field']} {first['message']}."
        raise WrongShape(message, errors=errors) from None


def parse(raw: bytes) -> Any:
    """JSON with exact numbers; NaN, doubled names and bottomless nesting are refused. Raises NotJson."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text, parse_float=Decimal, parse_int=_int, parse_constant=_refuse_constant, object_pairs_hook=_once_each
        )
    except (ValueError, InvalidOperation, RecursionError) as error:
        message = str(error) if isinstance(error, _Refused) else "The body can't be read as JSON."
        raise NotJson(message) from None
    _check_depth(value)
    return value


def fingerprint(asked: BaseModel) -> str:
    """The mark of a request, to tell a repetition from another under its key: method, path, and what its body says.

    What is said as it is anyway is not said; and an item of a batch is the same request as a call of its own.
    """
    said = asked.model_dump(exclude={"account", "key"}, exclude_defaults=True)
    return ledger.fingerprint(request.method, request.path.removesuffix("/batch"), written(said))


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """*value* as JSON with plain, exact numbers."""
    return Response(written(value), status, headers, mimetype="application/json")


def written(value: Any) -> str:
    """JSON text: credits as plain numbers (25, 0.1), times in UTC."""
    return str(simplejson.dumps(_plain(value), use_decimal=True, separators=(",", ":"), ensure_ascii=False))


def problem(status: int, code: str, title: str, detail: str, **fields: Any) -> Response:
    """An error as RFC 9457 problem+json."""
    value = {"type": f"urn:credits:problem:{code}", "title": title, "status": status, "detail": detail, "code": code}
    value |= fields
    return Response(written(value), status, mimetype=PROBLEM)


def number(amount: Decimal) -> Decimal | int:
    """A Decimal as it is best written: whole where it is whole, without idle zeros else."""
    if amount == amount.to_integral_value():
        return int(amount)
    return amount.normalize()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


class _Refused(ValueError):
    """JSON that Python would read and we don't."""


def _int(text: str) -> int | Decimal:
    return int(text) if len(text) <= 20 else Decimal(text)


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not a number in JSON."
    raise _Refused(message)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "A name is given twice in one object."
        raise _Refused(message)
    return found


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        message = f"The body is nested deeper than {DEEPEST} levels."
        raise NotJson(message)
    if isinstance(value, dict):
        for part in value.values():
            _check_depth(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check_depth(part, depth + 1)


def _words(message: str) -> str:
    """Pydantic's words behind the name of the field: "Input should be" and "String should have" are a must."""
    said = SUBJECT.sub("must", message)
    return said[:1].lower() + said[1:]
