"""Callers in processes and threads of their own, who work while they are told to: the program's own use of credits."""

import itertools
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from creditapp import Credits
from tests.databases import app_on

# What a caller does once: how many charges that were.
Work = Callable[[Credits, random.Random], int]


class Lanes:
    """Processes that wait for work."""

    def __init__(self, lines: Sequence[Connection]) -> None:
        self._lines = lines

    def times(self, work: Work, seconds: float, *, processes: int, threads: int) -> list[tuple[float, int]]:
        """How long each call took and how many charges it was, of all callers."""
        for line in self._lines[:processes]:
            line.send((threads, work, seconds))
        return list(itertools.chain.from_iterable(line.recv() for line in self._lines[:processes]))

    def per_second(self, work: Work, seconds: float, *, processes: int, threads: int) -> float:
        """How many charges a second they made."""
        return sum(count for _, count in self.times(work, seconds, processes=processes, threads=threads)) / seconds


@contextmanager
def lanes(url: str, processes: int) -> Iterator[Lanes]:
    """So many processes on the database of *url*; they end with the block."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["creditapp.embedded"])
    pairs = [context.Pipe() for _ in range(processes)]
    running = [context.Process(target=_run, args=(url, theirs, sys.path), daemon=True) for _, theirs in pairs]
    for process in running:
        process.start()
    try:
        for ours, _ in pairs:
            ours.recv()
        yield Lanes([ours for ours, _ in pairs])
    finally:
        for ours, _ in pairs:
            ours.send(None)
        for process in running:
            process.join()


def _run(url: str, line: Connection, path: list[str]) -> None:
    sys.path[:] = path
    with tempfile.TemporaryDirectory() as folder:
        credits = Credits(app=app_on(url, Path(folder)))
        line.send("ready")
        while (told := line.recv()) is not None:
            line.send(_work(credits, *told))


def _work(credits: Credits, threads: int, work: Work, seconds: float) -> list[tuple[float, int]]:
    found: list[list[tuple[float, int]]] = [[] for _ in range(threads)]
    end = time.monotonic() + seconds

    def call(mine: list[tuple[float, int]]) -> None:
        drawn = random.Random()
        while (began := time.monotonic()) < end:
            count = work(credits, drawn)
            mine.append((time.monotonic() - began, count))

    callers = [threading.Thread(target=call, args=(mine,)) for mine in found]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    return list(itertools.chain.from_iterable(found))
