"""An operation is priced, paid and recorded; statistics read what was recorded, a forecast goes by them."""

from creditapp.usage.consume import consume
from creditapp.usage.forecast import ENOUGH_DAYS, LOOK_BACK_DAYS, Pace, pace
from creditapp.usage.stats import Day, daily, midnight, on_complete_days, units_of, used_since

__all__ = [
    "ENOUGH_DAYS",
    "LOOK_BACK_DAYS",
    "Day",
    "Pace",
    "consume",
    "daily",
    "midnight",
    "on_complete_days",
    "pace",
    "units_of",
    "used_since",
]
