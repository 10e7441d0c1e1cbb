"""How JSON comes in and goes out: exact numbers, strict shapes, problems in words."""

import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, NoReturn, TypeVar

import simplejson
from flask import Response, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError, WithJsonSchema
from pydantic_core import PydanticCustomError

from creditapp import ledger
from creditapp.db import MILLIONTH
from creditapp.errors import CreditAppError, InvalidInput

DEEPEST = 32
PROBLEM = "application/problem+json"
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
LARGEST, IN_A_STRING = 1_000_000_000, r"^[0-9]{1,10}(\.[0-9]{1,6})?$"
LONGEST_METADATA = 8_192
LONGEST_WORD = 100
LONGEST_INTEGER = 300  # digits, as many as the largest float has
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199

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


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise PydanticCustomError("amount", "must be a number of credits")
    if isinstance(value, str) and not PLAIN_NUMBER.fullmatch(value):
        raise PydanticCustomError("amount", "must be a plain number such as 12.5")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise PydanticCustomError("amount", "must be a plain number such as 12.5") from None
    if not _is_within_reach(amount):
        raise PydanticCustomError("amount", "is out of range")
    if amount <= 0:
        raise PydanticCustomError("amount", "must be greater than 0")
    if amount.quantize(MILLIONTH) != amount:
        raise PydanticCustomError("amount", "may have at most six decimals")
    if amount > LARGEST:
        raise PydanticCustomError("amount", "must be at most 1,000,000,000")
    return amount


def _is_within_reach(number: Decimal) -> bool:
    """Whether it can be written out: a dozen letters can stand for millions of digits."""
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and number.adjusted() <= 18 and exponent >= -20


def _threshold(value: Any) -> Decimal:
    return Decimal(0) if value in (0, "0") and not isinstance(value, bool) else _amount(value)


def _storable(value: Any) -> Any:
    if isinstance(value, str) and ("\x00" in value or not _is_unicode(value)):
        raise PydanticCustomError("text", "holds characters that can't be stored")
    return value


def _parameter(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise PydanticCustomError("parameter", "must be a word or a number")
    if isinstance(value, Decimal) and not _is_within_reach(value):
        raise PydanticCustomError("parameter", "is out of range")
    if isinstance(value, str) and len(value) > LONGEST_WORD:
        raise PydanticCustomError("parameter", "must be at most 100 characters")
    return _storable(value)


def _metadata(value: Any) -> Any:
    if isinstance(value, dict):
        text = simplejson.dumps(value, use_decimal=True)
        if len(text) > LONGEST_METADATA:
            raise PydanticCustomError("metadata", "must be smaller than 8 KB")
        if "\\u0000" in text or not _is_unicode(simplejson.dumps(value, use_decimal=True, ensure_ascii=False)):
            raise PydanticCustomError("metadata", "holds characters that can't be stored")
        return json.loads(text, parse_float=_finite, parse_int=_finite_int)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise PydanticCustomError("metadata", "holds a number that is out of range")
    return value


def _finite_int(text: str) -> int:
    if len(text) > LONGEST_INTEGER:
        raise PydanticCustomError("metadata", "holds a number that is out of range")
    return int(text)


def _moment(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise PydanticCustomError("moment", "must be a time such as 2026-11-23T14:21:00Z")
    try:
        moment = datetime.fromisoformat(value)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("moment", "must be a time such as 2026-11-23T14:21:00Z") from None
    if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise PydanticCustomError("moment", f"must be of the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    if moment.tzinfo is None:
        raise PydanticCustomError("moment", "must name its zone, such as 2026-11-23T14:21:00Z")
    return moment


def _day(value: Any) -> Any:
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("day", "must be a day such as 2026-11-23") from None
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise PydanticCustomError("day", f"must be of the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    return day


def _number(**bounds: float) -> WithJsonSchema:
    """How an amount is described: a number, or the same in a string."""
    return WithJsonSchema({"type": ["number", "string"], **bounds, "maximum": LARGEST, "pattern": IN_A_STRING})


Amount = Annotated[Decimal, BeforeValidator(_amount), _number(exclusiveMinimum=0)]
Threshold = Annotated[Decimal, BeforeValidator(_threshold), _number(minimum=0)]
KeyText = Annotated[str, StringConstraints(min_length=1, pattern=r"^[\x20-\x7e]+$")]
Text = Annotated[str, BeforeValidator(_storable), StringConstraints(min_length=1, max_length=255)]
Label = Annotated[str, BeforeValidator(_storable), StringConstraints(min_length=1, max_length=LONGEST_WORD)]
LongText = Annotated[str, BeforeValidator(_storable), StringConstraints(max_length=1_000)]
Parameter = Annotated[
    Any, BeforeValidator(_parameter), WithJsonSchema({"type": ["string", "number"], "maxLength": LONGEST_WORD})
]
Metadata = Annotated[dict[str, Any], BeforeValidator(_metadata), WithJsonSchema({"type": "object"})]
Moment = Annotated[
    datetime | None, BeforeValidator(_moment), WithJsonSchema({"type": ["string", "null"], "format": "date-time"})
]

Day = Annotated[date | None, BeforeValidator(_day), WithJsonSchema({"type": ["string", "null"], "format": "date"})]


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
    """The mark of a request, to tell a repetition from another under its key: method, path, and body with defaults."""
    return ledger.fingerprint(request.method, request.path, written(asked.model_dump(exclude={"account"})))


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


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _words(message: str) -> str:
    return message[:1].lower() + message[1:]
