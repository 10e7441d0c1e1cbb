"""What operations cost: the rate card, as data with a version. An unknown operation is an error, never a guess."""

from creditapp.pricing.rate_card import RATE_CARD, Price, Rate, UnknownOperation, cost, rate_of

__all__ = ["RATE_CARD", "Price", "Rate", "UnknownOperation", "cost", "rate_of"]
