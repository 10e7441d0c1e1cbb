"""Calls that go wrong on purpose: ``POST /_control/fail_next`` (a WSGI layer around the whole program).

A fault strikes before the work (nothing happened) or after it (it happened, and the answer is lost or wrong).
"""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

STRUCK = ("/v1/", "/checkout/", "/portal")
UNKNOWN = "Made To Fail"


@dataclass(frozen=True)
class Fault:
    """What happens to the next calls whose path contains ``path``; status None closes without an answer."""

    path: str
    status: int | None
    after_charge: bool
    seconds: float = 0
    times: int = 1


class Faults:
    """The faults that are still to come, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: list[tuple[Fault, int]] = []

    def plan(self, fault: Fault) -> None:
        """Let the next ``times`` fitting calls go wrong."""
        with self._lock:
            self._ahead.append((fault, fault.times))

    def strike(self, path: str) -> Fault | None:
        """The fault for this call, used up once."""
        if not path.startswith(STRUCK):
            return None
        with self._lock:
            for place, (fault, left) in enumerate(self._ahead):
                if fault.path in path:
                    self._ahead[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None


class FaultyServer:
    """The program with its faults."""

    def __init__(self, app: "WSGIApplication", faults: Faults) -> None:
        self._app, self._faults = app, faults

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one call, rightly or wrongly."""
        fault = self._faults.strike(environ.get("PATH_INFO", ""))
        if fault is None:
            return self._app(environ, start_response)
        if fault.after_charge:
            _let_happen(self._app, environ)
        time.sleep(fault.seconds)
        if fault.status is None:
            _hang_up(environ)
        return _wrong_answer(fault.status or 500, start_response)


def _let_happen(app: "WSGIApplication", environ: "WSGIEnvironment") -> None:
    """Run the call and throw its answer away."""

    def swallow(*_: Any) -> Callable[[bytes], object]:
        return lambda _: None

    answer = app(environ, swallow)
    try:
        for _ in answer:
            pass
    finally:
        if hasattr(answer, "close"):
            answer.close()


def _hang_up(environ: "WSGIEnvironment") -> None:
    """Close the connection; the server takes the error for a client that went away."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def _wrong_answer(status: int, start_response: "StartResponse") -> Iterable[bytes]:
    reason = http.client.responses.get(status, UNKNOWN)
    body = json.dumps({"error": reason.replace(" ", ""), "detail": reason}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    if status == 429:
        headers.append(("Retry-After", "1"))
    start_response(f"{status} {reason}", headers)
    return [body]
