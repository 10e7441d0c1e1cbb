"""How long credits last: day by day at the account's pace, through expiries and recharges. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from zoneinfo import ZoneInfo

from creditapp.ledger import LotLeft
from creditapp.recharge import Ahead
from creditapp.usage.periods import midnight

HORIZON_DAYS = 730  # beyond two years a pace says nothing
MOST_RECHARGES = 100  # after so many it goes on like this
NOTHING = Decimal(0)
TENTH = Decimal("0.1")
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """Where credits stand at a moment to come: so many days from now, on which day; what lapsed or was bought then."""

    days: Decimal
    on: date
    left: Decimal
    lapsed: Decimal = NOTHING
    bought: Decimal = NOTHING


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
    recharges: Ahead | None = None,
    days: int = HORIZON_DAYS,
) -> Iterator[Step]:
    """From *now* on to every midnight, expiry and recharge, until nothing is left or so many days are over.

    *lots* are in burn order; what is recharged does not expire. A day's use spreads evenly over its hours, be they 23,
    24 or 25. The first step is now.
    """
    left, moment, passed, times = list(lots), now, NOTHING, 0
    today = now.astimezone(zone).date()
    yield Step(passed, today, _sum(left))
    for number in range(days if left else 0):
        on = today + timedelta(days=number)
        begins, ends = midnight(on, zone), midnight(on + timedelta(days=1), zone)
        while True:
            if recharges is not None and _sum(left) <= recharges.terms.threshold:
                bought, recharges = recharges.buys(moment, _sum(left))
                if bought:
                    left.append(_recharged(bought, moment))
                    times += 1
                    yield Step(passed, moment.astimezone(zone).date(), _sum(left), bought=bought)
            total = _sum(left)
            if total <= 0:
                yield Step(passed, on, total)
            if total <= 0 or times >= MOST_RECHARGES:
                return
            if moment >= ends:
                break
            until = min([ends, *_moments(left, recharges, moment)])
            share = _microseconds(until - moment) / _microseconds(ends - begins)
            use, spare = use_on(on) * share, total - _level(total, recharges)
            if use >= spare:  # down to the threshold, or to nothing
                moment += MICROSECOND * int(_microseconds(until - moment) * spare / use)
                left, passed = without(left, spare), passed + share * spare / use
                continue
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


def _moments(left: Sequence[LotLeft], recharges: Ahead | None, moment: datetime) -> Iterator[datetime]:
    """When something may happen by itself: a lot expires, the pause between two recharges ends."""
    yield from (lot.expires_at for lot in left if lot.expires_at)
    if recharges is not None and recharges.terms.cooling_until is not None and recharges.terms.cooling_until > moment:
        yield recharges.terms.cooling_until


def _level(total: Decimal, recharges: Ahead | None) -> Decimal:
    """The amount at which something happens next: the threshold of recharges, then nothing left."""
    return recharges.terms.threshold if recharges is not None and total > recharges.terms.threshold else NOTHING


def _recharged(credits: Decimal, moment: datetime) -> LotLeft:
    return LotLeft(0, 0, "purchased", 0, credits, credits, None, moment.astimezone(UTC))


def _sum(lots: Sequence[LotLeft]) -> Decimal:
    return sum((lot.remaining for lot in lots), NOTHING)


def _microseconds(span: timedelta) -> Decimal:
    return Decimal(span // MICROSECOND)
