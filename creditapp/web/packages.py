"""What is on sale, as this account sees it."""

from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, render_template, request, url_for

from creditapp import checkout, packages, pricing, usage
from creditapp.errors import CreditAppError
from creditapp.letters.render import credits
from creditapp.web import sessions, words
from creditapp.web.sessions import login_required

bp = Blueprint("packages", __name__)

USAGE_DAYS = 30
# What a package buys, in the two operations that people compare by: name of one, of many.
YARDSTICKS = (("basic_api_call", "basic call", "basic calls"), ("image_processing", "image", "images"))


@dataclass(frozen=True, slots=True)
class Card:
    """An offer and what is said about it. ``days`` is how long it lasts at the account's pace, None without usage."""

    offer: packages.Offer
    buys: str
    days: Decimal | None
    days_left: int | None
    recommended: str | None
    asked_for: bool

    @property
    def package(self) -> packages.CreditPackage:
        """What is offered."""
        return self.offer.package


@bp.get("/credits/packages")
@login_required
def index() -> str:
    """Every package on the shelf; the one asked for stands out and is scrolled to."""
    return page(request.args.get("package"))


def page(asked_for: str | None = None, *, refused: CreditAppError | None = None) -> str:
    """The packages page; where a purchase was *refused* it says why, and keeps what was asked for at hand."""
    account_id = sessions.account_id()
    offers = packages.on_sale(checkout.bought(account_id))
    used = usage.used_since(account_id, USAGE_DAYS)
    best = packages.recommend(offers, used)
    by_size = sorted(offers, key=lambda offer: (offer.package.credits, offer.package.sort_order))
    cards = [_card(offer, used, best, asked_for) for offer in by_size]
    return render_template(
        "packages/index.html",
        cards=cards,
        asked_for=next((card for card in cards if card.asked_for), None),
        refused=refused,
        here=url_for("packages.index", package=asked_for),
        primary=_primary(cards),
    )


def _card(offer: packages.Offer, used: Decimal, best: packages.Offer | None, asked_for: str | None) -> Card:
    package = offer.package
    return Card(
        offer=offer,
        buys=_buys(package.credits),
        days=package.credits / (used / USAGE_DAYS) if used > 0 else None,
        days_left=words.days_left(package.expires_at) if package.expires_at else None,
        recommended=_why(package, used) if offer is best else None,
        asked_for=package.key == asked_for,
    )


def _buys(amount: Decimal) -> str:
    """What so many credits pay for, by the rate card."""
    rates = pricing.current_card().rates
    counts = ((int(amount // rates[key].credits), one, many) for key, one, many in YARDSTICKS if key in rates)
    return " or ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in counts)


def _why(package: packages.CreditPackage, used: Decimal) -> str:
    """Why this one is recommended, in the account's own numbers."""
    whole = credits(used.to_integral_value())
    if package.credits >= used * packages.SPARE:
        return f"Covers your last {USAGE_DAYS} days ({whole}) with a fifth to spare"
    return f"The largest one: you used {whole} in {USAGE_DAYS} days"


def _primary(cards: list[Card]) -> str | None:
    """The one package whose button stands out: asked for, else recommended, else the most popular."""
    to_be_had = [card for card in cards if card.offer.available]
    for wanted in (
        [card for card in to_be_had if card.asked_for],
        [card for card in to_be_had if card.recommended],
        [card for card in to_be_had if card.package.featured],
    ):
        if wanted:
            return wanted[0].package.key
    return None
