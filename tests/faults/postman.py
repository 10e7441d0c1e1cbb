"""Polar's side of a drill: orders that were paid, delivered at a steady pace and again until each is acknowledged."""

import json
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import uuid4

from creditapp.packages import CreditPackage
from tests.deliveries import ADDRESS, order_paid, signed
from tests.faults.calling import Answer, call

SENDERS = 16
# A duplicate comes beside the first delivery or a little after it.
BEHIND_SECONDS = 3.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
LONGEST_RUN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """One order, and what it must bring to whom."""

    id: str
    account_id: int
    credits: Decimal
    body: bytes


@dataclass
class Delivery:
    """One webhook: when it is sent first, and what became of it."""

    order: PaidOrder
    webhook_id: str
    after: float
    attempts: int = 0
    refused: list[int] = field(default_factory=list)
    acknowledged: Answer | None = None


def orders_for(accounts: Sequence[int], shelf: Sequence[CreditPackage], count: int, seed: int) -> list[PaidOrder]:
    """Orders of packages at random, for accounts at random."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        package, account_id, order_id = chance.choice(shelf), chance.choice(accounts), str(uuid4())
        body = json.dumps(order_paid(package, account_id, order_id=order_id), separators=(",", ":")).encode()
        made.append(PaidOrder(order_id, account_id, package.credits, body))
    return made


def deliveries_of(orders: Sequence[PaidOrder], *, duplicates: float, a_second: float, seed: int) -> list[Delivery]:
    """Every order once, and so many of them again: half under the same webhook id, half under a new one."""
    chance = random.Random(seed)
    first = [Delivery(order, str(uuid4()), number / a_second) for number, order in enumerate(orders)]
    again = []
    for number, twice in enumerate(chance.sample(first, round(duplicates * len(first)))):
        webhook_id = twice.webhook_id if number % 2 else str(uuid4())
        again.append(Delivery(twice.order, webhook_id, twice.after + chance.uniform(0, BEHIND_SECONDS)))
    return first + again


class Postman:
    """Sends deliveries from several threads, each when its time has come, and again until it is acknowledged."""

    def __init__(self, port: int, secret: str) -> None:
        self._port, self._secret = port, secret
        self._due: queue.PriorityQueue[tuple[float, int]] = queue.PriorityQueue()
        self._open = 0
        self._counting = threading.Lock()

    def deliver(self, deliveries: Sequence[Delivery]) -> float:
        """Send them all; how many seconds it took. Raises TimeoutError when some are never acknowledged."""
        begun = time.monotonic()
        self._open = len(deliveries)
        for number, delivery in enumerate(deliveries):
            self._due.put((begun + delivery.after, number))
        with ThreadPoolExecutor(SENDERS) as senders:
            for done in [senders.submit(self._send_on, deliveries, begun) for _ in range(SENDERS)]:
                done.result()
        if self._open:
            message = f"{self._open} deliveries were not acknowledged within {LONGEST_RUN_SECONDS:.0f} s"
            raise TimeoutError(message)
        return time.monotonic() - begun

    def _send_on(self, deliveries: Sequence[Delivery], begun: float) -> None:
        while self._open and time.monotonic() < begun + LONGEST_RUN_SECONDS:
            try:
                due, number = self._due.get(timeout=LONGEST_PAUSE_SECONDS)
            except queue.Empty:
                continue
            time.sleep(max(0.0, due - time.monotonic()))
            delivery = deliveries[number]
            self._send(delivery)
            if delivery.acknowledged is None:
                pause = min(FIRST_PAUSE_SECONDS * 2**delivery.attempts, LONGEST_PAUSE_SECONDS)
                self._due.put((time.monotonic() + pause, number))
            else:
                with self._counting:
                    self._open -= 1

    def _send(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        headers = signed(delivery.order.body, self._secret, webhook_id=delivery.webhook_id)
        answer = call(self._port, "POST", ADDRESS, body=delivery.order.body, headers=headers)
        if 200 <= answer.status < 300:
            delivery.acknowledged = answer
        else:
            delivery.refused.append(answer.status)


def answers(deliveries: Sequence[Delivery]) -> str:
    """Every answer there was, in words."""
    seen = Counter(delivery.acknowledged.status for delivery in deliveries if delivery.acknowledged)
    seen.update(status for delivery in deliveries for status in delivery.refused)
    none = seen.pop(0, 0)
    return ", ".join([*(f"{count:,} x {status}" for status, count in sorted(seen.items())), f"{none:,} without any"])


def refusals(deliveries: Sequence[Delivery]) -> dict[int, int]:
    """How often each answer came that was neither an acknowledgement nor silence."""
    return dict(Counter(status for delivery in deliveries for status in delivery.refused if status))
