"""SQLite side by side: one writes, the others take turns, and nobody who only reads waits for them."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from creditapp import db as database
from creditapp import ledger
from creditapp.db import db
from tests.databases import SQLITE, Databases, app_on
from tests.ledger import callers, door
from tests.racing import PROCESSES, Racers

# SQLite's own waiting lets one of eight starve for the whole race; taking turns, each waits for some of the others.
LONGEST_SHARE = 0.5


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """A database of SQLite, whichever the suite runs on."""
    made = databases.fresh(SQLITE)
    yield made
    databases.forget(made)


@pytest.fixture
def app(url: str, tmp_path: Path) -> Iterator[Flask]:
    """The app on it."""
    made = app_on(url, tmp_path)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def sqlite_file(app: Flask) -> str:
    """Its file."""
    return str(db.engine.url.database)


def test_a_writer_waits_for_the_one_before_and_begins_as_soon_as_it_is_done(app: Flask, sqlite_file: str) -> None:
    account = door.open_account(holding=10)
    before = sqlite3.connect(sqlite_file, isolation_level=None, check_same_thread=False)
    before.execute("BEGIN IMMEDIATE")
    done_at: list[float] = []

    def finish() -> None:
        done_at.append(time.monotonic())
        before.execute("COMMIT")

    finishing = threading.Timer(0.3, finish)
    finishing.start()
    door.spend(account, 1)
    began_after = time.monotonic() - done_at[0]
    finishing.join()
    before.close()

    assert began_after < 2
    assert door.available(account) == 9


def test_a_writer_that_never_ends_is_waited_for_only_so_long(
    app: Flask, sqlite_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "SQLITE_BUSY_MS", 50)
    account = door.open_account(holding=10)
    endless = sqlite3.connect(sqlite_file, isolation_level=None)
    endless.execute("BEGIN IMMEDIATE")

    with pytest.raises(OperationalError, match="locked"):
        door.spend(account, 1)
    endless.execute("ROLLBACK")
    endless.close()

    assert door.spend(account, 1).balance_after == 9


def test_a_reader_waits_for_no_writer(app: Flask, sqlite_file: str) -> None:
    account = door.open_account(holding=10)
    endless = sqlite3.connect(sqlite_file, isolation_level=None)
    endless.execute("BEGIN IMMEDIATE")

    assert door.available(account) == 10
    endless.execute("ROLLBACK")
    endless.close()


def test_sqlite_is_set_up_for_durability_and_for_writers_side_by_side(app: Flask, sqlite_file: str) -> None:
    with db.engine.connect() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "busy_timeout")
        }

    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 10_000,
    }


def test_of_eight_busy_writers_none_waits_while_all_the_others_finish(app: Flask, url: str, racers: Racers) -> None:
    account = door.open_account(holding=10_000)

    raced = racers.race(url, callers.time_charges, [(account, 150)] * PROCESSES)

    longest = max(wait for wait, _ in raced)
    whole = max(took for _, took in raced)
    assert longest < whole * LONGEST_SHARE, f"{longest:.2f} s of {whole:.2f} s"
    assert ledger.balance(account).total_consumed == 150 * PROCESSES
