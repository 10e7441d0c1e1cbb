"""Work that Polar does a moment later: rows with a due time, done by the postman's thread, kept over restarts."""

import time
from collections.abc import Callable

from creditapp.polar_stand_in.checkouts import expire_overdue
from creditapp.polar_stand_in.orders import book_platform_fee
from creditapp.polar_stand_in.store import Store, Transaction

MOST_AT_ONCE = 100
CHORES: dict[str, Callable[[Transaction, str], None]] = {"book_platform_fee": book_platform_fee}


def later(t: Transaction, seconds: float, chore: str, subject: str) -> None:
    """Do *chore* for *subject* after so many real seconds."""
    t.run("INSERT INTO chores (due, chore, subject) VALUES (?, ?, ?)", time.time() + seconds, chore, subject)


def do_due(store: Store) -> None:
    """Do what is due, each in its own transaction together with forgetting it."""
    with store.reading() as t:
        due = t.rows("SELECT * FROM chores WHERE due <= ? ORDER BY number LIMIT ?", time.time(), MOST_AT_ONCE)
    for row in due:
        with store.writing() as t:
            if t.run("DELETE FROM chores WHERE number = ?", row["number"]).rowcount:
                CHORES[row["chore"]](t, row["subject"])


def sweep(store: Store) -> None:
    """Expire what is overdue by the stand-in's clock."""
    with store.writing() as t:
        expire_overdue(t)
