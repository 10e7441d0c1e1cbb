"""The bell: tells a worker that a row waits. Redis holds nothing else of ours, and losing it loses nothing.

The request that rings must never wait for Redis: short time-outs, and after a failure silence for ten times as long as
it cost. A Redis that refuses is tried again at once, one that hangs after seconds. The clock finds every row whose bell
was not heard.
"""

import logging
import time
from functools import partial

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from creditapp.db import after_commit

log = logging.getLogger(__name__)

QUEUE = "credits"
CONNECT_SECONDS, ANSWER_SECONDS = 0.25, 0.5
SILENCE = 10  # times what the failed ring took
KEPT_SECONDS = 60
JOB_SECONDS = 180


class Bell:
    """Rings for workers. ``missed`` counts the rings that were not heard."""

    def __init__(self, url: str) -> None:
        connection = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._queue = Queue(QUEUE, connection=connection, serializer="json")
        self._silent_until = 0.0
        self._heard = True
        self.missed = 0

    def ring(self, job: str, row_id: int, longest_seconds: int = JOB_SECONDS) -> None:
        """Ask a worker to run ``creditapp.jobs.<job>`` for this row. Never raises, never waits long."""
        begun = time.monotonic()
        if begun < self._silent_until:
            self.missed += 1
            return
        if not self._heard:  # one asks whether Redis is back; the others don't wait with it
            self._silent_until = begun + CONNECT_SECONDS + ANSWER_SECONDS
        try:
            self._queue.enqueue(
                f"creditapp.jobs.{job}",
                row_id,
                job_timeout=longest_seconds,
                result_ttl=0,
                ttl=KEPT_SECONDS,
                failure_ttl=KEPT_SECONDS,
            )
        except (redis.RedisError, OSError) as error:
            failed = time.monotonic()
            self._silent_until = failed + SILENCE * (failed - begun)
            self.missed += 1
            if self._heard:  # told once, not at every ring
                log.warning("redis is away (%s); the clock will do the work", type(error).__name__)
            self._heard = False
        else:
            self._heard, self._silent_until = True, 0.0

    def answers(self) -> bool:
        """Whether Redis answers now; waits no longer than a ring."""
        try:
            return bool(self._queue.connection.ping())
        except (redis.RedisError, OSError):
            return False


_bells: list[Bell] = []


def use(url: str) -> Bell:
    """From here on this process rings at the Redis of *url*."""
    _bells[:] = [Bell(url)]
    return _bells[0]


def answers() -> bool:
    """Whether Redis answers this process now."""
    return any(bell.answers() for bell in _bells)


def ring_after_commit(job: str, row_id: int, *, longest_seconds: int = JOB_SECONDS) -> None:
    """Once the running transaction has committed, ask a worker to do *job* for this row, in so many seconds at most."""
    for bell in _bells:
        after_commit(partial(bell.ring, job, row_id, longest_seconds))
