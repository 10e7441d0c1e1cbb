"""What is sold: credit packages, what each saves, and whether this account may buy it now.

Invariants: prices come from our rows, never from a browser; savings are computed on read; a limited offer says why
it can't be bought.
"""

from creditapp.packages.models import CreditPackage
from creditapp.packages.shelf import (
    SPARE,
    Offer,
    PackageUnavailable,
    by_key,
    by_product,
    covering,
    everything,
    on_sale,
    recommend,
    why_not,
)
from creditapp.packages.starter_set import seed

__all__ = [
    "SPARE",
    "CreditPackage",
    "Offer",
    "PackageUnavailable",
    "by_key",
    "by_product",
    "covering",
    "everything",
    "on_sale",
    "recommend",
    "seed",
    "why_not",
]
