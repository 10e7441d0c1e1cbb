"""How often a program may call: counted for each key in one call of Redis, in this process while Redis is away."""

import threading
import time
from dataclasses import dataclass
from functools import cache

import redis
from flask import Response, current_app, g
from limits import parse
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.exceptions import TooManyRequests

from creditapp.api.callers import whose_limit
from creditapp.wiring import settings

REDIS_SECONDS = 0.25
WITHOUT_REDIS_SECONDS = 5.0  # so long nobody asks for it again
MOST_COUNTED_HERE = 10_000
COUNT = """
local used = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    left = tonumber(ARGV[1])
    redis.call('PEXPIRE', KEYS[1], left)
end
return {used, left}
"""


@dataclass(frozen=True, slots=True)
class Window:
    """The calls of a window: how many there may be, how many there were, and in how many seconds the next begins."""

    limit: int
    used: int
    seconds_left: float


class Counter:
    """Counts calls by who makes them."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_connect_timeout=REDIS_SECONDS,
            socket_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._redis.register_script(COUNT)
        self._away_until = 0.0
        self._here: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def count(self, who: str, rate: str) -> Window:
        """One more call of *who*."""
        limit, seconds = _read(rate)
        if time.monotonic() >= self._away_until:
            try:
                used, left = self._script(keys=[f"calls {who}"], args=[seconds * 1_000])
                return Window(limit, int(used), int(left) / 1_000)
            except (redis.RedisError, OSError):
                self._away_until = time.monotonic() + WITHOUT_REDIS_SECONDS
        return self._count_here(who, limit, seconds)

    def _count_here(self, who: str, limit: int, seconds: int) -> Window:
        now = time.monotonic()
        with self._lock:
            used, ends = self._here.get(who, (0, 0.0))
            if ends <= now:
                used, ends = 0, now + seconds
                if len(self._here) >= MOST_COUNTED_HERE:
                    self._here = {whose: window for whose, window in self._here.items() if window[1] > now}
            self._here[who] = (used + 1, ends)
        return Window(limit, used + 1, ends - now)


def count_call() -> None:
    """One more call by whoever calls. Raises TooManyRequests."""
    counter: Counter = current_app.extensions["calls"]
    g.window = counter.count(whose_limit(), settings().api_rate_limit)
    if g.window.used > g.window.limit:
        raise TooManyRequests


def tell_limit(response: Response) -> Response:
    """How many calls are left in this window, and when it ends (draft-ietf-httpapi-ratelimit-headers)."""
    window: Window | None = g.get("window")
    if window is not None:
        seconds = int(window.seconds_left)
        response.headers["RateLimit-Limit"] = str(window.limit)
        response.headers["RateLimit-Remaining"] = str(max(window.limit - window.used, 0))
        response.headers["RateLimit-Reset"] = str(seconds)
        if response.status_code == TooManyRequests.code:
            response.headers.setdefault("Retry-After", str(max(seconds, 1)))
    return response


@cache
def _read(rate: str) -> tuple[int, int]:
    rule = parse(rate)
    return rule.amount, rule.get_expiry()
