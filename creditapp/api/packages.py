"""``GET packages``: what can be bought, for this account."""

from typing import Any

from flask import Blueprint, Response

from creditapp import checkout, packages
from creditapp.api.callers import account_of, caller
from creditapp.api.values import Text
from creditapp.api.wire import Body, answer, query


class Question(Body):
    """For whom."""

    account: Text | None = None


def register(bp: Blueprint) -> None:
    """Hang ``GET packages`` into the API."""
    bp.add_url_rule("/packages", "packages", index)


def index() -> Response:
    """Every package, with whether and why not it can be bought by the account."""
    account_id = account_of(caller("read"), query(Question).account)
    return answer({"items": [as_json(offer) for offer in packages.on_sale(checkout.bought(account_id))]})


def as_json(offer: packages.Offer) -> dict[str, Any]:
    """A package as one account sees it; its price per credit in whole currency."""
    package = offer.package
    return {
        "key": package.key,
        "name": package.name,
        "credits": package.credits,
        "price_cents": package.price_cents,
        "currency": package.currency,
        "price_per_credit": round(package.price_per_credit_cents / 100, 6),
        "savings_percentage": offer.savings_percentage,
        "badges": list(offer.badges),
        "polar_product_id": package.polar_product_id,
        "available": offer.available,
        "unavailable_reason": offer.unavailable_reason,
    }
