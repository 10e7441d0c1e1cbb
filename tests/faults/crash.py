"""The crash drill: paid orders arrive while web, worker, clock and Valkey are killed at random.

The same again while there is no Valkey at all, and while it is frozen: then the others are killed.
"""

import time
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.faults import books
from tests.faults.killer import PARTS, PAUSE_SECONDS, Killer
from tests.faults.postman import Postman, answers, deliveries_of, orders_for, refusals
from tests.faults.product import Product
from tests.faults.report import Report

ACCOUNTS, DUPLICATES = 40, 0.15
CREDITED_SECONDS, CREDITED_WITHOUT_VALKEY_SECONDS, CREDITED_WITHOUT_DATABASE_SECONDS = 5.0, 10.0, 30.0
DATABASE_PAUSE_SECONDS = (2.0, 6.0)
NOT_NOW = 503
LONGEST_EXTRA_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large a crash drill is: orders, how many a second, the least number of kills, and how patient it is.

    A short drill runs beside other tests on the same cores: its limits are so many times as long.
    """

    orders: int
    a_second: float
    kills: int
    patience: float


SHORT, FULL = Size(100, 15, 10, 3), Size(1_000, 20, 60, 1)
SHORT_OF_DATABASE, FULL_OF_DATABASE = Size(40, 12, 2, 3), Size(1_000, 10, 12, 1)


def crash(product: Product, size: Size, seed: int) -> Report:
    """Everything is killed, Valkey too, which forgets all it knew."""
    return _drill("Crash", product, size, seed, PARTS, nullcontext(), CREDITED_SECONDS)


def crash_without_redis(product: Product, size: Size, seed: int) -> Report:
    """There is no Valkey from beginning to end; the others are killed."""
    parts, within = PARTS[:-1], CREDITED_WITHOUT_VALKEY_SECONDS
    return _drill("Crash without Redis", product, size, seed, parts, product.stopped_valkey(), within)


def crash_with_frozen_redis(product: Product, size: Size, seed: int) -> Report:
    """Valkey takes every connection and never answers; the others are killed."""
    parts, within = PARTS[:-1], CREDITED_WITHOUT_VALKEY_SECONDS
    return _drill("Crash with a frozen Redis", product, size, seed, parts, product.frozen_valkey(), within)


def crash_of_postgresql(product: Product, size: Size, seed: int) -> Report:
    """Only the database is killed; meanwhile Polar is asked to come again."""
    within, pause = CREDITED_WITHOUT_DATABASE_SECONDS, DATABASE_PAUSE_SECONDS
    return _drill(
        "Crash of PostgreSQL", product, size, seed, ("postgresql",), nullcontext(), within, pause, may_refuse={NOT_NOW}
    )


def _drill(
    title: str,
    product: Product,
    size: Size,
    seed: int,
    parts: tuple[str, ...],
    trouble: AbstractContextManager[None],
    within: float,
    pause: tuple[float, float] = PAUSE_SECONDS,
    may_refuse: AbstractSet[int] = frozenset(),
) -> Report:
    orders = orders_for(product.accounts(ACCOUNTS), books.shelf(product), size.orders, seed)
    deliveries = deliveries_of(orders, duplicates=DUPLICATES, a_second=size.a_second, seed=seed)
    again = len(deliveries) - len(orders)
    report = Report(f"{title}: {product.kind}, {len(orders):,} orders and {again} duplicates, seed {seed}")
    with trouble:
        begun = time.monotonic()
        with Killer(product, parts, seed, pause) as killer:
            seconds = Postman(product.port, product.webhook_secret).deliver(deliveries)
            while killer.kills.total() < size.kills and time.monotonic() < begun + seconds + LONGEST_EXTRA_SECONDS:
                time.sleep(0.05)
            killing = time.monotonic() - begun
        report.figure("kill -9", f"{killer} in {killing:.0f} s, one every {pause[0]} to {pause[1]} s")
        report.figure("answers", f"{answers(deliveries)}; all acknowledged after {seconds:.0f} s")
        report.promise(killer.kills.total() >= size.kills, f"at least {size.kills} kills")
        refused = {status: count for status, count in refusals(deliveries).items() if status not in may_refuse}
        report.promise(not refused, f"no delivery is refused (some were: {refused})")
        books.judge(product, deliveries, report, within=within * size.patience)
    return report
