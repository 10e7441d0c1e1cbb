"""A load generator that costs next to nothing: one thread, ready-made requests on connections that stay open.

How busy it was is told with each run: near a whole core it would measure itself.
"""

import selectors
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

CHUNK = 1 << 20
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Told:
    """What a run found: requests a second, their times in seconds, and the part of a core that asking took."""

    per_second: float
    times: list[float]
    busy: float

    def percentile(self, hundredths: int) -> float:
        """The time within which so many of a hundred requests were answered."""
        return statistics.quantiles(self.times, n=100)[hundredths - 1]


class _Caller:
    """One connection, and the request that is under way on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked_at = 0.0
        self._answer = b""

    def ask(self, request: bytes) -> None:
        self._answer = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bytes | None:
        """The whole answer, None while some of it is missing."""
        heard = self.socket.recv(CHUNK)
        if not heard:
            message = "the server closed a connection"
            raise ConnectionError(message)
        self._answer += heard
        head, found, body = self._answer.partition(END_OF_HEAD)
        if not found:
            return None
        return self._answer if len(body) >= _length(head) else None


def drive(port: int, request: Callable[[], bytes], *, status: int, connections: int, seconds: float) -> Told:
    """Ask *request()* again and again on each connection. Raises AssertionError where one is not answered *status*."""
    expected = f"HTTP/1.1 {status}".encode()
    callers = [_Caller(port) for _ in range(connections)]
    times: list[float] = []
    with selectors.DefaultSelector() as ready:
        began, cpu = time.perf_counter(), time.process_time()
        end = began + seconds
        for caller in callers:
            ready.register(caller.socket, selectors.EVENT_READ, caller)
            caller.ask(request())
        while ready.get_map():
            for event, _ in ready.select():
                caller = event.data
                answer = caller.hear()
                if answer is None:
                    continue
                now = time.perf_counter()
                assert answer.startswith(expected), answer[:2_000]
                times.append(now - caller.asked_at)
                if now < end:
                    caller.ask(request())
                else:
                    ready.unregister(caller.socket)
                    caller.socket.close()
        took = time.perf_counter() - began
        return Told(len(times) / took, times, (time.process_time() - cpu) / took)


def written(method: str, path: str, *headers: str, body: str = "") -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def _length(head: bytes) -> int:
    lower = head.lower()
    start = lower.find(LENGTH)
    if start < 0:
        return 0  # 304
    return int(lower[start + len(LENGTH) :].partition(b"\r")[0])
