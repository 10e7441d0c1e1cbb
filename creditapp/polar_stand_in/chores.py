"""Work that Polar does a moment later: rows with a due time, done by the postman's thread, kept over restarts."""

import time
from collections.abc import Callable

from creditapp.polar_stand_in.store import Store, Transaction

MOST_AT_ONCE = 100

Chore = Callable[[Transaction, str], None]

_KNOWN: dict[str, Chore] = {}


def chore(work: Chore) -> Chore:
    """Decorate a function of a transaction and a subject: it may be done later."""
    _KNOWN[work.__name__] = work
    return work


def later(t: Transaction, seconds: float, work: Chore, subject: str) -> None:
    """Do *work* for *subject* after so many real seconds."""
    t.run("INSERT INTO chores (due, chore, subject) VALUES (?, ?, ?)", time.time() + seconds, work.__name__, subject)


def do_due(store: Store) -> None:
    """Do what is due, each in its own transaction together with forgetting it."""
    with store.reading() as t:
        due = t.rows("SELECT * FROM chores WHERE due <= ? ORDER BY number LIMIT ?", time.time(), MOST_AT_ONCE)
    for row in due:
        with store.writing() as t:
            if t.run("DELETE FROM chores WHERE number = ?", row["number"]).rowcount:
                _KNOWN[row["chore"]](t, row["subject"])
