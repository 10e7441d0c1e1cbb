"""What a package saves, and its badges: pure rules, no database and no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from creditapp.packages.models import CreditPackage


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the prices of a shelf are compared with: packages that are always to be had."""

    dearest: Decimal | None
    best_value_key: str | None


def compare(packages: Sequence[CreditPackage]) -> Comparison:
    """The dearest price per credit and the best value among active, unlimited packages."""
    steady = [package for package in packages if package.active and not package.limited]
    if not steady:
        return Comparison(None, None)
    cheapest = min(steady, key=lambda package: package.price_per_credit_cents)
    dearest = max(package.price_per_credit_cents for package in steady)
    return Comparison(dearest, cheapest.key if cheapest.price_per_credit_cents < dearest else None)


def savings_percentage(package: CreditPackage, comparison: Comparison) -> int:
    """How much less a credit costs than at the dearest price, in whole per cent."""
    if not comparison.dearest:
        return 0
    share = 1 - package.price_per_credit_cents / comparison.dearest
    return max(int((share * 100).quantize(Decimal(1), ROUND_HALF_UP)), 0)


def badges(package: CreditPackage, comparison: Comparison) -> list[str]:
    """Words to hang on the package, the strongest first."""
    words = []
    if package.featured:
        words.append("Most popular")
    if package.key == comparison.best_value_key:
        words.append("Best value")
    if saved := savings_percentage(package, comparison):
        words.append(f"Save {saved}%")
    if package.limited:
        words.append("Limited")
    return words
