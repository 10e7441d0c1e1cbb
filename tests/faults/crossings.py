"""Many charges at the same moment cross the threshold of one account: one recharge, and no other within the hour."""

import time
from collections import Counter
from dataclasses import dataclass

from creditapp import recharge
from tests.dev.conftest import eventually
from tests.faults import books, recharged
from tests.faults.calling import consume, together
from tests.faults.polar import Polar
from tests.faults.product import WELCOME, Product
from tests.faults.recharged import Customer
from tests.faults.report import Report

AGAIN_SECONDS = 30.0
COOLING = "At most one recharge an hour"
AGAIN = 1_050  # credits that each spends after the recharge of 1,000


@dataclass(frozen=True, slots=True)
class Size:
    """How many accounts, and how many callers at each."""

    accounts: int
    callers: int


SHORT, FULL = Size(4, 16), Size(50, 32)


def crossings(product: Product, size: Size, _seed: int) -> Report:
    """Everybody's credits run low through callers of two webs, and low again within the hour."""
    polar = Polar(product.instance.polar_port)
    threshold = WELCOME.credits - size.callers // 2
    everybody = recharged.customers(product, polar, size.accounts, threshold=threshold)
    report = Report(f"Crossings: {product.kind}, {size.callers} callers over two webs at {len(everybody)} accounts")
    seen: Counter[int] = Counter()
    begun = time.monotonic()
    with product.second_web() as second:
        for customer in everybody:
            seen.update(_run_low(customer, size.callers, (product.port, second)))
    report.figure("answers", f"{_words(seen)} in {time.monotonic() - begun:.0f} s")
    report.promise(set(seen) == {201}, f"every charge is made: {_words(seen)}")
    recharged.quiet(product, polar, everybody, report, hurried=False)
    _again(product, everybody, report)
    recharged.one_each(product, polar, everybody, report, spent=size.callers + AGAIN)
    books.tie_out(product, report)
    return report


def _run_low(customer: Customer, callers: int, ports: tuple[int, int]) -> list[int]:
    return together(callers, lambda number: consume(ports[number % 2], customer.api_key).status)


def _again(product: Product, everybody: list[Customer], report: Report) -> None:
    """They run low once more, and the log says why there is no second recharge yet."""
    answers = Counter(consume(product.port, customer.api_key, amount=AGAIN).status for customer in everybody)
    said = eventually(lambda: _waiting(product, everybody) == len(everybody), AGAIN_SECONDS)
    report.figure("low again", f"{_waiting(product, everybody)} of {len(everybody)} wait for the hour to end")
    report.promise(set(answers) == {201}, f"what was recharged can be spent: {_words(answers)}")
    report.promise(bool(said), "the log says that the next recharge waits for an hour")


def _waiting(product: Product, everybody: list[Customer]) -> int:
    """How many have one recharge, none under way, and wait for the next."""
    with product.database.app_context():
        found = recharged.attempts(everybody)
    states = {customer.account_id: Counter[str]() for customer in everybody}
    for attempt in found:
        states[attempt.account_id][COOLING if COOLING in attempt.reason else attempt.state] += 1
    return sum(
        seen["paid"] == 1 and seen[COOLING] >= 1 and not any(seen[state] for state in recharge.IN_FLIGHT)
        for seen in states.values()
    )


def _words(seen: Counter[int]) -> str:
    return ", ".join(f"{count:,} x {status}" for status, count in sorted(seen.items()))
