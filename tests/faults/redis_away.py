"""Redis is gone, or frozen, from beginning to end, and nobody notices but the clock."""

import itertools
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

from tests.faults import books
from tests.faults.calling import Answer, consume
from tests.faults.postman import Postman, answers, deliveries_of, orders_for, refusals
from tests.faults.product import Product
from tests.faults.report import Report, Spread

ACCOUNTS, DUPLICATES = 40, 0.15
CREDITED_SECONDS, ACKNOWLEDGED_SECONDS, CONSUMED_SECONDS = 10.0, 2.0, 0.5
CHARGES_A_SECOND = 10.0
CREDITS = 1_000_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many orders, how many a second; a short drill runs beside other tests: its limits are longer."""

    orders: int
    a_second: float
    patience: float


SHORT, FULL = Size(60, 12, 3), Size(1_000, 20, 1)


def redis_stopped(product: Product, size: Size, seed: int) -> Report:
    """There is no Valkey from beginning to end."""
    return _drill("Redis stopped", product, size, seed, product.stopped_valkey())


def redis_frozen(product: Product, size: Size, seed: int) -> Report:
    """Valkey takes every connection and never answers."""
    return _drill("Redis frozen", product, size, seed, product.frozen_valkey())


class Spender:
    """A program that consumes at a steady pace while its block runs."""

    def __init__(self, product: Product) -> None:
        self.answers: list[Answer] = []
        account_id = product.accounts(1)[0]
        product.give(account_id, CREDITS)
        self._port, self._api_key = product.port, product.key_for(account_id)
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._spend_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _spend_on(self) -> None:
        for number in itertools.count():
            self.answers.append(consume(self._port, self._api_key, key=f"steady-{number}"))
            if self._enough.wait(1 / CHARGES_A_SECOND):
                return


def _drill(title: str, product: Product, size: Size, seed: int, trouble: AbstractContextManager[None]) -> Report:
    orders = orders_for(product.accounts(ACCOUNTS), books.shelf(product), size.orders, seed)
    deliveries = deliveries_of(orders, duplicates=DUPLICATES, a_second=size.a_second, seed=seed)
    again = len(deliveries) - len(orders)
    report = Report(f"{title}: {product.kind}, {len(orders):,} orders and {again} duplicates, seed {seed}")
    with trouble:
        with Spender(product) as spender:
            seconds = Postman(product.port, product.webhook_secret).deliver(deliveries)
        report.figure("answers", f"{answers(deliveries)}; all acknowledged after {seconds:.0f} s")
        acknowledged = Spread([delivery.acknowledged.seconds for delivery in deliveries if delivery.acknowledged])
        report.figure("acknowledgements", f"{acknowledged} (promised: below {ACKNOWLEDGED_SECONDS:.0f} s)")
        charged = Spread([answer.seconds for answer in spender.answers])
        report.figure("consume", f"{charged} in {len(charged.values)} calls (promised: p99 {CONSUMED_SECONDS} s)")
        report.promise(not refusals(deliveries), f"no delivery is refused (some were: {refusals(deliveries)})")
        report.promise(all(answer.status == 201 for answer in spender.answers), "every consume is answered with 201")
        slowest = ACKNOWLEDGED_SECONDS * size.patience
        report.promise(acknowledged.at(1) < slowest, f"every acknowledgement comes within {slowest:.0f} s")
        slow = CONSUMED_SECONDS * size.patience
        report.promise(charged.at(0.99) <= slow, f"99 % of the charges take at most {slow} s")
        books.judge(product, deliveries, report, within=CREDITED_SECONDS * size.patience, share=1)
    return report
