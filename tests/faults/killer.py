"""``kill -9`` at random, for as long as it is let."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Self

from tests.faults.product import Product

PARTS = ("web", "worker", "clock", "valkey")
PAUSE_SECONDS = (0.2, 1.0)


class Killer:
    """Kills one of *parts* while its block runs, again and again after a pause of so many seconds."""

    def __init__(
        self, product: Product, parts: Sequence[str], seed: int, pause: tuple[float, float] = PAUSE_SECONDS
    ) -> None:
        self.kills: Counter[str] = Counter()
        self._product, self._parts, self._random, self._pause = product, parts, random.Random(seed), pause
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._kill_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def __str__(self) -> str:
        return f"{self.kills.total()} ({', '.join(f'{part} {self.kills[part]}' for part in self._parts)})"

    def _kill_on(self) -> None:
        while not self._enough.wait(self._random.uniform(*self._pause)):
            # One that is just being brought back can't be killed: then it is another's turn.
            for part in self._random.sample(self._parts, len(self._parts)):
                if self._product.kill(part, whole=self._random.random() < 1 / 2):
                    self.kills[part] += 1
                    break
