"""Where the stand-in keeps everything: one SQLite file, JSON documents by kind, and the rows that are counted.

A document's keys that begin with an underscore are ours and never leave the program (see ``shapes.public``).
"""

import json
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

LOCK_WAIT_SECONDS = 15
MOST_SPARE_CONNECTIONS = 8

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id));
CREATE INDEX IF NOT EXISTS documents_email ON documents (kind, json_extract(body, '$._email'));
CREATE INDEX IF NOT EXISTS documents_external ON documents (kind, json_extract(body, '$.external_id'));
CREATE INDEX IF NOT EXISTS documents_secret ON documents (kind, json_extract(body, '$.client_secret'));
CREATE INDEX IF NOT EXISTS documents_checkout ON documents (kind, json_extract(body, '$.checkout_id'));
CREATE INDEX IF NOT EXISTS documents_order ON documents (kind, json_extract(body, '$.order_id'));
CREATE INDEX IF NOT EXISTS documents_customer ON documents (kind, json_extract(body, '$.customer_id'));
CREATE INDEX IF NOT EXISTS documents_status ON documents (kind, json_extract(body, '$.status'));
CREATE TABLE IF NOT EXISTS charges (
    number INTEGER PRIMARY KEY AUTOINCREMENT, order_id TEXT NOT NULL, customer_id TEXT NOT NULL, customer TEXT,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, card TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, endpoint_id TEXT NOT NULL, type TEXT NOT NULL,
    subject TEXT NOT NULL, payload TEXT NOT NULL, api_version TEXT NOT NULL, created_at TEXT NOT NULL,
    queued REAL NOT NULL, state TEXT NOT NULL, copies INTEGER NOT NULL, in_order INTEGER NOT NULL,
    not_before REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, tries_left INTEGER NOT NULL, last_try REAL,
    backoff REAL);
CREATE INDEX IF NOT EXISTS deliveries_waiting ON deliveries (number) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS attempts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    delivery INTEGER NOT NULL REFERENCES deliveries (number), at TEXT NOT NULL, http_code INTEGER, response TEXT,
    seconds REAL NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery);
CREATE TABLE IF NOT EXISTS chores (
    number INTEGER PRIMARY KEY AUTOINCREMENT, due REAL NOT NULL, chore TEXT NOT NULL, subject TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Transaction:
    """One transaction on the file: documents by kind, the settings, and plain SQL for the counted rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.events: list[tuple[str, Document]] = []

    def run(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._connection.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """Every row of a query."""
        return list(self.run(sql, *values).fetchall())

    def get(self, kind: str, id_: str | None) -> Document | None:
        """The document, or None."""
        row = self.run("SELECT body FROM documents WHERE kind = ? AND id = ?", kind, id_).fetchone()
        return json.loads(row["body"]) if row else None

    def all(self, kind: str, **fields: str | Sequence[str]) -> list[Document]:
        """Documents of *kind* whose fields have the given value (or one of the values), oldest first."""
        where, values = _where(kind, fields)
        rows = self.rows(f"SELECT body FROM documents {where} ORDER BY number", *values)  # noqa: S608  see _where
        return [json.loads(row["body"]) for row in rows]

    def one(self, kind: str, **fields: str | Sequence[str]) -> Document | None:
        """The oldest document of *kind* with these fields, or None."""
        found = self.all(kind, **fields)
        return found[0] if found else None

    def count(self, kind: str, **fields: str | Sequence[str]) -> int:
        """How many documents of *kind* have these fields."""
        where, values = _where(kind, fields)
        row = self.run(f"SELECT count(*) FROM documents {where}", *values).fetchone()  # noqa: S608  see _where
        return int(row[0])

    def put(self, kind: str, document: Document) -> Document:
        """Write *document* under its id, new or changed, and give it back."""
        self.run(
            "INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            kind,
            document["id"],
            json.dumps(document, separators=(",", ":")),
        )
        return document

    def remove(self, kind: str, id_: str) -> None:
        """Forget the document."""
        self.run("DELETE FROM documents WHERE kind = ? AND id = ?", kind, id_)

    def setting(self, name: str, default: Any) -> Any:
        """A remembered setting, or *default*."""
        row = self.run("SELECT value FROM settings WHERE name = ?", name).fetchone()
        return json.loads(row["value"]) if row else default

    def remember(self, name: str, value: Any) -> None:
        """Keep a setting over restarts."""
        self.run("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", name, json.dumps(value))

    def emit(self, type_: str, data: Document) -> None:
        """Say that something happened; it is queued for delivery when the transaction commits."""
        self.events.append((type_, json.loads(json.dumps(data))))


class Store:
    """The file. ``reading()`` and ``writing()`` are the only ways to it; writers take turns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._turn = threading.Lock()
        self._spare: deque[sqlite3.Connection] = deque()
        self.before_commit: Callable[[Transaction], None] = lambda _: None
        self.after_commit: Callable[[], None] = lambda: None
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """A consistent look at the file."""
        with self._open() as connection:
            connection.execute("BEGIN")
            yield Transaction(connection)

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """BEGIN IMMEDIATE … COMMIT: writers never see each other's half-done work; an error undoes everything."""
        with self._turn, self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            transaction = Transaction(connection)
            yield transaction
            self.before_commit(transaction)
            connection.execute("COMMIT")
        if transaction.events:
            self.after_commit()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own: a spare one, else a new one. What was not committed is rolled back."""
        try:
            connection = self._spare.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.rollback()
            if len(self._spare) < MOST_SPARE_CONNECTIONS:
                self._spare.append(connection)
            else:
                connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=LOCK_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


def _where(kind: str, fields: Mapping[str, str | Sequence[str]]) -> tuple[str, list[str]]:
    """The condition of a look-up; field names are ours, values are bound."""
    sql, values = "WHERE kind = ?", [kind]
    for name, wanted in fields.items():
        several = [wanted] if isinstance(wanted, str) else list(wanted)
        sql += f" AND json_extract(body, '$.{name}') IN ({', '.join('?' * len(several))})"
        values += several
    return sql, values
