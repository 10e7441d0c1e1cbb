"""What a field of a call may be: exact amounts, texts that can be stored, moments, days."""

import json
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import simplejson
from pydantic import BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from creditapp.db import MILLIONTH

PLAIN_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
LARGEST, IN_A_STRING = 1_000_000_000, r"^[0-9]{1,10}(\.[0-9]{1,6})?$"
LONGEST_METADATA = 8_192
LONGEST_WORD = 100
LONGEST_INTEGER = 300  # digits, as many as the largest float has
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199


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


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _number(**bounds: float) -> WithJsonSchema:
    """How an amount is described: a number, or the same in a string."""
    return WithJsonSchema({"type": ["number", "string"], **bounds, "maximum": LARGEST, "pattern": IN_A_STRING})


Amount = Annotated[Decimal, BeforeValidator(_amount), _number(exclusiveMinimum=0)]
Threshold = Annotated[Decimal, BeforeValidator(_threshold), _number(minimum=0)]
KeyText = Annotated[str, StringConstraints(min_length=1, pattern=r"^[\x20-\x7e]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=255), BeforeValidator(_storable)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_WORD), BeforeValidator(_storable)]
LongText = Annotated[str, StringConstraints(max_length=1_000), BeforeValidator(_storable)]
Parameter = Annotated[
    Any, BeforeValidator(_parameter), WithJsonSchema({"type": ["string", "number"], "maxLength": LONGEST_WORD})
]
Metadata = Annotated[dict[str, Any], BeforeValidator(_metadata), WithJsonSchema({"type": "object"})]
Moment = Annotated[
    datetime | None, BeforeValidator(_moment), WithJsonSchema({"type": ["string", "null"], "format": "date-time"})
]
Day = Annotated[date | None, BeforeValidator(_day), WithJsonSchema({"type": ["string", "null"], "format": "date"})]
