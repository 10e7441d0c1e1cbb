"""``POST estimate``: what an operation would cost, and what would be left."""

from collections.abc import Sequence
from decimal import Decimal

from flask import Blueprint, Response

from creditapp import pricing, usage
from creditapp.api.callers import account_of, caller
from creditapp.api.consume import Operation
from creditapp.api.transactions import lines_as_json
from creditapp.api.wire import answer, body


def register(bp: Blueprint) -> None:
    """Hang ``POST estimate`` into the API."""
    bp.add_url_rule("/estimate", "estimate", estimate, methods=["POST"])


def estimate() -> Response:
    """The price of what ``POST consume`` would charge, line by line. Nothing is charged, nothing is held."""
    program = caller("read")
    asked = body(Operation)
    account_id = account_of(program, asked.account)
    operation, lines, version = _priced(asked)
    found = usage.estimate(account_id, sum((line.credits for line in lines), Decimal(0)))
    return answer(
        {
            "operation_type": operation,
            "quantity": asked.quantity,
            "cost": found.cost,
            "breakdown": lines_as_json(lines),
            "price_version": version,
            "can_afford": found.can_afford,
            "available": found.available,
            "balance_after": found.balance_after,
            "shortfall": found.shortfall,
        }
    )


def _priced(asked: Operation) -> tuple[str | None, Sequence[pricing.Line], str | None]:
    """What it is, its lines, and the version of the rate card, if it is priced by one."""
    if asked.amount is not None:
        label = asked.operation_type
        return label, [pricing.Line(label or "Amount", "as given", asked.amount)], None
    price = usage.priced(asked.operation_type or "", asked.quantity, asked.parameters)
    return price.operation_type, price.lines, price.version
