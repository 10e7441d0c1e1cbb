"""Rounds: where to begin, what of Polar's lists is news, and what came of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from creditapp import clock
from creditapp.checkout import Dispute, Order, Refund
from creditapp.db import db
from creditapp.gateway import PolarDispute, PolarOrder, PolarRefund
from creditapp.reconciliation.models import Reconciliation

LOOK_BACK = timedelta(days=35)
# Orders may show up late in Polar's lists; two days are far more than any delay seen.
OVERLAP = timedelta(hours=48)


def begin(since: datetime) -> int:
    """Write down that a round begins; its row id."""
    row = Reconciliation(since=since, started_at=clock.now())
    db.session.add(row)
    db.session.flush()
    return row.id


def finish(round_id: int, *, orders: int, refunds: int, disputes: int, repaired: int, reason: str | None) -> None:
    """Write down how a round went; with a *reason* it did not get to its end."""
    row = db.session.get_one(Reconciliation, round_id)
    row.orders, row.refunds, row.disputes, row.repaired = orders, refunds, disputes, repaired
    row.reason = reason
    if reason is None:
        row.finished_at = clock.now()


def due_since() -> datetime:
    """Since when orders are to be looked at: well before the last finished round, and 35 days where there is none."""
    earliest = clock.now() - LOOK_BACK
    finished = select(Reconciliation.started_at).where(Reconciliation.finished_at.is_not(None))
    last = db.session.scalar(finished.order_by(Reconciliation.id.desc()).limit(1))
    return earliest if last is None else max(earliest, last - OVERLAP)


def latest() -> Reconciliation | None:
    """The newest round; None before the first."""
    return db.session.scalar(select(Reconciliation).order_by(Reconciliation.id.desc()).limit(1))


def news(told: Iterable[PolarOrder]) -> Sequence[PolarOrder]:
    """The paid orders among those told that are not credited here, or whose refunds are told otherwise."""
    paid = {one.id: one for one in told if one.paid}
    known = db.session.execute(
        select(Order.polar_order_id, Order.refunded_amount).where(
            Order.state == "credited", Order.polar_order_id.in_(paid)
        )
    )
    settled = {polar_id for polar_id, refunded in known if paid[polar_id].refunded_amount == refunded}
    return [one for one in paid.values() if one.id not in settled]


def unheard_refunds(told: Iterable[PolarRefund]) -> list[PolarRefund]:
    """The refunds among those told that are not known here as they are told."""
    by_id = {one.id: one for one in told}
    query = select(Refund.polar_refund_id, Refund.status, Refund.amount).where(Refund.polar_refund_id.in_(by_id))
    known = {row[0]: (row[1], row[2]) for row in db.session.execute(query)}
    return [one for one in by_id.values() if known.get(one.id) != (one.status, one.amount)]


def unheard_disputes(told: Iterable[PolarDispute]) -> list[PolarDispute]:
    """The disputes among those told that are not known here as they are told."""
    by_id = {one.id: one for one in told}
    query = select(Dispute.polar_dispute_id, Dispute.status, Dispute.amount).where(Dispute.polar_dispute_id.in_(by_id))
    known = {row[0]: (row[1], row[2]) for row in db.session.execute(query)}
    return [one for one in by_id.values() if known.get(one.id) != (one.status, one.amount)]
