"""``GET prices``: the rate card that holds now."""

from typing import Any

from flask import Blueprint, Response

from creditapp import pricing
from creditapp.api.callers import caller
from creditapp.api.wire import answer


def register(bp: Blueprint) -> None:
    """Hang ``GET prices`` into the API."""
    bp.add_url_rule("/prices", "prices", index)


def index() -> Response:
    """Every operation with what it costs; ``coming`` says from when another card holds."""
    caller("read")
    found = pricing.holding()
    return answer(
        {
            "version": found.card.version,
            "holds_from": found.holds_from,
            "items": [_rate(rate) for rate in found.card.operations],
            "aliases": dict(found.card.aliases),
            "coming": [{"version": next_.card.version, "holds_from": next_.holds_from} for next_ in pricing.coming()],
        }
    )


def _rate(rate: pricing.Rate) -> dict[str, Any]:
    return {
        "operation_type": rate.key,
        "name": rate.name,
        "description": rate.description,
        "credits": rate.credits,
        "steps": [{"from_unit": step.from_unit, "credits": step.credits} for step in rate.steps],
        "minimum": rate.minimum,
        "rounding": rate.rounding,
        "parameters": {name: _parameter(parameter) for name, parameter in rate.parameters.items()},
    }


def _parameter(parameter: pricing.Parameter) -> dict[str, Any]:
    if parameter.choices:
        return {"choices": dict(parameter.choices)}
    return {
        "unit": "bytes",
        "above": parameter.above,
        "sizes": [{"up_to": size.up_to, "factor": size.factor} for size in parameter.sizes],
    }
