"""What the database is asked while something happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import TextClause, event

from creditapp import onecall
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

    def note_one_call(connection: Any, postgres: bool, statement: TextClause, given: dict[str, Any]) -> Any:
        asked.extend([statement.text, COMMIT] if postgres else [statement.text])
        return by_driver(connection, postgres, statement, given)

    by_driver = onecall._by_driver
    onecall._by_driver = note_one_call
    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", note_commit)
    try:
        yield asked
    finally:
        onecall._by_driver = by_driver
        event.remove(db.engine, "before_cursor_execute", note)
        event.remove(db.engine, "commit", note_commit)
