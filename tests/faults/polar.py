"""The stand-in for Polar in a drill's hands: what it is told to do wrong, and the charges it really made."""

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Self

from tests.faults.calling import call

PAYS = "4242 4242 4242 4242"
LATEST_SECONDS = 3.0
PAUSE_SECONDS = (0.3, 1.0)

Call = dict[str, Any]

MAKING_OR_CHARGING = {"path": "/v1/orders/", "method": "POST"}  # a draft is made, or finalized
LOST: Call = {"status": None, "after_charge": True}
CHARGED_THEN_500: Call = {"status": 500, "after_charge": True}
WEBHOOKS_FIRST: Call = {"right_answer": True, "answer_after": 0.5}
SLOW: Call = {"right_answer": True, "seconds": 0.5}
RIGHT: Call = {"right_answer": True}
SHARES = ((LOST, 0.15), (CHARGED_THEN_500, 0.10), (WEBHOOKS_FIRST, 0.10), (SLOW, 0.10))


class Polar:
    """The stand-in of a running product."""

    def __init__(self, port: int) -> None:
        self._port = port

    def control(self, verb: str, **body: Any) -> Any:
        """Turn something. Raises RuntimeError where it does not understand."""
        content = json.dumps(body).encode()
        answer = call(
            self._port, "POST", f"/_control/{verb}", body=content, headers={"Content-Type": "application/json"}
        )
        if answer.status != 200:
            message = f"the stand-in answered {verb} with {answer.status}: {answer.body.decode()}"
            raise RuntimeError(message)
        return answer.json

    def charges(self) -> list[Any]:
        """Every charge really made, the oldest first."""
        return list(call(self._port, "GET", "/_control/charges").json["items"])

    @property
    def has_told_all(self) -> bool:
        """Whether no webhook is still on its way."""
        sent = call(self._port, "GET", "/_control/deliveries").json["items"]
        return all(one["state"] != "waiting" for one in sent)

    def spoil(self, calls: int, chance: random.Random) -> str:
        """Let the next so many calls that make or finalize a draft go wrong by their shares; in words."""
        deck = [outcome for outcome, share in SHARES for _ in range(round(share * calls))]
        deck += [RIGHT] * (calls - len(deck))
        chance.shuffle(deck)
        for outcome, alike in groupby(deck):
            self.control("fail_next", **MAKING_OR_CHARGING, **outcome, times=len(list(alike)))
        lost, broken = deck.count(LOST), deck.count(CHARGED_THEN_500)
        return f"{lost} lost, {broken} 500 though it was done, of {calls} that made or finalized a draft"


class Weather:
    """Webhooks come as they like while its block runs: at once, late, doubled, in another order."""

    def __init__(self, polar: Polar, seed: int) -> None:
        self.seen: Counter[str] = Counter()
        self._polar, self._random = polar, random.Random(seed)
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._change, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()
        self._polar.control("webhooks")

    def _change(self) -> None:
        for behaviour in self._behaviours():
            self._polar.control("webhooks", **behaviour)
            if self._enough.wait(self._random.uniform(*PAUSE_SECONDS)):
                return

    def _behaviours(self) -> Iterator[dict[str, Any]]:
        while True:
            late = self._random.choice((0.0, self._random.uniform(0, LATEST_SECONDS)))
            yield {
                "delay_seconds": late,
                "duplicate": self._random.random() < 1 / 2,
                "reorder": self._random.random() < 1 / 2,
            }
