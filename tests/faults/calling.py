"""Callers of the product over real HTTP: one call, or many at the same moment."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

LOCAL = "127.0.0.1"
PATIENCE_SECONDS = 10.0  # as long as Polar waits for an answer
TOGETHER_SECONDS = 60.0
CONSUME = "/api/credits/consume"

Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 where nothing did."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


def call(port: int, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    """One call on a connection of its own; never raises for what a dying server does."""
    begun = time.monotonic()
    connection = http.client.HTTPConnection(LOCAL, port, timeout=PATIENCE_SECONDS)
    with contextlib.closing(connection):
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException):
            return Answer(0, {}, b"", time.monotonic() - begun)
    given = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, given, content, time.monotonic() - begun)


def consume(port: int, api_key: str, *, key: str | None = None, amount: int = 1) -> Answer:
    """``POST consume`` of an explicit amount, under an idempotency *key* if there is one."""
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    return call(port, "POST", CONSUME, body=json.dumps({"amount": amount}).encode(), headers=headers)


def together(count: int, work: Callable[[int], Outcome]) -> list[Outcome]:
    """What ``work(0)`` to ``work(count - 1)`` answer, all begun at the same moment."""
    gate = threading.Barrier(count)

    def one(number: int) -> Outcome:
        gate.wait(TOGETHER_SECONDS)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))
