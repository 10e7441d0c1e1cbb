"""An operation is priced, paid and recorded; statistics read what was recorded."""

from creditapp.usage.consume import consume
from creditapp.usage.stats import Day, daily, used_since

__all__ = ["Day", "consume", "daily", "used_since"]
