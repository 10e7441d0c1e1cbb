"""The estimator: what an operation costs before it is run, what would be left, and the call that would charge it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, render_template, request

from creditapp import checkout, ledger, packages, pricing, usage
from creditapp.web.forms import ungrouped
from creditapp.web.sessions import account_id, login_required
from creditapp.wiring import settings

bp = Blueprint("estimator", __name__)

MOST_UNITS = 1_000_000
LONGEST_TYPED = 40
MB = 1_000_000
MOST_MB = 1_000_000_000
REFUSED = 422
IN_MB = "_mb"  # people know the size of a file in megabytes, programs in bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: as it was typed, as it is meant, and what is wrong with it, by field."""

    rate: pricing.Rate
    typed: Mapping[str, str]
    quantity: int = 1
    parameters: dict[str, str | int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@bp.get("/credits/estimate")
@login_required
def index() -> str | tuple[str, int]:
    """The page, 422 where something can't be read; to htmx the estimator alone: half a number is no error yet."""
    card = pricing.current_card()
    asked = _asked(card, {name: text.strip()[:LONGEST_TYPED] for name, text in request.args.items()})
    price = None if asked.errors else _price(asked)
    found = usage.estimate(account_id(), price.total) if price else None
    live = request.headers.get("HX-Target", "").endswith("#estimator")
    html = render_template(
        "estimator/_estimator.html" if live else "estimator/index.html",
        card=card,
        asked=asked,
        price=price,
        found=found,
        covering=_covering(found) if found and not found.can_afford else None,
        calls=_calls(price) if price else None,
    )
    return (html, REFUSED) if asked.errors and not live else html


def _asked(card: pricing.RateCard, typed: Mapping[str, str]) -> Asked:
    errors: dict[str, str] = {}
    try:
        rate = card.rate_of(typed.get("operation_type") or card.operations[0].key)
    except pricing.UnknownOperation:
        rate = card.operations[0]
        errors["operation_type"] = "This is not on the price list. Choose an operation that is."
    quantity = _quantity(typed.get("quantity") or "1")
    if quantity is None:
        errors["quantity"] = f"Enter a whole number from 1 to {MOST_UNITS:,}."
    parameters: dict[str, str | int] = {}
    for key, parameter in rate.parameters.items():
        name = key + IN_MB if parameter.sizes else key
        if text := typed.get(name):
            value = _bytes(text) if parameter.sizes else text
            if value is None:
                errors[name] = "Enter a size in MB, such as 12.5."
            else:
                parameters[key] = value
    return Asked(rate, typed, quantity or 1, parameters, errors)


def _price(asked: Asked) -> pricing.Price | None:
    """The price; None where the rate card refuses what was asked, and then *asked* has the error."""
    try:
        return usage.priced(asked.rate.key, asked.quantity, asked.parameters)
    except pricing.BadParameter as error:
        sized = asked.rate.parameters[error.name].sizes
        asked.errors[error.name + IN_MB if sized else error.name] = _for_people(asked.rate, error)
    except ledger.InvalidAmount:
        asked.errors["quantity"] = "This is more than can be charged at once. Enter a smaller number."
    return None


def _for_people(rate: pricing.Rate, error: pricing.BadParameter) -> str:
    parameter = rate.parameters[error.name]
    if parameter.choices:
        return f"Choose one of: {', '.join(parameter.choices)}."
    if parameter.above:
        return f"{rate.name} is for more than {pricing.in_words(parameter.above)}."
    return "Enter a size in MB, such as 12.5."


def _quantity(text: str) -> int | None:
    digits = ungrouped(text)
    if not (digits.isascii() and digits.isdigit()):
        return None
    return int(digits) if 0 < int(digits) <= MOST_UNITS else None


def _bytes(text: str) -> int | None:
    """A size typed in megabytes, in whole bytes; None where it is none."""
    try:
        size = Decimal(ungrouped(text))
    except InvalidOperation:
        return None
    if not size.is_finite() or not 0 < size <= MOST_MB:
        return None
    return max(int(size * MB), 1)


def _covering(found: usage.Estimate) -> str | None:
    """The package that makes it affordable."""
    offer = packages.covering(found.shortfall, packages.on_sale(checkout.bought(account_id())))
    return offer.package.key if offer else None


def _calls(price: pricing.Price) -> dict[str, str]:
    """The same as a call, for a shell and in Python."""
    body: dict[str, Any] = {"operation_type": price.operation_type}
    if price.quantity != 1:
        body["quantity"] = price.quantity
    if price.parameters:
        body["parameters"] = dict(price.parameters)
    address = f"{settings().app_url}/api/credits/consume"
    return {
        "curl": (
            f"curl {address} \\\n"
            '  -H "Authorization: Bearer $CREDITS_KEY" \\\n'
            '  -H "Content-Type: application/json" \\\n'
            f"  -d '{_in_two_lines(body, indent=7)}'"
        ),
        "Python": (
            "import os\n\nimport httpx\n\n"
            "answer = httpx.post(\n"
            f'    "{address}",\n'
            '    headers={"Authorization": f"Bearer {os.environ[\'CREDITS_KEY\']}"},\n'
            f"    json={_in_two_lines(body, indent=10)},\n"
            "    timeout=10,\n"
            ")\n"
            "answer.raise_for_status()"
        ),
    }


def _in_two_lines(body: dict[str, Any], *, indent: int) -> str:
    # JSON of words and whole numbers reads the same in Python.
    return json.dumps(body).replace(', "parameters"', f',\n{" " * indent}"parameters"')
