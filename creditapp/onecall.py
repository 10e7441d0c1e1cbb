"""One call: a write that needs no transaction around it, since it is one statement that commits by itself.

A door says ``at_once(work)`` where it else says ``with transaction():``. What is written inside goes through
``driver()``, past SQLAlchemy; what turns out to need more says so with ``only_in_a_transaction()`` before it writes,
and all of *work* is done again in one.
"""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Engine, TextClause, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError

from creditapp.db import SQLITE_AFTER_YOU_SECONDS, db, engine_options, is_busy, retrying, take_turn, transaction

IDLE_SECONDS = 1.0  # a connection that lay about for longer is asked whether it still works
NAMED = re.compile(r"(?<!:):(\w+)")

Answer = TypeVar("Answer")
# The rows of a statement and its parameters.
Execute = Callable[[TextClause, dict[str, Any]], Sequence[Any]]

_COMMIT = text("COMMIT")
_alone: ContextVar[bool] = ContextVar("alone", default=False)
_engines: WeakKeyDictionary[Engine, Engine] = WeakKeyDictionary()
_making = threading.Lock()


class _MoreThanOneCall(Exception):
    """What was tried as one call is more."""


def at_once(work: Callable[[], Answer]) -> Answer:
    """Do *work* and commit it: as one call, or where it turns out to be more, again and in a transaction.

    Does not nest, and what was read before is read again, as with ``transaction``.
    """
    if db.session.registry.has():
        if db.session().info.get("writing"):
            message = "one call inside a transaction"
            raise RuntimeError(message)
        db.session.rollback()
    before = _alone.set(True)
    try:
        return retrying(work)
    except _MoreThanOneCall:
        pass
    finally:
        _alone.reset(before)

    def whole() -> Answer:
        with transaction():
            return work()

    return retrying(whole)


def is_alone() -> bool:
    """Whether what is written now is tried as one call."""
    return _alone.get()


def only_in_a_transaction() -> None:
    """What comes next has to be written together with more: where it was tried as one call, all of it begins again."""
    if _alone.get():
        raise _MoreThanOneCall


def in_session(statement: TextClause, given: dict[str, Any]) -> Sequence[Any]:
    """Rows, in the transaction that goes on."""
    found: Any = db.session.execute(statement, given)
    return found.fetchall() if found.returns_rows else ()


def may_be_tried_again(error: Exception) -> bool:
    """Whether it is sure that what failed inside ``driver()`` wrote nothing, and did not fail for want of time."""
    if is_busy(error):
        return False
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return cause.sqlstate is not None  # what the server refuses it has undone; else the connection broke
    return True


@contextmanager
def driver(*, writing: bool = True) -> Iterator[Execute]:
    """How to execute on a connection of the driver's own: PostgreSQL commits each statement, SQLite all with the block.

    Who only reads says so, and does not wait for SQLite's writer. Raises DBAPIError, as SQLAlchemy does.
    """
    engine = db.engine
    postgres = engine.dialect.name == "postgresql"
    pooled = (_committing(engine) if postgres else engine).raw_connection()
    connection: Any = pooled.driver_connection
    try:
        waited = writing and not postgres and take_turn(connection)
        yield partial(_by_driver, connection, postgres)
        if writing and not postgres:
            _by_driver(connection, postgres, _COMMIT, {})
            if waited:
                time.sleep(SQLITE_AFTER_YOU_SECONDS)
    except (psycopg.Error, sqlite3.Error) as error:
        if postgres and connection.closed:
            pooled.invalidate(error)
        raise DBAPIError.instance(None, None, error, type(error), dialect=engine.dialect) from error
    finally:
        pooled.close()  # which takes back what was not committed


def _by_driver(connection: Any, postgres: bool, statement: TextClause, given: dict[str, Any]) -> Sequence[Any]:
    sql = _in_psycopg(statement.text) if postgres else statement.text
    found: Sequence[Any] = connection.execute(sql, given).fetchall()
    return found


def _committing(engine: Engine) -> Engine:
    """Connections to the same database that commit every statement, and are asked only now and then how they are."""
    if made := _engines.get(engine):
        return made
    with _making:
        if engine not in _engines:
            options = engine_options(str(engine.url)) | {"pool_pre_ping": False, "pool_reset_on_return": None}
            made = create_engine(engine.url, isolation_level="AUTOCOMMIT", **options)
            event.listen(made, "checkin", _note_time)
            event.listen(made, "checkout", _ask_the_idle)
            event.listen(engine, "engine_disposed", lambda _: made.dispose())
            _engines[engine] = made
        return _engines[engine]


def _note_time(_connection: Any, record: Any) -> None:
    record.info["since"] = time.monotonic()


def _ask_the_idle(connection: Any, record: Any, _pooled: Any) -> None:
    if time.monotonic() - record.info.get("since", 0.0) > IDLE_SECONDS:
        try:
            connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise DisconnectionError from error


@cache
def _in_psycopg(text: str) -> str:
    return NAMED.sub(r"%(\1)s", text)
