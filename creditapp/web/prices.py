"""The price list: what operations cost. For everybody, signed in or not."""

from dataclasses import dataclass
from datetime import UTC

from flask import Blueprint, render_template

from creditapp import pricing
from creditapp.web.sessions import is_signed_in

bp = Blueprint("prices", __name__)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A parameter of the rate card, and the operations that take it so; no names where all of them do."""

    key: str
    parameter: pricing.Parameter
    operations: list[str]


@bp.get("/prices")
def index() -> str:
    """Every operation with its price and what multiplies it, and what will change."""
    card = pricing.current_card()
    return render_template(
        "prices/index.html",
        frame="shell.html" if is_signed_in() else "prices/_frame.html",
        card=card,
        aliases={
            rate.key: [alias for alias, key in card.aliases.items() if key == rate.key] for rate in card.operations
        },
        multipliers=_multipliers(card),
        coming=[(found.card, found.holds_from.astimezone(UTC)) for found in pricing.coming() if found.holds_from],
    )


def _multipliers(card: pricing.RateCard) -> list[Multiplier]:
    found: list[Multiplier] = []
    for rate in card.operations:
        for key, parameter in rate.parameters.items():
            same = next((seen for seen in found if (seen.key, seen.parameter) == (key, parameter)), None)
            if same is None:
                same = Multiplier(key, parameter, [])
                found.append(same)
            same.operations.append(rate.name)
    return [
        Multiplier(seen.key, seen.parameter, [] if len(seen.operations) == len(card.operations) else seen.operations)
        for seen in found
    ]
