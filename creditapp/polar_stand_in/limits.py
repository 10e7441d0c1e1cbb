"""How many calls a token may make in a minute (facts §5). High unless ``/_control/limits`` says otherwise."""

import math
import threading
import time

from creditapp.polar_stand_in.refusals import Refusal

PER_MINUTE = 1_000_000
WINDOW_SECONDS = 60


class Limits:
    """The calls of the current minute, by token; forgotten when the program ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._per_minute = PER_MINUTE
        self._began, self._calls = 0.0, dict[str, int]()

    def set(self, per_minute: int) -> None:
        """From now on, beginning with a fresh minute."""
        with self._lock:
            self._per_minute = per_minute
            self._began, self._calls = 0.0, {}

    def count(self, token: str) -> None:
        """Count one call; 429 with whole seconds to wait when it is one too many."""
        with self._lock:
            now = time.monotonic()
            if now - self._began >= WINDOW_SECONDS:
                self._began, self._calls = now, {}
            self._calls[token] = calls = self._calls.get(token, 0) + 1
            left = math.ceil(self._began + WINDOW_SECONDS - now)
        if calls > self._per_minute:
            raise Refusal(429, None, {"Retry-After": str(left)})
