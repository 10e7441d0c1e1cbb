"""What a rate card is: rates, and the parameters that multiply them. Pure data, read strictly.

As JSON a card is what ``flask prices show --json`` prints; every number in it is text or a whole number, never a float.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from creditapp.errors import InvalidInput

MILLIONTH = Decimal("0.000001")
TENTH = Decimal("0.1")
LARGEST_RATE = 1_000_000
LARGEST_SIZE = 10**15
MOST_OPERATIONS, MOST_PARAMETERS, MOST_CHOICES, MOST_STEPS = 200, 10, 50, 50
KEY = r"^[a-z][a-z0-9_]*$"
VERSION = r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$"


class BadRateCard(InvalidInput):
    """What was given can't be a rate card; the words say where and why."""

    code, title = "bad_rate_card", "This is no rate card"


class UnknownOperation(InvalidInput):
    """The operation is not on the rate card."""

    code, title = "unknown_operation", "Unknown operation"


def _exact(value: Any) -> Any:
    if isinstance(value, float | bool):
        message = 'must be written as text or as a whole number, such as "1.5"'
        raise ValueError(message)  # noqa: TRY004 (pydantic listens to this one)
    return value


def _in_millionths(value: Decimal) -> Decimal:
    if value % MILLIONTH:
        message = "may have at most six decimals"
        raise ValueError(message)
    return value


Key = Annotated[str, StringConstraints(pattern=KEY, max_length=40)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Number = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, le=LARGEST_RATE), AfterValidator(_in_millionths)]
Factor = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, le=1_000, max_digits=7, decimal_places=4)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Size(_Part):
    """From one byte, or from where the size before it ended, up to and with ``up_to`` bytes; the last has no end."""

    up_to: Annotated[int, Field(gt=0, lt=LARGEST_SIZE, strict=True)] | None = None
    factor: Factor


class Parameter(_Part):
    """What multiplies a rate: a word of ``choices``, or a whole number of bytes in one of the ``sizes``.

    ``above`` is the size that is still too small for the operation.
    """

    name: Words
    choices: Annotated[Mapping[Key, Factor], Field(max_length=MOST_CHOICES)] = Field(default_factory=dict)
    sizes: Annotated[tuple[Size, ...], Field(max_length=MOST_STEPS)] = ()
    above: Annotated[int, Field(ge=0, lt=LARGEST_SIZE, strict=True)] = 0

    @model_validator(mode="after")
    def _of_one_kind(self) -> "Parameter":
        if bool(self.choices) == bool(self.sizes):
            message = "needs either choices or sizes"
            raise ValueError(message)
        ends = [size.up_to for size in self.sizes[:-1]]
        if self.sizes and (None in ends or self.sizes[-1].up_to is not None):
            message = "the last size has no up_to, every other has one"
            raise ValueError(message)
        if ends != sorted({end for end in ends if end}) or (ends and ends[0] and ends[0] <= self.above):
            message = "sizes must grow"
            raise ValueError(message)
        return self


class Step(_Part):
    """From this unit on, each costs so much."""

    from_unit: Annotated[int, Field(ge=2, strict=True)]
    credits: Number


class Rate(_Part):
    """What one unit of an operation costs, and what makes it more or less."""

    key: Key
    name: Words
    description: Words
    credits: Number
    steps: Annotated[tuple[Step, ...], Field(max_length=MOST_STEPS)] = ()
    parameters: Annotated[Mapping[Key, Parameter], Field(max_length=MOST_PARAMETERS)] = Field(default_factory=dict)
    minimum: Number | None = None
    rounding: Number = TENTH

    @model_validator(mode="after")
    def _graduated(self) -> "Rate":
        starts = [step.from_unit for step in self.steps]
        if starts != sorted(set(starts)):
            message = "steps must grow"
            raise ValueError(message)
        return self


class RateCard(_Part):
    """Rates that hold together; every charge stores the version that priced it."""

    version: Annotated[str, StringConstraints(pattern=VERSION, max_length=32)]
    operations: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=MOST_OPERATIONS)]
    aliases: Annotated[Mapping[Key, Key], Field(max_length=MOST_OPERATIONS)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _unambiguous(self) -> "RateCard":
        keys = [rate.key for rate in self.operations]
        if len(keys) != len(set(keys)):
            message = "an operation is there twice"
            raise ValueError(message)
        for alias, key in self.aliases.items():
            if alias in keys or key not in keys:
                message = f"the alias {alias} must be another name for an operation of this card"
                raise ValueError(message)
        return self

    def __hash__(self) -> int:
        return hash(self.version)

    @cached_property
    def rates(self) -> Mapping[str, Rate]:
        """Every rate, by its key."""
        return {rate.key: rate for rate in self.operations}

    def rate_of(self, operation_type: str) -> Rate:
        """The rate of an operation, by its key or an alias. Raises UnknownOperation."""
        rate = self.rates.get(self.aliases.get(operation_type, operation_type))
        if rate is None:
            message = f"{operation_type!r} is not on the rate card. It has: {', '.join(self.rates)}."
            raise UnknownOperation(message)
        return rate


def read_card(value: Any) -> RateCard:
    """*value*, as JSON has it, as a rate card. Raises BadRateCard, which names the first thing that is wrong."""
    try:
        return RateCard.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the card"
        message = f"{where}: {first['msg'].removeprefix('Value error, ')}."
        raise BadRateCard(message) from None
