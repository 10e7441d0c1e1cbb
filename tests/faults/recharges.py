"""Credits run low while answers are lost and web, worker and clock are killed: each saved card is charged once."""

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.faults import books, recharged
from tests.faults.calling import consume
from tests.faults.killer import PARTS, PAUSE_SECONDS, Killer
from tests.faults.polar import Polar, Weather
from tests.faults.product import Product
from tests.faults.recharged import Customer
from tests.faults.report import Report

THRESHOLD, CHARGES, AMOUNT = 50, 4, 20  # of 100 credits: the third charge crosses the threshold
CALLERS = 16
CALLS_OF_A_RECHARGE = 2  # that make or finalize a draft
RETRY_SECONDS, GIVE_UP_SECONDS = 0.1, 60.0
LONGEST_EXTRA_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How many accounts run low, how many a second, the least number of kills, and whether time is turned forward.

    A killed process keeps its claim for half a minute: a short drill does not wait for that.
    """

    accounts: int
    a_second: float
    kills: int
    hurried: bool


SHORT, FULL = Size(12, 4, 4, hurried=True), Size(200, 3, 60, hurried=False)


def recharges(product: Product, size: Size, seed: int) -> Report:
    """Bring every account below its threshold by charges at the same moment, and do harm meanwhile."""
    polar = Polar(product.instance.polar_port)
    everybody = recharged.customers(product, polar, size.accounts, threshold=THRESHOLD)
    report = Report(f"Recharges: {product.kind}, {len(everybody)} accounts that run low, seed {seed}")
    spoiled = polar.spoil(CALLS_OF_A_RECHARGE * len(everybody), random.Random(seed))
    begun = time.monotonic()
    with Weather(polar, seed), Killer(product, PARTS[:-1], seed) as killer:
        attempts = _spend(product, everybody, size.a_second)
        spending = time.monotonic() - begun
        while killer.kills.total() < size.kills and time.monotonic() < begun + spending + LONGEST_EXTRA_SECONDS:
            time.sleep(0.05)
        killing = time.monotonic() - begun
    report.figure("kill -9", f"{killer} in {killing:.0f} s, one every {PAUSE_SECONDS[0]} to {PAUSE_SECONDS[1]} s")
    cut_off = sum(tries > 1 for tries in attempts)
    report.figure("API charges", f"{len(attempts):,}, of which {cut_off} were cut off and asked for again")
    report.figure("answers of Polar", f"{spoiled}; webhooks at once, up to 3 s late, doubled, reordered")
    report.promise(killer.kills.total() >= size.kills, f"at least {size.kills} kills")
    report.promise(all(attempts), "every API charge is answered with 201 in the end")
    recharged.quiet(product, polar, everybody, report, hurried=size.hurried)
    recharged.one_each(product, polar, everybody, report, spent=CHARGES * AMOUNT)
    books.tie_out(product, report)
    return report


def _spend(product: Product, everybody: Sequence[Customer], a_second: float) -> list[int]:
    """Every account's charges together when its time has come; how often each had to be asked for."""
    begun = time.monotonic()

    def one(due: float, customer: Customer, number: int) -> int:
        time.sleep(max(0.0, begun + due - time.monotonic()))
        return _until_answered(product, customer, f"drill {number}")

    with ThreadPoolExecutor(CALLERS) as callers:
        asked = [
            callers.submit(one, place / a_second, customer, number)
            for place, customer in enumerate(everybody)
            for number in range(CHARGES)
        ]
    return [answer.result() for answer in asked]


def _until_answered(product: Product, customer: Customer, key: str) -> int:
    """How often it was asked for; 0 where it was refused, or never answered."""
    give_up, tries = time.monotonic() + GIVE_UP_SECONDS, 0
    while time.monotonic() < give_up:
        tries += 1
        answer = consume(product.port, customer.api_key, key=key, amount=AMOUNT)
        if answer.status == 201:
            return tries
        if answer.status:
            return 0
        time.sleep(RETRY_SECONDS)
    return 0
