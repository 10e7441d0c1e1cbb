"""The database: one session, one way to write, and bells that ring after the commit.

Only doors write, and only inside ``with transaction():``. Reading needs no ceremony: a session that is used
outside a transaction reads a snapshot and never commits.
"""

import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from flask import current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, BigInteger, DateTime, Integer, MetaData, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.types import TypeDecorator

log = logging.getLogger(__name__)

MILLIONTHS = 1_000_000
LARGEST_ID = 2**63 - 1  # beyond it a database answers with an error instead of with nothing
MILLIONTH = Decimal(1) / MILLIONTHS
SQLITE_BUSY_MS = 10_000
SQLITE_TURN_SECONDS = (0.0003, 0.0015)
# Who had to wait, and has more to write, lets everybody who waits ask first.
SQLITE_AFTER_YOU_SECONDS = 0.002
PRIMARY_CODE = 0xFF  # the rest of SQLite's error code only says more precisely why
POSTGRES_TIMEOUTS = "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000"
WRITING = {"writing": True}
BROKEN_OFF = {"40001", "40P01"}  # serialization failure, deadlock
GONE = {"080", "57P"}  # the connection broke, the server stops or starts
TIMED_OUT = {"55P03", "57014"}  # a lock, a statement that waited for one

Answer = TypeVar("Answer")


class Model(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Credits(TypeDecorator[Decimal]):
    """An amount of credits: Decimal in Python, whole millionths in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Credits as whole millionths."""
        return None if value is None else to_millionths(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Whole millionths as credits."""
        return None if value is None else from_millionths(value)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, always aware and in UTC: SQLite would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC, as the database keeps it."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """The moment, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON().with_variant(JSONB(), "postgresql")
# SQLite counts rows by itself only in a column that is plainly INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")


def row_id(text: str) -> int | None:
    """The id that *text* from outside is, written as we write it; None where no row can have it."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))):
        return None
    number = int(text)
    return number if number <= LARGEST_ID and str(number) == text else None


def sqlite_time(moment: datetime) -> str:
    """A moment as SQLAlchemy writes it into SQLite, so that text compares like time."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def to_millionths(credits: Decimal | int) -> int:
    """*credits* as whole millionths; anything finer is a mistake of ours, never rounded away."""
    millionths = credits * MILLIONTHS
    if millionths != int(millionths):
        message = f"{credits} has more than six decimals"
        raise ValueError(message)
    return int(millionths)


def from_millionths(millionths: int) -> Decimal:
    """Whole millionths as credits."""
    return Decimal(millionths) / MILLIONTHS


db = SQLAlchemy(model_class=Model)


def engine_options(url: str) -> dict[str, Any]:
    """What the engine of *url* is made with."""
    if url.startswith("sqlite"):
        return {"connect_args": {"isolation_level": None, "timeout": SQLITE_BUSY_MS / 1000}}
    return {
        "pool_pre_ping": True,
        "pool_timeout": 3,
        "pool_size": 10,
        "max_overflow": 10,
        "connect_args": {"connect_timeout": 3, "options": POSTGRES_TIMEOUTS},
    }


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        for pragma in (
            "journal_mode=WAL",
            f"busy_timeout={SQLITE_BUSY_MS}",
            "foreign_keys=ON",
            "synchronous=FULL",
            "recursive_triggers=ON",  # else REPLACE slips past the append-only triggers
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("local_day", 2, _local_day, deterministic=True)


def _local_day(moment: str, zone: str) -> str:
    """On which day a moment falls by the clocks of *zone*: SQLite knows no zones, PostgreSQL has this by migration."""
    return datetime.fromisoformat(moment).replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date().isoformat()


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    # A deferred BEGIN that later wants to write fails with "database is locked"; a poll must not take the write lock.
    if connection.dialect.name == "sqlite":
        if connection.get_execution_options().get("writing"):
            try:
                take_turn(connection.connection.dbapi_connection)
            except sqlite3.Error:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # what is wrong is said in SQLAlchemy's words
        else:
            connection.exec_driver_sql("BEGIN")


def take_turn(connection: Any) -> bool:
    """Begin to write on a connection of SQLite's driver, after whoever is writing; whether there was anybody.

    SQLite's own waiting is unfair: who waits long asks ever more rarely, so that beside seven busy writers one starved
    for seconds, and under load for longer than any time-out. Asking every millisecond or two, none waits long.
    """
    give_up = time.monotonic() + SQLITE_BUSY_MS / 1000
    connection.execute("PRAGMA busy_timeout=0")
    waited = False
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                    raise
                waited = True
                time.sleep(random.uniform(*SQLITE_TURN_SECONDS))  # noqa: S311 (nothing secret about it)
            else:
                return waited
    finally:
        connection.execute(f"PRAGMA busy_timeout={SQLITE_BUSY_MS}")


@contextmanager
def transaction() -> Iterator[None]:
    """Everything inside is written together or not at all; then the bells ring. Does not nest.

    What was read before is read again: inside, the rows are as they are now.
    """
    session = db.session()
    if session.info.get("writing"):
        message = "a transaction inside a transaction"
        raise RuntimeError(message)
    session.rollback()
    session.info["writing"] = True
    session.info["bells"] = []
    try:
        session.connection(execution_options=WRITING)
        yield
        session.commit()
        bells = session.info["bells"]
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("writing", None)
        session.info.pop("bells", None)
    for ring in bells:
        try:
            ring()
        except Exception:
            log.exception("a bell failed; the clock will find the row")


def release() -> None:
    """End the reading so far and give its connection back, before somebody else is asked; rows are read anew."""
    db.session.rollback()


def let_go() -> None:
    """Leave nothing half-done in the session; a connection that was lost meanwhile goes with it."""
    try:
        db.session.rollback()
    except DBAPIError:
        db.session().invalidate()


def after_commit(ring: Callable[[], object]) -> None:
    """Call *ring* once the running transaction has committed. A bell that fails is logged, never raised."""
    db.session().info["bells"].append(ring)


def retrying(work: Callable[[], Answer]) -> Answer:
    """Do *work*, and once more if the database broke it off for another's sake (40001, 40P01)."""
    try:
        return work()
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in BROKEN_OFF:
            raise
        return work()


def is_busy(error: BaseException) -> bool:
    """Whether others held what was needed for too long, and nothing was done: the same works in a moment."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode & PRIMARY_CODE == sqlite3.SQLITE_BUSY
    return getattr(error.orig, "sqlstate", None) in {*BROKEN_OFF, *TIMED_OUT}


def is_away(error: BaseException) -> bool:
    """Whether the database can't be reached, or went away: what was on its way may have been done."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate[:3] in GONE


def insert_once(unique: InstrumentedAttribute[str], **values: Any) -> int | None:
    """Insert a row unless one has the same value in the *unique* column; its id, or None where one has."""
    table = unique.class_
    insert = postgresql.insert if is_postgres() else sqlite.insert
    inserted = insert(table).values(**values).on_conflict_do_nothing(index_elements=[unique.key]).returning(table.id)
    row: int | None = db.session.scalar(inserted)
    return row


def turn(name: str) -> None:
    """Wait until nobody else works on what *name* names; then it is ours until the transaction ends."""
    if is_postgres():  # SQLite has one writer anyway
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def of_app(name: str) -> Any:
    """What the app was given under *name* when it was put together: below the doors nobody else knows the app."""
    return current_app.extensions[name]


def is_postgres() -> bool:
    """Whether the database is PostgreSQL (else SQLite)."""
    return bool(db.engine.dialect.name == "postgresql")
