"""Calls that go wrong on purpose: ``POST /_control/fail_next`` (a WSGI layer around the whole program).

A fault strikes before the work (nothing happened) or after it (it happened, and the answer is lost or wrong). A call
that moves money in two steps is struck between them: see ``in_the_middle``.
"""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from creditapp.polar_stand_in.refusals import Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STRUCK = ("/v1/", "/checkout/", "/portal")
IN_TWO_STEPS = "/finalize"
PLANNED = "polar_stand_in.fault"  # in the environment of a call in two steps
UNKNOWN = "Made To Fail"


@dataclass(frozen=True)
class Fault:
    """What happens to the next calls whose path contains ``path``; status None closes without an answer.

    ``method``: only calls of this method, which tells making an order from looking for one.

    ``right_answer``: the answer is the right one after all, only late. ``answer_after``: so many seconds more, once
    everything is done and told, which lets webhooks arrive before the answer.
    """

    path: str
    status: int | None
    after_charge: bool
    seconds: float = 0
    times: int = 1
    retry_after: int = 1
    right_answer: bool = False
    answer_after: float = 0
    method: str | None = None


class Faults:
    """The faults that are still to come, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: list[tuple[Fault, int]] = []

    def plan(self, fault: Fault) -> None:
        """Let the next ``times`` fitting calls go wrong."""
        with self._lock:
            self._ahead.append((fault, fault.times))

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault for this call, used up once."""
        if not path.startswith(STRUCK):
            return None
        with self._lock:
            for place, (fault, left) in enumerate(self._ahead):
                if fault.path in path and fault.method in {None, method}:
                    self._ahead[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None


class FaultyServer:
    """The program with its faults."""

    def __init__(self, app: "WSGIApplication", faults: Faults) -> None:
        self._app, self._faults = app, faults

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one call, rightly or wrongly."""
        path = environ.get("PATH_INFO", "")
        fault = self._faults.strike(environ.get("REQUEST_METHOD", ""), path)
        if fault is None:
            return self._app(environ, start_response)
        in_two_steps = path.endswith(IN_TWO_STEPS)
        if in_two_steps:
            environ[PLANNED] = fault
        answer = _Answer(self._app, environ) if fault.after_charge or fault.right_answer else None
        if answer is None or not in_two_steps:
            time.sleep(fault.seconds)
        time.sleep(fault.answer_after)
        if answer is not None and fault.right_answer:
            return answer.give(start_response)
        if fault.status is None:
            _hang_up(environ)
        return _wrong_answer(fault, start_response)


def in_the_middle(environ: "WSGIEnvironment") -> None:
    """Between the two steps of a call: wait, and break off where the planned answer is a server's error."""
    fault: Fault | None = environ.get(PLANNED)
    if fault is None:
        return
    time.sleep(fault.seconds)
    if fault.status is not None and fault.status >= 500 and not fault.right_answer:
        raise Refusal(fault.status, None)


class _Answer:
    """The call as it really went: done to the end, its answer kept."""

    def __init__(self, app: "WSGIApplication", environ: "WSGIEnvironment") -> None:
        self._begun: tuple[str, list[tuple[str, str]]] = ("", [])
        answer = app(environ, self._begin)
        try:
            self._body = list(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def give(self, start_response: "StartResponse") -> Iterable[bytes]:
        """Answer with it."""
        start_response(*self._begun)
        return self._body

    def _begin(self, status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        self._begun = (status, headers)
        return lambda _: None


def _hang_up(environ: "WSGIEnvironment") -> None:
    """Close the connection; the server takes the error for a client that went away."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def _wrong_answer(fault: Fault, start_response: "StartResponse") -> Iterable[bytes]:
    status = fault.status or 500
    reason = http.client.responses.get(status, UNKNOWN)
    if status == 429:  # as Polar's limiter says it: no words, whole seconds
        start_response(f"{status} {reason}", [("Retry-After", str(fault.retry_after)), ("Content-Length", "0")])
        return [b""]
    body = json.dumps({"error": reason.replace(" ", ""), "detail": reason}).encode()
    start_response(f"{status} {reason}", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
