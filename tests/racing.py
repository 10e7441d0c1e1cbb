"""Callers that really run at once: eight processes with up to eight threads each, on one database."""

import multiprocessing
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask

from creditapp.db import db
from tests.databases import app_on

PROCESSES, THREADS = 8, 8
CALLERS = PROCESSES * THREADS
START_SECONDS, RACE_SECONDS = 120, 240

Answer = TypeVar("Answer")

_at_the_line: list[Barrier] = []


class Racers:
    """The processes, started with the first race. Work is a function at the top level of a module of the tests."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["creditapp.app"])
        self._pool: ProcessPoolExecutor | None = None

    def race(self, url: str, work: Callable[..., Answer], calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """What *work* answers to each call, all made at the same moment on the database of *url*."""
        assert PROCESSES <= len(calls) <= CALLERS
        if self._pool is None:
            ready = (self._context.Barrier(PROCESSES), sys.path)
            self._pool = ProcessPoolExecutor(
                PROCESSES, mp_context=self._context, initializer=_get_ready, initargs=ready
            )
        lanes = [self._pool.submit(_run, url, work, calls[number::PROCESSES]) for number in range(PROCESSES)]
        try:
            return [answer for lane in lanes for answer in lane.result(RACE_SECONDS)]
        except BaseException:
            self.close()  # who is left waits for others in vain; the next race starts anew
            raise

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _get_ready(barrier: Barrier, path: list[str]) -> None:
    sys.path[:] = path
    _at_the_line[:] = [barrier]


def _run(url: str, work: Callable[..., Answer], calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
    """The part of one process: a thread for each of its calls."""
    with tempfile.TemporaryDirectory() as folder:
        app = app_on(url, Path(folder))
        together = threading.Barrier(len(calls), action=_wait_for_the_others)
        with ThreadPoolExecutor(len(calls)) as threads:
            running = [threads.submit(_call, app, together, work, call) for call in calls]
            answers = [future.result() for future in running]
        with app.app_context():
            db.engine.dispose()
        return answers


def _wait_for_the_others() -> None:
    _at_the_line[0].wait(START_SECONDS)


def _call(app: Flask, together: threading.Barrier, work: Callable[..., Answer], call: tuple[Any, ...]) -> Answer:
    with app.app_context():
        db.session.connection().close()  # connected before the start, as a web server is
        db.session.remove()
        together.wait(START_SECONDS)
        return work(*call)
