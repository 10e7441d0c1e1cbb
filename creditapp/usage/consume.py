"""Charging for an operation."""

from dataclasses import replace
from decimal import Decimal

from creditapp import ledger, pricing
from creditapp.db import MILLIONTH


def consume(
    account_id: int, charge: ledger.Charge, *, amount: Decimal | None = None, quantity: int = 1
) -> ledger.Spent:
    """Charge the account for *quantity* of the charge's operation by the rate card, or exactly *amount*.

    Raises pricing.UnknownOperation and everything ``ledger.spend`` raises.
    """
    if amount is not None:
        ledger.check_amount(amount)
        # Not every amount divides evenly; the amount is what counts, the unit cost is for reading.
        each = (amount / quantity).quantize(MILLIONTH)
        return ledger.spend(account_id, replace(charge, amount=amount, units=quantity, unit_cost=each))
    price = pricing.cost(charge.operation_type or "", quantity)
    return ledger.spend(
        account_id,
        replace(
            charge,
            amount=price.total,
            operation_type=price.operation_type,
            units=price.quantity,
            unit_cost=price.unit_cost,
            price_version=price.version,
        ),
    )
