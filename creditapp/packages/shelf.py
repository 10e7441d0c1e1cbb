"""What is on sale, to whom, and which package fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from creditapp import clock
from creditapp.db import db
from creditapp.errors import CreditAppError, NotFound
from creditapp.packages.models import CreditPackage
from creditapp.packages.savings import badges, compare, savings_percentage

SPARE = Decimal("1.2")


class UnknownPackage(NotFound):
    """No package has this key, or none any more."""

    title = "This package can't be bought"

    def __init__(self) -> None:
        super().__init__("There is no such package. Choose one that is on sale.")


class PackageUnavailable(CreditAppError):
    """The package exists but can't be bought now; the sentence says why."""

    code, status, title = "package_unavailable", 409, "This package can't be bought now"


@dataclass(frozen=True, slots=True)
class Offer:
    """A package as one account sees it. ``unavailable_reason`` is None where it can be bought."""

    package: CreditPackage
    savings_percentage: int
    badges: tuple[str, ...]
    unavailable_reason: str | None

    @property
    def available(self) -> bool:
        """Whether it can be bought now."""
        return self.unavailable_reason is None


def by_key(key: str) -> CreditPackage:
    """The package of this key. Raises UnknownPackage."""
    package = db.session.scalar(select(CreditPackage).where(CreditPackage.key == key))
    if package is None:
        raise UnknownPackage
    return package


def by_product(polar_product_id: str) -> CreditPackage | None:
    """The package sold as this product at Polar; None where it is not one of ours."""
    return db.session.scalar(select(CreditPackage).where(CreditPackage.polar_product_id == polar_product_id))


def everything() -> Sequence[CreditPackage]:
    """All packages, in the order of the shelf."""
    return db.session.scalars(select(CreditPackage).order_by(CreditPackage.sort_order, CreditPackage.id)).all()


def on_sale(bought: dict[int, int]) -> list[Offer]:
    """The shelf for an account that bought so many of each package id; unavailable offers say why."""
    shelf = [package for package in everything() if package.active or package.limited]
    comparison, now = compare(shelf), clock.now()
    return [
        Offer(
            package,
            savings_percentage(package, comparison),
            tuple(badges(package, comparison)),
            why_not(package, bought.get(package.id, 0), now),
        )
        for package in shelf
    ]


def why_not(package: CreditPackage, bought: int, now: datetime) -> str | None:
    """Why the package can't be bought now by an account that bought it so many times; None where it can."""
    if package.polar_product_id is None:
        return "It is not connected to a product at Polar yet."
    if not package.active:
        return "It is no longer sold."
    return why_ended(package, bought, now)


def why_ended(package: CreditPackage, bought: int, now: datetime) -> str | None:
    """Why a limited offer is over for an account that bought it so many times; None where it is not."""
    if package.expires_at is not None and package.expires_at <= now:
        return "The offer has ended."
    limit = package.max_purchases_per_account
    if limit is not None and bought >= limit:
        return (
            "It can be bought once per account, and you have bought it."
            if limit == 1
            else (f"It can be bought {limit} times per account, and you have bought it {bought} times.")
        )
    return None


def covering(credits: Decimal, offers: Sequence[Offer]) -> Offer | None:
    """The smallest package on offer that holds *credits*, else the largest on offer; None with nothing on offer."""
    by_size = sorted((offer for offer in offers if offer.available), key=lambda offer: offer.package.credits)
    enough = (offer for offer in by_size if offer.package.credits >= credits)
    return next(enough, by_size[-1] if by_size else None)


def recommend(offers: Sequence[Offer], used_in_30_days: Decimal) -> Offer | None:
    """The smallest always-available package that covers a month of the account's own usage with a fifth to spare.

    None without usage; the largest where none is large enough.
    """
    if used_in_30_days <= 0:
        return None
    return covering(used_in_30_days * SPARE, [offer for offer in offers if not offer.package.limited])
