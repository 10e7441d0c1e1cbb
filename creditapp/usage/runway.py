"""How long credits last: day by day at the account's pace, through the expiries of its lots. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from creditapp.ledger import LotLeft
from creditapp.usage.periods import midnight

HORIZON_DAYS = 730  # beyond two years a pace says nothing
NOTHING = Decimal(0)
TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Step:
    """Where credits stand at a moment to come: so many days from now, on which day, and what lapsed just then."""

    days: Decimal
    on: date
    left: Decimal
    lapsed: Decimal = NOTHING


@dataclass(frozen=True, slots=True)
class Runway:
    """Nothing is left after so many days (to a tenth, rounded down), on that day."""

    days: Decimal
    on: date


def runway(steps: Sequence[Step]) -> Runway | None:
    """When the last credit is gone; None where some are left as far as one can see."""
    end = next((step for step in steps if step.left <= 0), None)
    return Runway(end.days.quantize(TENTH, ROUND_FLOOR), end.on) if end else None


def walk(
    lots: Sequence[LotLeft],
    use_on: Callable[[date], Decimal],
    now: datetime,
    zone: ZoneInfo,
    *,
    days: int = HORIZON_DAYS,
) -> Iterator[Step]:
    """From *now* on to every midnight and every expiry, until nothing is left or so many days are over.

    *lots* are in burn order. A day's use spreads evenly over its hours, be they 23, 24 or 25. The first step is now.
    """
    left, moment, passed = list(lots), now, NOTHING
    today = now.astimezone(zone).date()
    yield Step(passed, today, _sum(left))
    for number in range(days):
        on = today + timedelta(days=number)
        begins, ends = midnight(on, zone), midnight(on + timedelta(days=1), zone)
        while moment < ends and _sum(left) > 0:
            until = min([ends, *(lot.expires_at for lot in left if lot.expires_at)])
            share = _seconds(until - moment) / _seconds(ends - begins)
            use, total = use_on(on) * share, _sum(left)
            if use >= total:
                yield Step(passed + share * total / use, on, NOTHING)
                return
            left = without(left, use)
            moment, passed = until, passed + share
            kept = [lot for lot in left if lot.expires_at is None or lot.expires_at > moment]
            lapsed = _sum(left) - _sum(kept)
            left = kept
            yield Step(passed, moment.astimezone(zone).date(), _sum(left), lapsed)


def without(lots: Sequence[LotLeft], use: Decimal) -> list[LotLeft]:
    """What is left of lots in burn order after so much was used."""
    left = []
    for lot in lots:
        taken = min(lot.remaining, use)
        use -= taken
        if lot.remaining > taken:
            left.append(replace(lot, remaining=lot.remaining - taken))
    return left


def _sum(lots: Sequence[LotLeft]) -> Decimal:
    return sum((lot.remaining for lot in lots), NOTHING)


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span // timedelta(microseconds=1))
