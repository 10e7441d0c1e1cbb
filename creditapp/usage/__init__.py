"""An operation is priced, paid and recorded; statistics read what was recorded, a forecast goes by them."""

from creditapp.usage.consume import PRICE_DETAIL, consume, price_lines, priced
from creditapp.usage.estimate import Estimate, estimate
from creditapp.usage.forecast import ENOUGH_DAYS, LOOK_BACK_DAYS, Pace, pace
from creditapp.usage.stats import Day, daily, midnight, on_complete_days, units_of, used_since

__all__ = [
    "ENOUGH_DAYS",
    "LOOK_BACK_DAYS",
    "PRICE_DETAIL",
    "Day",
    "Estimate",
    "Pace",
    "consume",
    "daily",
    "estimate",
    "midnight",
    "on_complete_days",
    "pace",
    "price_lines",
    "priced",
    "units_of",
    "used_since",
]
