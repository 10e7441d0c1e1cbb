"""An ordinary day: nothing is broken, and receiving a webhook takes no time."""

from tests.faults import books
from tests.faults.postman import Postman, answers, deliveries_of, orders_for, refusals
from tests.faults.product import Product
from tests.faults.redis_away import ACCOUNTS, DUPLICATES, Size
from tests.faults.report import Report, Spread

ACKNOWLEDGED_SECONDS, CREDITED_SECONDS = 0.5, 2.0


def receiving(product: Product, size: Size, seed: int) -> Report:
    """Paid orders at a steady pace while everything runs."""
    orders = orders_for(product.accounts(ACCOUNTS), books.shelf(product), size.orders, seed)
    deliveries = deliveries_of(orders, duplicates=DUPLICATES, a_second=size.a_second, seed=seed)
    again = len(deliveries) - len(orders)
    report = Report(f"Receiving: {product.kind}, {len(orders):,} orders and {again} duplicates, seed {seed}")
    seconds = Postman(product.port, product.webhook_secret).deliver(deliveries)
    report.figure("answers", f"{answers(deliveries)}; all acknowledged after {seconds:.0f} s")
    acknowledged = Spread([delivery.acknowledged.seconds for delivery in deliveries if delivery.acknowledged])
    report.figure("acknowledgements", f"{acknowledged} (promised: p99 {ACKNOWLEDGED_SECONDS} s)")
    slow = ACKNOWLEDGED_SECONDS * size.patience
    report.promise(acknowledged.at(0.99) <= slow, f"99 % of the acknowledgements come within {slow} s")
    report.promise(not refusals(deliveries), f"no delivery is refused (some were: {refusals(deliveries)})")
    books.judge(product, deliveries, report, within=CREDITED_SECONDS * size.patience)
    return report
