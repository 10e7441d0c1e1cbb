"""What the database is asked while something happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from creditapp.db import db

COMMIT = "COMMIT"


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement inside, in its order, with the commits in their place."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def note_commit(_connection: Any) -> None:
        asked.append(COMMIT)

    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", note_commit)
    try:
        yield asked
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
        event.remove(db.engine, "commit", note_commit)
