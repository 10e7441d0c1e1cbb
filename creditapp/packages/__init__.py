"""What is sold: credit packages, what each saves, and whether this account may buy it now.

Invariants: prices come from our rows, never from a browser; savings are computed on read; a limited offer says why
it can't be bought.
"""

from creditapp.packages.models import CreditPackage
from creditapp.packages.savings import compare
from creditapp.packages.shelf import (
    SPARE,
    Offer,
    PackageUnavailable,
    UnknownPackage,
    by_key,
    by_product,
    covering,
    everything,
    on_sale,
    recommend,
    why_ended,
    why_not,
)
from creditapp.packages.starter_set import seed
from creditapp.packages.sync import PACKAGE_TYPE, Adopted, adopt, as_product, product_changed

__all__ = [
    "PACKAGE_TYPE",
    "SPARE",
    "Adopted",
    "CreditPackage",
    "Offer",
    "PackageUnavailable",
    "UnknownPackage",
    "adopt",
    "as_product",
    "by_key",
    "by_product",
    "compare",
    "covering",
    "everything",
    "on_sale",
    "product_changed",
    "recommend",
    "seed",
    "why_ended",
    "why_not",
]
