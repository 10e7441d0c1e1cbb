"""Money that went back to the buyer, and the credits that follow it.

The sum is cumulative: credits in all taken back = credits x money returned / net price, rounded down to the millionth;
only the difference to what was taken back before is posted, up or down. So it does not matter in which order, or
how often, Polar tells of a refund.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from creditapp import alerts, clock, identity, ledger, letters
from creditapp.checkout.models import Dispute, Order, Refund
from creditapp.checkout.orders import NEVER, order_named, record
from creditapp.db import db, from_millionths, to_millionths, turn
from creditapp.gateway import PolarDispute, PolarOrder, PolarRefund

MOVED, FAILED = "succeeded", frozenset({"failed", "canceled"})


def follow(told: PolarOrder) -> Order:
    """Write down an order's change; where it was credited before, its credits follow its refunds.

    It never credits: that is ``fulfil``'s.
    """
    order = record(told)
    settle(order)
    return order


def refunded(told: PolarRefund) -> Order | None:
    """Write down a refund, and let the credits follow it; the order, where it is known."""
    turn(f"order {told.order_id}")
    row = db.session.scalar(select(Refund).where(Refund.polar_refund_id == told.id))
    if row is None:
        row = Refund(polar_refund_id=told.id, polar_order_id=told.order_id, told_at=NEVER, recorded_at=clock.now())
        db.session.add(row)
    if told.told_at >= row.told_at:
        row.status, row.amount, row.currency = told.status, told.amount, told.currency
        row.reason, row.told_at = told.reason, told.told_at
    row.moved = bool(row.moved) or told.status == MOVED
    db.session.flush()
    return _settled(told.order_id)


def disputed(told: PolarDispute) -> Order | None:
    """Write down a dispute; a lost one is taken back like a refund, a won one restored."""
    turn(f"order {told.order_id}")
    row = db.session.scalar(select(Dispute).where(Dispute.polar_dispute_id == told.id))
    if row is None:
        row = Dispute(polar_dispute_id=told.id, polar_order_id=told.order_id, told_at=NEVER, recorded_at=clock.now())
        db.session.add(row)
    if told.told_at >= row.told_at:
        row.status, row.amount, row.currency = told.status, told.amount, told.currency
        row.reason, row.told_at = told.reason, told.told_at
    db.session.flush()
    return _settled(told.order_id)


def settle(order: Order) -> None:
    """Post the difference between the credits to be taken back and those that were; the account's lock is held."""
    if order.state != "credited":
        return  # nothing to take back from
    refunds = db.session.scalars(select(Refund).where(Refund.polar_order_id == order.polar_order_id)).all()
    disputes = db.session.scalars(select(Dispute).where(Dispute.polar_order_id == order.polar_order_id)).all()
    # Money of another currency can't be a part of what was paid.
    disputed = sum(one.amount for one in disputes if one.status == "lost" and one.currency == order.currency)
    returned = money_returned(order, (one for one in refunds if one.currency == order.currency), disputed)
    target = credits_to_take_back(order.credits, returned, order.net_amount)
    money, difference = returned - order.returned_amount, target - order.taken_back
    order.returned_amount, order.taken_back = returned, target
    if difference:
        _post(order, difference, money, disputed)
    db.session.flush()


def money_returned(order: Order, refunds: Iterable[Refund], disputed: int) -> int:
    """All the money that went back, in minor units, never more than the net price; *disputed* of it by lost disputes.

    The order's own sum counts, as of its last change. Refunds told later than that may not be in it yet: then the sum
    of the succeeded ones counts where it is greater, and one that failed after its money had moved is taken off.
    """
    as_of: datetime = order.polar_modified_at or NEVER
    refunds = list(refunds)
    total = order.refunded_amount
    if any(one.told_at > as_of for one in refunds):
        fell_through = sum(one.amount for one in refunds if one.told_at > as_of and one.moved and one.status in FAILED)
        total = max(total - fell_through, sum(one.amount for one in refunds if one.status == MOVED))
    return min(total + disputed, order.net_amount)


def credits_to_take_back(credits: Decimal, returned: int, net: int) -> Decimal:
    """The credits that money returned of a net price takes with it; nothing where nothing was paid."""
    return from_millionths(to_millionths(credits) * returned // net) if net else Decimal(0)


def _settled(polar_order_id: str) -> Order | None:
    order = order_named(polar_order_id)
    if order is not None:
        if order.account_id is not None:
            ledger.lock(order.account_id)
        settle(order)
    return order


def _post(order: Order, difference: Decimal, money: int, disputed: int) -> None:
    """Take back (above zero) or give back so many credits of the order, and tell its owner whether a dispute did it."""
    account_id, purchase_id, name = order.account_id, order.credit_transaction_id, _name(order)
    assert account_id is not None  # noqa: S101  (a credited order has both)
    assert purchase_id is not None  # noqa: S101
    entry = ledger.CreditTransaction
    query = select(entry.details).where(
        entry.polar_order_id == order.polar_order_id, entry.transaction_type == "refund"
    )
    before = db.session.scalars(query.order_by(entry.number)).all()
    by_dispute = disputed != (before[-1].get("disputed_amount", 0) if before else 0)
    key = f"refund:{order.polar_order_id}:{len(before)}"
    what = f"{'Disputed payment' if by_dispute else 'Refund'} of the {name} package"
    details = {
        "returned_amount": order.returned_amount,
        "disputed_amount": disputed,
        "net_amount": order.net_amount,
        "currency": order.currency,
    }
    post = ledger.claw_back if difference > 0 else ledger.give_back
    posted = post(
        account_id,
        abs(difference),
        purchase_id=purchase_id,
        key=key,
        description=what if difference > 0 else f"{what} undone",
        polar_order_id=order.polar_order_id,
        details=details,
    )
    standing = ledger.balance(account_id)
    facts = {
        "package": name,
        "by_dispute": by_dispute,
        "balance_after": str(standing.balance),
        "transaction_id": posted.id,
    }
    if difference > 0:
        facts |= {
            "full": order.returned_amount == order.net_amount,
            "refunded_amount": money,
            "currency": order.currency,
            "credits_taken": str(difference),
            "debt": f"{standing.debt.normalize():f}",
        }
    else:
        facts |= {"credits_returned": str(-difference)}
    letters.write(
        "refund_processed" if difference > 0 else "refund_reversed",
        key=key,
        account_id=account_id,
        recipient=identity.owner_of(account_id).email,
        facts=facts,
    )
    alerts.consider(account_id, told={"debt"})


def _name(order: Order) -> str:
    return order.package.name if order.package else "credit"
