"""Charges on SQLite, which waits for the disk with each: beside a bare UPDATE, and four processes at once."""

import shutil
import sqlite3
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from creditapp.db import db
from tests.bench import in_process
from tests.bench.house import ACCOUNTS, open_accounts
from tests.bench.lanes import Lanes
from tests.databases import app_on, migrate

THREADS, AT_ONCE = 4, 4


class Bare:
    """A loop that updates one number in a file of its own, and nothing else."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)")
        self._connection.executemany(
            "INSERT INTO accounts VALUES (?, 1000000000)", ((number,) for number in range(1, ACCOUNTS + 1))
        )

    def per_second(self, seconds: float) -> float:
        """How many a second."""
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            self._connection.execute(
                "UPDATE accounts SET balance = balance - 1 WHERE id = ? AND balance >= 1", (count % ACCOUNTS + 1,)
            )
            count += 1
        return count / seconds


@contextmanager
def opened(folder: Path) -> Iterator[str]:
    """The address of a database on SQLite with all the accounts."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'bench.sqlite'}"
    app: Flask = app_on(url, folder)
    migrate(app)
    with app.app_context():
        open_accounts(ACCOUNTS)
        db.session.remove()
        db.engine.dispose()
    yield url
    shutil.rmtree(folder)


def per_second(callers: Lanes, seconds: float) -> float:
    """Charges a second of one process, with some threads as a small server has them."""
    return callers.per_second(in_process.consume, seconds, processes=1, threads=THREADS)


def p99_ms(callers: Lanes, seconds: float) -> float:
    """The time within which 99 of 100 charges were done."""
    times = [took for took, _ in callers.times(in_process.consume, seconds, processes=AT_ONCE, threads=THREADS)]
    return statistics.quantiles(times, n=100)[98] * 1_000
