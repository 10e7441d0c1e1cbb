"""What people ask for where an account has half a million charges: a chart, a page far back, all of it as a file."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

from creditapp import clock, ledger, usage
from creditapp.db import db
from creditapp.usage.periods import DAY
from creditapp.usage.reading import uses_of_records
from creditapp.web.history import csv_lines
from tests.bench.fill import DAYS
from tests.bench.house import HOT, House
from tests.databases import app_on

ZONE = ZoneInfo("UTC")
DEPTH = 0.8  # of all there is: 400,000 of 500,000
LOOKS = 5
KILOBYTES = 1_024
MEMORY, FORGET_THE_PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@contextmanager
def opened(house: House, url: str) -> Iterator[None]:
    """The app on a filled database."""
    with app_on(url, house.folder / "reading").app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def chart() -> float:
    """Seconds for the days of a chart."""
    return _seconds(lambda: usage.daily(HOT, DAYS, ZONE.key))


def scan() -> float:
    """Seconds for the same days from the usage records, found by their index, as those of another zone are."""
    now = clock.now()
    span = usage.Span(usage.midnight(now.date() - (DAYS - 1) * DAY, ZONE), now, ZONE)
    return _seconds(lambda: usage.by_day(uses_of_records(HOT, span, DAY), span.days))


def first_page() -> float:
    """Seconds for the newest page of the history."""
    return _seconds(lambda: ledger.entries(HOT))


def deep_page() -> float:
    """Seconds for a page far back in it."""
    last = db.session.get_one(ledger.Account, HOT).last_number
    return _seconds(lambda: ledger.entries(HOT, before=int(last * (1 - DEPTH))))


def file_megabytes() -> float:
    """Megabytes by which this process grows at most while the whole history goes out as a file."""
    deque(islice(csv_lines(HOT, ledger.Filters(), ZONE), 10), maxlen=0)  # what is loaded once belongs to no file
    before = _kilobytes("VmRSS")
    FORGET_THE_PEAK.write_text("5")
    deque(csv_lines(HOT, ledger.Filters(), ZONE), maxlen=0)
    return (_kilobytes("VmHWM") - before) / KILOBYTES


def _kilobytes(name: str) -> int:
    line = next(line for line in MEMORY.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])


def _seconds(look: Callable[[], object]) -> float:
    """How long one look takes, each with a session of its own as in a request."""
    took = 0.0
    for _ in range(LOOKS):
        db.session.remove()
        began = perf_counter()
        look()
        took += perf_counter() - began
    return took / LOOKS
