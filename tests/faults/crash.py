"""The crash drill: webhooks arrive while web, worker, clock and Valkey are killed at random."""

import time
from dataclasses import dataclass

from tests.faults import books
from tests.faults.killer import PAUSE_SECONDS, Killer
from tests.faults.postman import Postman, answers, deliveries_of, orders_for
from tests.faults.product import Product
from tests.faults.report import Report, Spread

ACCOUNTS, DUPLICATES = 40, 0.15
CREDITED_SECONDS = 5.0
LONGEST_EXTRA_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large a crash drill is: webhooks, how many a second, and the least number of kills."""

    orders: int
    a_second: float
    kills: int


SHORT, FULL = Size(150, 15, 10), Size(1_000, 20, 60)


def drill(product: Product, size: Size, *, seed: int) -> Report:
    """Deliver paid orders while parts are killed; then hold the books to every acknowledgement."""
    orders = orders_for(product.accounts(ACCOUNTS), books.shelf(product), size.orders, seed)
    deliveries = deliveries_of(orders, duplicates=DUPLICATES, a_second=size.a_second, seed=seed)
    begun = time.monotonic()
    with Killer(product, seed) as killer:
        seconds = Postman(product.port, product.webhook_secret).deliver(deliveries)
        give_up = time.monotonic() + LONGEST_EXTRA_SECONDS
        while killer.kills.total() < size.kills and time.monotonic() < give_up:
            time.sleep(0.05)
        killing = time.monotonic() - begun

    again = len(deliveries) - len(orders)
    report = Report(f"Crash: {product.kind}, {size.orders:,} orders and {again} duplicates, seed {seed}")
    report.figure("kill -9", f"{killer} in {killing:.0f} s, one every {PAUSE_SECONDS[0]} to {PAUSE_SECONDS[1]} s")
    report.figure("answers", f"{answers(deliveries)}; all acknowledged after {seconds:.0f} s")
    took = Spread([delivery.acknowledged.seconds for delivery in deliveries if delivery.acknowledged])
    report.figure("acknowledgements", str(took))
    refused = [status for delivery in deliveries for status in delivery.refused if status]
    report.promise(not refused, f"an attempt is acknowledged or gets no answer (seen: {sorted(set(refused))})")
    report.promise(killer.kills.total() >= size.kills, f"at least {size.kills} kills")
    books.judge(product, deliveries, report, within=CREDITED_SECONDS)
    return report
