"""What an operation costs by a rate card: pure, no database and no clock."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from functools import lru_cache
from typing import Any

from creditapp.errors import InvalidInput
from creditapp.pricing.rate_card import LARGEST_SIZE, MILLIONTH, Parameter, Rate, RateCard

# Enough for the largest rate, every parameter and a million units: nothing is rounded but once, at the end.
EXACT = Context(prec=120)
TIMES = "\u00d7"
SHOWN = 40
PLAIN_PRICES = 4_096
MB = 1_000_000
UNITS_OF_SIZE = ((1_000_000 * MB, "TB"), (1_000 * MB, "GB"), (MB, "MB"), (1_000, "kB"))


class BadParameter(InvalidInput):
    """A parameter that the operation does not take, or with a value that it does not have."""

    code, title = "bad_parameter", "A parameter is wrong"

    def __init__(self, name: str, sentence: str) -> None:
        self.name = name
        super().__init__(sentence, errors=[{"field": f"parameters.{name[:SHOWN]}", "message": sentence}])


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a price: what for, by which rule, and how many credits more or less it makes."""

    label: str
    rule: str
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """What a quantity of an operation costs, line by line, and by which version of the rate card."""

    operation_type: str
    quantity: int
    parameters: Mapping[str, str | int]
    lines: tuple[Line, ...]
    total: Decimal
    version: str

    @property
    def unit_cost(self) -> Decimal:
        """What one unit comes to, to the millionth; the total is what counts."""
        return (self.total / self.quantity).quantize(MILLIONTH)

    @property
    def is_plain(self) -> bool:
        """Whether quantity times rate says all of it."""
        return len(self.lines) == 1


def cost(card: RateCard, operation_type: str, quantity: int = 1, parameters: Mapping[str, Any] | None = None) -> Price:
    """What *quantity* of an operation costs by *card*.

    Each unit at the rate of its step; times every parameter; at least the minimum; rounded up once, at the end.
    Raises UnknownOperation, BadParameter, and InvalidInput for a quantity below 1.
    """
    return (
        _cost(card, operation_type, quantity, parameters) if parameters else _plain_cost(card, operation_type, quantity)
    )


def in_words(value: str | int) -> str:
    """A parameter's value for people: complex, 12.5 MB."""
    if isinstance(value, str):
        return value
    for unit, name in UNITS_OF_SIZE:
        if value >= unit:
            return f"{_plain(Decimal(value) / unit)} {name}"
    return "1 byte" if value == 1 else f"{value} bytes"


@lru_cache(maxsize=PLAIN_PRICES)
def _plain_cost(card: RateCard, operation_type: str, quantity: int) -> Price:
    # Most charges are the same few, and a charge has no time to lose.
    return _cost(card, operation_type, quantity, {})


def _cost(card: RateCard, operation_type: str, quantity: int, parameters: Mapping[str, Any]) -> Price:
    rate = card.rate_of(operation_type)
    if quantity < 1:
        message = "The quantity must be 1 or more."
        raise InvalidInput(message)
    given = _checked(rate, parameters)
    with localcontext(EXACT):
        lines = list(_units(rate, quantity))
        total = sum((line.credits for line in lines), Decimal(0))
        for name, value in given.items():
            parameter = rate.parameters[name]
            factor = _factor(parameter, value)
            lines.append(
                Line(f"{parameter.name}: {in_words(value)}", f"{TIMES} {_plain(factor)}", total * factor - total)
            )
            total *= factor
        if rate.minimum is not None and total < rate.minimum:
            lines.append(Line("Minimum", f"at least {_plain(rate.minimum)}", rate.minimum - total))
            total = rate.minimum
        rounded = (total / rate.rounding).to_integral_value(ROUND_CEILING) * rate.rounding
        if rounded != total:
            lines.append(Line("Rounded up", f"to the next {_plain(rate.rounding)}", rounded - total))
    return Price(rate.key, quantity, given, tuple(lines), rounded, card.version)


def _checked(rate: Rate, parameters: Mapping[str, Any]) -> dict[str, str | int]:
    """The parameters that are given, in the order of the rate. Raises BadParameter."""
    for name in parameters:
        if name not in rate.parameters:
            known = ", ".join(rate.parameters) or "none"
            message = f"{rate.key} takes no parameter {name[:SHOWN]!r}. It takes: {known}."
            raise BadParameter(name, message)
    return {
        name: _value(rate, name, parameter, parameters[name])
        for name, parameter in rate.parameters.items()
        if name in parameters
    }


def _value(rate: Rate, name: str, parameter: Parameter, value: Any) -> str | int:
    if parameter.choices:
        if isinstance(value, str) and value in parameter.choices:
            return value
        message = f"{name} must be one of: {', '.join(parameter.choices)}."
        raise BadParameter(name, message)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not _is_whole(value):
        message = f"{name} must be a whole number of bytes."
        raise BadParameter(name, message)
    if not 0 < value <= LARGEST_SIZE:
        message = f"{name} must be from 1 to {LARGEST_SIZE:,} bytes."
        raise BadParameter(name, message)
    if value <= parameter.above:
        message = f"{rate.name} is for more than {in_words(parameter.above)}; {name} is in bytes."
        raise BadParameter(name, message)
    return int(value)


def _factor(parameter: Parameter, value: str | int) -> Decimal:
    if isinstance(value, str):
        return parameter.choices[value]
    return next(size.factor for size in parameter.sizes if size.up_to is None or value <= size.up_to)


def _units(rate: Rate, quantity: int) -> Iterator[Line]:
    """The units, each by its own step."""
    starts = [(1, rate.credits), *((step.from_unit, step.credits) for step in rate.steps)]
    ends = [*(start - 1 for start, _ in starts[1:]), quantity]
    for (start, credits), end in zip(starts, ends, strict=True):
        units = min(end, quantity) - start + 1
        if units > 0:
            label = f"{units:,} {TIMES} {rate.name}" + (f", from unit {start:,} on" if start > 1 else "")
            yield Line(label, f"{units:,} {TIMES} {_plain(credits)}", credits * units)


def _is_whole(value: int | Decimal) -> bool:
    return isinstance(value, int) or (value.is_finite() and value == value.to_integral_value())


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
