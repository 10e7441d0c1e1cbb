"""What the clock looks at for alerts: an account's use by day and by key, and how long its credits last."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import dropwhile
from zoneinfo import ZoneInfo

from creditapp import alerts, clock, identity, ledger, recharge, usage
from creditapp.db import transaction

DAYS = 14
NOTHING = Decimal(0)


def watch(account_id: int) -> None:
    """Measure the account, and raise what that calls for."""
    reading = _reading(account_id)
    with transaction():
        alerts.measure(account_id, reading)
        alerts.consider_cap(account_id, recharge.cap_of(account_id))


def _reading(account_id: int) -> alerts.Reading:
    zone, now = ZoneInfo(usage.zone_of(account_id)), clock.now()
    today = now.astimezone(zone).date()
    first = usage.first_used_on(account_id, zone)
    if first is None:
        return alerts.Reading(today=today)
    since = max(first, today - timedelta(days=DAYS))
    asked = usage.Span(usage.midnight(since, zone), now, zone)
    by_key: dict[int | None, dict[date, Decimal]] = {None: {}}
    for use in usage.uses_in(account_id, asked):
        for key_id in {None, use.api_key_id}:
            used = by_key.setdefault(key_id, {})
            used[use.on] = used.get(use.on, NOTHING) + use.credits - use.reversed_credits
    return alerts.Reading(
        today=today,
        runway=_runway(account_id, zone.key),
        used={None: {on: by_key[None].get(on, NOTHING) for on in asked.days}}
        | {key_id: _since_first_use(used, asked.days) for key_id, used in by_key.items() if key_id is not None},
        key_names={key.id: key.name for key in identity.keys_of(account_id)},
    )


def _since_first_use(used: Mapping[date, Decimal], days: Sequence[date]) -> dict[date, Decimal]:
    return {on: used.get(on, NOTHING) for on in dropwhile(lambda on: on not in used, days)}


def _runway(account_id: int, time_zone: str) -> alerts.Runway | None:
    """How long credits last; None where no pace is known, or where nothing is left to last."""
    found = usage.outlook(ledger.balance(account_id), time_zone)
    if found.pace.daily is None or found.available <= 0:
        return None
    if found.runway is None:
        return alerts.Runway(Decimal(usage.HORIZON_DAYS), found.today + timedelta(days=usage.HORIZON_DAYS))
    return alerts.Runway(found.runway.days, found.runway.on)
