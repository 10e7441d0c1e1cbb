"""What time it is: the only place that asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_given: ContextVar[datetime | None] = ContextVar("given", default=None)


def now() -> datetime:
    """The present moment, in UTC."""
    return _given.get() or datetime.now(UTC)  # noqa: TID251 (here, and nowhere else)


def given() -> datetime | None:
    """The moment set by :func:`at`, or None where real time runs."""
    return _given.get()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be *moment* for everything this thread does inside the block: for demo history and for tests."""
    token = _given.set(moment)
    try:
        yield
    finally:
        _given.reset(token)
