"""Charging for an operation."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from creditapp import ledger, pricing
from creditapp.db import MILLIONTH

# Where a charge keeps the lines of a price that is more than quantity times rate; its other details are the caller's.
PRICE_DETAIL = "_price"


def consume(
    account_id: int,
    charge: ledger.Charge,
    *,
    amount: Decimal | None = None,
    quantity: int = 1,
    parameters: Mapping[str, Any] | None = None,
) -> ledger.Spent:
    """Charge the account for *quantity* of the charge's operation by the rate card, or exactly *amount*.

    Raises everything that ``priced`` and ``ledger.spend`` raise.
    """
    return ledger.spend(account_id, rated(charge, amount=amount, quantity=quantity, parameters=parameters))


def rated(
    charge: ledger.Charge,
    *,
    amount: Decimal | None = None,
    quantity: int = 1,
    parameters: Mapping[str, Any] | None = None,
) -> ledger.Charge:
    """The charge with what it costs: *quantity* of its operation by the rate card, or exactly *amount*.

    Raises everything that ``priced`` raises.
    """
    if amount is not None:
        ledger.check_amount(amount)
        # Not every amount divides evenly; the amount is what counts, the unit cost is for reading.
        each = (amount / quantity).quantize(MILLIONTH)
        return replace(charge, amount=amount, units=quantity, unit_cost=each)
    price = priced(charge.operation_type or "", quantity, parameters)
    return replace(
        charge,
        amount=price.total,
        operation_type=price.operation_type,
        units=price.quantity,
        unit_cost=price.unit_cost,
        price_version=price.version,
        details=charge.details if price.is_plain else charge.details | {PRICE_DETAIL: _compact(price)},
    )


def priced(operation_type: str, quantity: int = 1, parameters: Mapping[str, Any] | None = None) -> pricing.Price:
    """What an operation costs now.

    Raises pricing.UnknownOperation, pricing.BadParameter, InvalidInput for a quantity below 1, and
    ledger.InvalidAmount for a price that nobody could pay at once.
    """
    price = pricing.cost(pricing.current_card(), operation_type, quantity, parameters)
    ledger.check_amount(price.total)
    return price


def price_lines(details: Mapping[str, Any]) -> list[pricing.Line]:
    """The lines of the price, as the details of a charge keep them; none where quantity times rate says all."""
    lines = details.get(PRICE_DETAIL, {}).get("lines", [])
    return [pricing.Line(label, rule, Decimal(credits)) for label, rule, credits in lines]


def _compact(price: pricing.Price) -> dict[str, Any]:
    lines = [[line.label, line.rule, f"{line.credits.normalize():f}"] for line in price.lines]
    return {"parameters": dict(price.parameters), "lines": lines}
