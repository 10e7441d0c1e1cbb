"""``GET usage_stats`` and ``GET forecast``: what was used, what will be, and how long credits last."""

from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from flask import Blueprint, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from creditapp import checkout, clock, identity, ledger, packages, usage
from creditapp.api.callers import account_of, caller
from creditapp.api.values import Day, Text
from creditapp.api.wire import Body, WrongShape, answer, query

MOST_DAYS = 365
DECIMALS = 6

CUSTOM = "custom"

Period = Literal["last_24_hours", "last_7_days", "last_30_days", "last_90_days", "last_year", "custom"]


def _zone(name: str) -> str:
    if name not in identity.time_zones():
        raise PydanticCustomError("tz", "must be a time zone such as Europe/Berlin")
    return name


Zone = Annotated[Text, AfterValidator(_zone)]


class Stretch(Body):
    """Which usage: of whom, how far back, with days of which time zone (the account's, where none is named).

    ``from`` and ``to`` are the days of a custom period, both included.
    """

    account: Text | None = None
    period: Period = "last_30_days"
    from_: Annotated[Day, Field(alias="from")] = None
    to: Day = None
    tz: Zone | None = None


class Horizon(Body):
    """Which forecast: of whom, for how many days from tomorrow on, with days of which time zone."""

    account: Text | None = None
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 30
    tz: Zone | None = None


def register(bp: Blueprint) -> None:
    """Hang statistics and the forecast into the API."""
    bp.add_url_rule("/usage_stats", "usage_stats", statistics)
    bp.add_url_rule("/forecast", "forecast", forecast)


def statistics() -> Response:
    """What was used; operations that were given back are left out, and told apart."""
    program = caller("read")
    asked = query(Stretch)
    account_id = account_of(program, asked.account)
    zone = asked.tz or usage.zone_of(account_id)
    chosen = _days(asked, clock.now().astimezone(ZoneInfo(zone)).date())
    found = (
        usage.statistics_between(account_id, *chosen, zone)
        if chosen
        else usage.statistics(account_id, asked.period, zone)
    )
    summary = found.summary
    return answer(
        {
            "period": asked.period,
            "from": found.span.since,
            "to": found.span.until,
            "time_zone": found.span.zone.key,
            "api_calls_count": summary.operations,
            "total_credits": summary.credits,
            "average_cost_per_call": summary.average_cost,
            "highest_cost_operation": summary.dearest_operation,
            "credits_before": found.credits_before,
            "change_percentage": usage.change(summary.credits, found.credits_before),
            "reversed": {"operations": summary.reversed_operations, "credits": summary.reversed_credits},
            "by_operation": [_group("operation_type", group) for group in summary.by_operation],
            "by_endpoint": [_group("api_endpoint", group) for group in summary.by_endpoint],
            "by_key": [
                _group(
                    "api_key_id", usage.Group(str(group.name) if group.name else None, group.operations, group.credits)
                )
                for group in summary.by_key
            ],
            "daily": [
                {
                    "date": day.on.isoformat(),
                    "operations": day.operations,
                    "credits": day.total,
                    "by_operation": day.by_operation,
                }
                for day in summary.daily
            ],
        }
    )


def _days(asked: Stretch, today: date) -> tuple[date, date] | None:
    """The first and the last day of a custom period; None for any other. Raises WrongShape."""
    first, last = asked.from_, asked.to
    if asked.period != CUSTOM:
        if first or last:
            raise _refused("from" if first else "to", f"goes with period={CUSTOM} only")
        return None
    if first is None or last is None:
        raise _refused("from" if first is None else "to", f"is missing: period={CUSTOM} is from one day to another")
    if last > today:
        raise _refused("to", f"is yet to come: today is {today}")
    if not 0 <= (last - first).days < usage.LONGEST_DAYS:
        raise _refused("to", f"must be the day of from or later, and within {usage.LONGEST_DAYS} days")
    return first, last


def _refused(field: str, why: str) -> WrongShape:
    return WrongShape(f"{field} {why}.", errors=[{"field": field, "message": why}])


def forecast() -> Response:
    """What is to be expected. Nothing is guessed before there were three days with usage."""
    program = caller("read")
    asked = query(Horizon)
    account_id = account_of(program, asked.account)
    zone = asked.tz or usage.zone_of(account_id)
    outlook = usage.outlook(ledger.balance(account_id), zone)
    projected, end, alone = outlook.project(asked.days), outlook.runway, outlook.runway_alone
    return answer(
        {
            "days": asked.days,
            "time_zone": zone,
            "enough_history": outlook.pace.daily is not None,
            "active_days": outlook.pace.active_days,
            "history_days": outlook.pace.days,
            "daily_average": None if outlook.pace.daily is None else round(outlook.pace.daily, DECIMALS),
            "projected_usage": {
                "low": projected.low if projected else None,
                "expected": projected.expected if projected else None,
                "high": projected.high if projected else None,
            },
            "available": outlook.available,
            "days_remaining": end.days if end else None,
            "runs_out_on": end.on.isoformat() if end else None,
            "expiring": [{"date": step.on.isoformat(), "credits": step.lapsed} for step in outlook.lapses],
            "recharges_on": outlook.buys[0].on.isoformat() if outlook.buys else None,
            "days_remaining_without_recharge": alone.days if alone else None,
            "recommendation": _recommendation(account_id, projected) if projected else None,
        }
    )


def _group(title: str, group: usage.Group[Any]) -> dict[str, Any]:
    return {title: group.name, "operations": group.operations, "credits": group.credits}


def _recommendation(account_id: int, projected: usage.Range) -> dict[str, Any] | None:
    """The smallest package that covers it with a fifth to spare; several of the largest where none is large enough."""
    offer = packages.recommend(packages.on_sale(checkout.bought(account_id)), projected.expected)
    if offer is None:
        return None
    need = projected.expected * packages.SPARE
    return {
        "package": offer.package.key,
        "name": offer.package.name,
        "credits": offer.package.credits,
        "quantity": max(int(-(-need // offer.package.credits)), 1),
        "price_cents": offer.package.price_cents,
        "currency": offer.package.currency,
    }
