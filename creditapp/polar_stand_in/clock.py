"""The stand-in's clock: the machine's, moved forward by ``POST /_control/clock`` and kept over restarts."""

import uuid
from datetime import UTC, datetime, timedelta

from creditapp.polar_stand_in.store import Transaction


def now(t: Transaction) -> datetime:
    """The stand-in's time."""
    return datetime.now(UTC) + timedelta(seconds=t.setting("clock_ahead_seconds", 0))


def advance(t: Transaction, seconds: float) -> datetime:
    """Move the clock forward and give the new time."""
    t.remember("clock_ahead_seconds", t.setting("clock_ahead_seconds", 0) + seconds)
    return now(t)


def written(moment: datetime) -> str:
    """A moment as Polar writes it: UTC, microseconds, ``Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def stamp(t: Transaction) -> str:
    """The stand-in's time as Polar writes it."""
    return written(now(t))


def new_id() -> str:
    """A fresh id, as Polar makes them."""
    return str(uuid.uuid4())
