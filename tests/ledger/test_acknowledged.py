"""A program that is killed while its callers go together: what a caller was told is written, and nothing is half."""

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from flask import Flask

from creditapp.db import db
from tests.databases import app_on
from tests.entries import every_entry
from tests.ledger import door

pytestmark = pytest.mark.both_databases

THREADS, ENOUGH = 8, 60
PATIENCE_SECONDS = 60


def test_what_was_acknowledged_before_a_kill_is_in_the_books(app: Flask, tmp_path: Path) -> None:
    account = door.open_account(holding=1_000_000)
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])
    program = context.Process(target=_charge_for_ever, args=(url, account, theirs, sys.path, str(tmp_path)))
    program.start()
    theirs.close()

    acknowledged = []
    while len(acknowledged) < ENOUGH:
        assert ours.poll(PATIENCE_SECONDS)
        acknowledged.append(ours.recv())
    os.kill(program.pid or 0, signal.SIGKILL)
    program.join(PATIENCE_SECONDS)
    try:
        while True:  # what it still said before it died
            acknowledged.append(ours.recv())
    except (EOFError, OSError):
        pass

    db.session.rollback()
    written = {row.key: row.id for row in every_entry(account)}
    assert [(key, written.get(key)) for key, _ in acknowledged] == acknowledged
    assert door.differences() == []


def _charge_for_ever(url: str, account: int, line: Connection, path: list[str], folder: str) -> None:
    sys.path[:] = path
    app, speaking = app_on(url, Path(folder)), threading.Lock()

    def charge(number: int) -> None:
        turn = 0
        while True:
            turn += 1
            key = f"{number} {turn}"
            with app.app_context():
                spent = door.spend_at_once(account, 1, key=key)
            with speaking:
                line.send((key, spent.transaction_id))

    for number in range(THREADS):
        threading.Thread(target=charge, args=(number,)).start()
