"""An operation is priced, paid and recorded; statistics read what was recorded, a forecast goes by them."""

from creditapp.usage.consume import PRICE_DETAIL, consume, price_lines, priced
from creditapp.usage.estimate import Estimate, estimate
from creditapp.usage.forecast import ENOUGH_DAYS, LOOK_BACK_DAYS, WEEKDAYS_FROM_DAYS, Pace, Range, pace
from creditapp.usage.outlook import Outlook, outlook
from creditapp.usage.periods import LAST_24_HOURS, PERIODS, USUAL_PERIOD, Span, midnight
from creditapp.usage.runway import HORIZON_DAYS, Runway, Step, runway, walk
from creditapp.usage.stats import (
    Statistics,
    daily,
    first_used_on,
    on_complete_days,
    statistics,
    units_of,
    used_in,
    used_since,
    uses_in,
    zone_of,
)
from creditapp.usage.summary import UNLABELLED, Day, Group, Summary, Use, by_day, change, operation_of, summary, weekly

__all__ = [
    "ENOUGH_DAYS",
    "HORIZON_DAYS",
    "LAST_24_HOURS",
    "LOOK_BACK_DAYS",
    "PERIODS",
    "PRICE_DETAIL",
    "UNLABELLED",
    "USUAL_PERIOD",
    "WEEKDAYS_FROM_DAYS",
    "Day",
    "Estimate",
    "Group",
    "Outlook",
    "Pace",
    "Range",
    "Runway",
    "Span",
    "Statistics",
    "Step",
    "Summary",
    "Use",
    "by_day",
    "change",
    "consume",
    "daily",
    "estimate",
    "first_used_on",
    "midnight",
    "on_complete_days",
    "operation_of",
    "outlook",
    "pace",
    "price_lines",
    "priced",
    "runway",
    "statistics",
    "summary",
    "units_of",
    "used_in",
    "used_since",
    "uses_in",
    "walk",
    "weekly",
    "zone_of",
]
