"""``POST estimate``: what an operation would cost, and what would be left."""

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
    if asked.amount is not None:
        lines = (pricing.Line(asked.operation_type or "Amount", "as given", asked.amount),)
        operation, cost, version = asked.operation_type, asked.amount, None
    else:
        price = usage.priced(asked.operation_type or "", asked.quantity, asked.parameters)
        operation, lines, cost, version = price.operation_type, price.lines, price.total, price.version
    found = usage.estimate(account_id, cost)
    return answer(
        {
            "operation_type": operation,
            "quantity": asked.quantity,
            "cost": cost,
            "breakdown": lines_as_json(lines),
            "price_version": version,
            "can_afford": found.can_afford,
            "available": found.available,
            "balance_after": found.balance_after,
            "shortfall": found.shortfall,
        }
    )
