"""Reconciling with Polar, as the clock and the command do it: ask, then write, order by order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from creditapp import checkout, clock, recharge, reconciliation
from creditapp.checkout import Order
from creditapp.db import transaction
from creditapp.errors import CreditAppError
from creditapp.gateway import PolarOrder
from creditapp.wiring import gateway

# A dispute is open for months and its list can't be asked by time; these hold the latest thousand.
DISPUTE_PAGES = 10


@dataclass(slots=True)
class Found:
    """What a round saw and did. ``credited`` and ``corrected`` are put right; ``uncredited`` need a person."""

    orders: int = 0
    refunds: int = 0
    disputes: int = 0
    credited: list[Order] = field(default_factory=list)
    corrected: list[Order] = field(default_factory=list)
    uncredited: list[Order] = field(default_factory=list)

    @property
    def repaired(self) -> int:
        """How many orders were put right."""
        return len(self.credited) + len(self.corrected)


def reconcile(since: datetime) -> Found:
    """Look at Polar's orders made after *since*, and at its refunds and disputes of the last 35 days.

    What its webhooks did not bring is done now, by the same functions; safe to repeat and to run twice at once. What
    was put right before Polar failed stays so. Raises PolarUnavailable and PolarRefused.
    """
    found, reason = Found(), None
    with transaction():
        round_id = reconciliation.begin(since)
    try:
        for orders in gateway().orders_since(since):
            found.orders += len(orders)
            for told in reconciliation.news(orders):
                _settle(told, found)
        _look_at_refunds(found)
        _look_at_disputes(found)
    except CreditAppError as error:
        reason = error.sentence
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        with transaction():
            reconciliation.finish(
                round_id,
                orders=found.orders,
                refunds=found.refunds,
                disputes=found.disputes,
                repaired=found.repaired,
                reason=reason,
            )
    return found


def _settle(told: PolarOrder, found: Found) -> None:
    with transaction():
        before = checkout.order_named(told.id)
        was = (before.state, before.taken_back) if before else None
        order = recharge.fulfil(told)
    if order.state != "credited":
        found.uncredited.append(order)
    elif was is None or was[0] != "credited":
        found.credited.append(order)
    elif was[1] != order.taken_back:
        found.corrected.append(order)


def _look_at_refunds(found: Found) -> None:
    earliest = clock.now() - reconciliation.LOOK_BACK
    for refunds in gateway().refunds():
        found.refunds += len(refunds)
        for told in reconciliation.unheard_refunds(refunds):
            _follow(partial(checkout.refunded, told), told.order_id, found)
        if all(told.told_at < earliest for told in refunds):
            return


def _look_at_disputes(found: Found) -> None:
    for disputes in islice(gateway().disputes(), DISPUTE_PAGES):
        found.disputes += len(disputes)
        for told in reconciliation.unheard_disputes(disputes):
            _follow(partial(checkout.disputed, told), told.order_id, found)


def _follow(write: Callable[[], Order | None], polar_order_id: str, found: Found) -> None:
    with transaction():
        before = checkout.order_named(polar_order_id)
        was = before.taken_back if before else None
        order = write()
    if order is not None and order.taken_back != was:
        found.corrected.append(order)
