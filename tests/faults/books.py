"""What the database says after a drill: who was credited, how often, and how long it took."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select

from creditapp import ledger, packages
from creditapp.db import db
from creditapp.ledger import CreditTransaction
from creditapp.packages import CreditPackage
from creditapp.webhooks import WebhookEvent
from tests.dev.conftest import eventually
from tests.entries import every_entry
from tests.faults.postman import Delivery, PaidOrder
from tests.faults.product import WELCOME, Product
from tests.faults.report import Report, Spread

SETTLE_SECONDS = 30.0
ROWS_AT_ONCE = 500  # a database takes only so many parameters
ONCE_AN_ACCOUNT = "holiday_bonus"


def shelf(product: Product) -> list[CreditPackage]:
    """What an account may buy as often as it likes."""
    with product.database.app_context():
        found = [package for package in packages.everything() if package.key != ONCE_AN_ACCOUNT]
        db.session.expunge_all()
    return found


def judge(
    product: Product, deliveries: Sequence[Delivery], report: Report, *, within: float, share: float = 0.99
) -> None:
    """Hold the books to what was acknowledged: nothing lost, nothing doubled, every balance exact.

    *share* of the orders must be credited *within* so many seconds of their receipt.
    """
    orders = {delivery.order.id: delivery.order for delivery in deliveries if delivery.acknowledged}
    webhook_ids = {delivery.webhook_id: delivery.order.id for delivery in deliveries if delivery.acknowledged}
    settled = eventually(lambda: not _unhandled(product, webhook_ids), SETTLE_SECONDS)
    with product.database.app_context():
        rows = list(_purchases(orders))
        received = _first_received(webhook_ids)
        exact = {account: _is_exact(account, orders.values()) for account in {o.account_id for o in orders.values()}}
    times_credited = Counter(row.polar_order_id for row in rows)
    lost = sum(times_credited[order_id] == 0 for order_id in orders)
    doubled = sum(times > 1 for times in times_credited.values())
    took = Spread([(row.processed_at - received[str(row.polar_order_id)]).total_seconds() for row in rows])
    report.figure("lost", f"{lost} of {len(orders):,}")
    report.figure("doubled", f"{doubled} of {len(orders):,}")
    report.figure("exact balances", f"{sum(exact.values())} of {len(exact)}")
    report.figure("from receipt to credit", f"{took} (promised: {share:.0%} within {within:.0f} s)")
    report.promise(bool(settled), f"every event is handled {SETTLE_SECONDS:.0f} s after the last acknowledgement")
    report.promise(len(received) == len(orders), "every acknowledged order is in the inbox")
    report.promise(lost == 0, "every acknowledged order is credited")
    report.promise(doubled == 0, "no order is credited twice")
    report.promise(all(exact.values()), "every balance is the welcome credits and what was bought")
    report.promise(
        took.at(share) <= within, f"{share:.0%} of the orders are credited within {within:.0f} s of their receipt"
    )
    tie_out(product, report)


def tie_out(product: Product, report: Report) -> None:
    """Hold the books to themselves: every rule of ``flask credits verify``."""
    verified = product.instance.flask("credits", "verify")
    report.figure("flask credits verify", (verified.stdout + verified.stderr).strip())
    report.promise(verified.returncode == 0, "flask credits verify finds no difference")


def charges(product: Product, account_id: int) -> list[CreditTransaction]:
    """Every charge of the account, the oldest first."""
    with product.database.app_context():
        found = [row for row in every_entry(account_id) if row.transaction_type == "consumption"]
        db.session.expunge_all()
    return found[::-1]


def available(product: Product, account_id: int) -> Decimal:
    """What the account may spend."""
    with product.database.app_context():
        return ledger.balance(account_id).available


def _is_exact(account_id: int, orders: Iterable[PaidOrder]) -> bool:
    bought = sum(order.credits for order in orders if order.account_id == account_id)
    return ledger.balance(account_id).balance == WELCOME.credits + bought


def _purchases(order_ids: Iterable[str]) -> Iterator[CreditTransaction]:
    for some in _portions(order_ids):
        yield from db.session.scalars(select(CreditTransaction).where(CreditTransaction.polar_order_id.in_(some)))


def _first_received(orders_by_webhook: dict[str, str]) -> dict[str, datetime]:
    """When each order was stored first, under whichever webhook id."""
    first: dict[str, datetime] = {}
    for some in _portions(orders_by_webhook):
        query = select(WebhookEvent.webhook_id, WebhookEvent.received_at).where(WebhookEvent.webhook_id.in_(some))
        for webhook_id, received_at in db.session.execute(query):
            order_id = orders_by_webhook[webhook_id]
            first[order_id] = min(received_at, first.get(order_id, received_at))
    return first


def _unhandled(product: Product, webhook_ids: Iterable[str]) -> bool:
    waiting = select(WebhookEvent.id).where(WebhookEvent.state == "received").limit(1)
    with product.database.app_context():
        return any(
            db.session.scalar(waiting.where(WebhookEvent.webhook_id.in_(some))) is not None
            for some in _portions(webhook_ids)
        )


def _portions(values: Iterable[str]) -> Iterator[list[str]]:
    every = list(values)
    for start in range(0, len(every), ROWS_AT_ONCE):
        yield every[start : start + ROWS_AT_ONCE]
