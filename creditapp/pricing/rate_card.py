"""The rate card and what an operation costs by it: pure, no database and no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from creditapp.errors import InvalidInput


class UnknownOperation(InvalidInput):
    """The operation is not on the rate card."""

    code, title = "unknown_operation", "Unknown operation"


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of an operation costs."""

    key: str
    name: str
    description: str
    credits: Decimal


@dataclass(frozen=True, slots=True)
class RateCard:
    """Rates that hold together from one day on; every charge stores the version that priced it."""

    version: str
    rates: Mapping[str, Rate]
    aliases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Price:
    """What a quantity of an operation costs, and by which version of the rate card."""

    operation_type: str
    quantity: int
    unit_cost: Decimal
    total: Decimal
    version: str


def _rates(*rates: tuple[str, str, int, str]) -> dict[str, Rate]:
    return {key: Rate(key, name, description, Decimal(credits)) for key, name, credits, description in rates}


RATE_CARD = RateCard(
    version="2026-11",
    rates=_rates(
        ("basic_api_call", "Basic API call", 1, "Simple data retrieval"),
        ("advanced_api_call", "Advanced API call", 5, "Complex processing"),
        ("image_processing", "Image processing", 10, "Each image analysed"),
        ("ai_analysis", "AI analysis", 25, "Machine learning operations"),
        ("large_file_processing", "Large file processing", 50, "Files over 10 MB"),
        ("data_export", "Data export", 15, "Each export"),
    ),
    aliases={"api_call": "basic_api_call"},
)


def rate_of(operation_type: str, card: RateCard = RATE_CARD) -> Rate:
    """The rate of an operation, by its key or an alias. Raises UnknownOperation."""
    rate = card.rates.get(card.aliases.get(operation_type, operation_type))
    if rate is None:
        message = f"{operation_type!r} is not on the rate card. It has: {', '.join(card.rates)}."
        raise UnknownOperation(message)
    return rate


def cost(operation_type: str, quantity: int = 1, card: RateCard = RATE_CARD) -> Price:
    """What *quantity* of an operation costs. Raises UnknownOperation, and InvalidInput for a quantity below 1."""
    if quantity < 1:
        message = "The quantity must be 1 or more."
        raise InvalidInput(message)
    rate = rate_of(operation_type, card)
    return Price(rate.key, quantity, rate.credits, rate.credits * quantity, card.version)
