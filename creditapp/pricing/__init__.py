"""What operations cost: rate cards, as data with a version and a moment from which each holds.

Invariants: a card is never changed, only followed by another; an unknown operation or parameter is an error, never a
guess; more units never cost less; a price is exact and rounded up once, at its end.
"""

from creditapp.pricing.cards import (
    LOOK_AGAIN_SECONDS,
    NOTICE,
    Cards,
    Holding,
    coming,
    current_card,
    holding,
    name_of,
    publish,
)
from creditapp.pricing.cost import BadParameter, Line, Price, cost, in_words
from creditapp.pricing.first_card import FIRST_CARD
from creditapp.pricing.models import PublishedCard
from creditapp.pricing.rate_card import BadRateCard, Parameter, Rate, RateCard, Size, Step, UnknownOperation, read_card

__all__ = [
    "FIRST_CARD",
    "LOOK_AGAIN_SECONDS",
    "NOTICE",
    "BadParameter",
    "BadRateCard",
    "Cards",
    "Holding",
    "Line",
    "Parameter",
    "Price",
    "PublishedCard",
    "Rate",
    "RateCard",
    "Size",
    "Step",
    "UnknownOperation",
    "coming",
    "cost",
    "current_card",
    "holding",
    "in_words",
    "name_of",
    "publish",
    "read_card",
]
