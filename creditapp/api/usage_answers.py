"""The shapes of what statistics and the forecast answer, for the description of the API."""

from datetime import date, datetime
from typing import Annotated

from pydantic import ConfigDict, WithJsonSchema

from creditapp.api.answers import Answer, Credits, Id


class Counted(Answer):
    """So many operations, and what they cost."""

    operations: int
    credits: Credits


class ByOperation(Counted):
    """The usage of an operation."""

    operation_type: str


class ByEndpoint(Counted):
    """The usage through an endpoint."""

    api_endpoint: str | None


class ByKey(Counted):
    """The usage with a key."""

    api_key_id: Id | None


class OfDay(Counted):
    """The usage of a day."""

    date: date
    by_operation: dict[str, Credits]


class UsageStatistics(Answer):
    """What was used in a period."""

    period: str
    from_: Annotated[datetime, WithJsonSchema({"type": "string", "format": "date-time"})]
    to: datetime
    time_zone: str
    api_calls_count: int
    total_credits: Credits
    average_cost_per_call: Credits | None
    highest_cost_operation: str | None
    credits_before: Credits
    change_percentage: Credits | None
    reversed: Counted
    by_operation: list[ByOperation]
    by_endpoint: list[ByEndpoint]
    by_key: list[ByKey]
    daily: list[OfDay]

    model_config = ConfigDict(extra="forbid", alias_generator=lambda name: name.rstrip("_"))


class Projected(Answer):
    """Four of five outcomes lie between low and high; null without enough history."""

    low: Credits | None
    expected: Credits | None
    high: Credits | None


class Lapse(Answer):
    """Credits that would expire before they are spent."""

    date: date
    credits: Credits


class Recommended(Answer):
    """The smallest package that covers it with a fifth to spare."""

    package: str
    name: str
    credits: int
    quantity: int
    price_cents: int
    currency: str


class Forecast(Answer):
    """What is to be expected."""

    days: int
    time_zone: str
    enough_history: bool
    active_days: int
    history_days: int
    daily_average: Credits | None
    projected_usage: Projected
    available: Credits
    days_remaining: Credits | None
    runs_out_on: date | None
    expiring: list[Lapse]
    recharges_on: date | None
    days_remaining_without_recharge: Credits | None
    recommendation: Recommended | None
