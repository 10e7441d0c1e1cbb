"""Every figure, measured: what runs beside what, and for how long."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.bench import in_process, over_http, poll, reading, sqlite, webhook
from tests.bench.client import Told
from tests.bench.figure import Figure, Rounds, interleaved, middle, ratio
from tests.bench.fill import filled
from tests.bench.house import ACCOUNTS, HOT, House
from tests.bench.lanes import Work, lanes
from tests.bench.pgbench import Yardstick
from tests.bench.web import served

PROCESSES, THREADS, THREADS_ON_HOT = 2, 4, 16
WARM_UP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly: rounds, seconds a measurement, and the numbers of rows beside which a charge is compared.

    Of the most rows one account has *busy_rows*; none: nothing is read then, since few rows say nothing.
    """

    rounds: int
    seconds: int
    rows: tuple[int, ...]
    deliveries: int
    busy_rows: int | None = None


FULL = Effort(rounds=5, seconds=4, rows=(1_000_000, 10_000_000), deliveries=200, busy_rows=500_000)
QUICK = Effort(rounds=2, seconds=1, rows=(200_000,), deliveries=50)


def charges(house: House, effort: Effort) -> Iterator[Figure]:
    """Charges on PostgreSQL, in process and over HTTP, beside the yardstick; and the poll beside hello-world."""
    spread, hot = Yardstick(house, ACCOUNTS), Yardstick(house, HOT)
    seconds = effort.seconds
    with ExitStack() as stack:
        port = stack.enter_context(served(house))
        hello = stack.enter_context(served(house, "tests.bench.hello:app", path="/"))
        callers = stack.enter_context(lanes(house.url, PROCESSES))
        watching = poll.Poll(house, port)
        told: list[Told] = []

        def one_by_one() -> float:
            told.append(over_http.consume(house, port, seconds))
            return told[-1].per_second

        def in_process_of(work: Work, threads: int = THREADS) -> Callable[[], float]:
            return lambda: callers.per_second(work, seconds, processes=PROCESSES, threads=threads)

        subjects: dict[str, Callable[[], float]] = {
            "pgbench": lambda: spread.per_second(seconds),
            "in process": in_process_of(in_process.consume),
            "http": one_by_one,
            "batch": lambda: over_http.batch(house, port, seconds),
            "pgbench hot": lambda: hot.per_second(seconds),
            "hot": in_process_of(in_process.consume_hot, THREADS_ON_HOT),
            "batch hot": lambda: over_http.batch_hot(house, port, seconds),
            "lease": in_process_of(in_process.lease),
            "poll": lambda: watching.per_second(seconds),
            "hello": lambda: poll.hello_per_second(hello, seconds),
        }
        over_http.consume(house, port, WARM_UP_SECONDS)
        found = interleaved(subjects, effort.rounds)
    yield from _beside_pgbench(found, told)
    yield _beside(found, "poll", "hello", "balance poll that has not changed", 0.5, "hello-world in Flask")


def _beside_pgbench(found: Rounds, told: list[Told]) -> Iterator[Figure]:
    spread, hot = "pgbench", "pgbench on one account"
    yield _beside(found, "in process", "pgbench", "in process, 2 processes x 4 threads", 0.40, spread)
    yield _beside(found, "http", "pgbench", "HTTP consume, 16 at once", 0.18, spread)
    times = [(one.percentile(50) * 1_000, one.percentile(99) * 1_000, one.busy) for one in told]
    p50, p99, busy = (middle(column) for column in zip(*times, strict=True))
    detail = f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; the client kept a core {busy:.0%} busy"
    yield Figure("http_p99", "  its p99 to its p50", 4, middle(b / a for a, b, _ in times), "p50", detail, at_most=True)
    yield _beside(found, "batch", "pgbench", "HTTP batch of 100, 10,000 accounts", 2.5, spread)
    yield _beside(found, "batch hot", "pgbench hot", "HTTP batch of 100, one account", 12, hot)
    yield _beside(found, "hot", "pgbench hot", "one account in process, 32 at once", 1.1, hot)
    yield _beside(found, "lease", "pgbench hot", "lease of 1,000 in process", 40, hot)


def on_sqlite(folder: Path, effort: Effort) -> Iterator[Figure]:
    """Charges on SQLite beside a bare UPDATE, and how long they take while four processes compete."""
    with sqlite.opened(folder) as url:
        bare = sqlite.Bare(folder / "bare.sqlite")
        with lanes(url, sqlite.AT_ONCE) as callers:
            subjects: dict[str, Callable[[], float]] = {
                "bare": lambda: bare.per_second(effort.seconds),
                "sqlite": lambda: sqlite.per_second(callers, effort.seconds),
            }
            found = interleaved(subjects, effort.rounds)
            p99 = middle(sqlite.p99_ms(callers, effort.seconds) for _ in range(effort.rounds))
        yield _beside(found, "sqlite", "bare", "SQLite, one process", 0.8, "bare UPDATE")
        yield Figure("sqlite_p99", "SQLite, p99 of 4 processes", 50, p99, "ms", at_most=True)


def as_it_grows(house: House, effort: Effort) -> Iterator[Figure]:
    """A charge beside ever more rows; and, where one account has many, what its people look at."""
    busy = {rows: rows // ACCOUNTS for rows in (ACCOUNTS, *effort.rows)}
    if effort.busy_rows:
        busy[max(busy)] = effort.busy_rows
    urls = {rows: filled(house, rows, busy_rows) for rows, busy_rows in busy.items()}
    if effort.busy_rows:
        yield from _read(house, urls[max(urls)], effort)
    yardsticks = {rows: Yardstick(house, ACCOUNTS, url) for rows, url in urls.items()}
    subjects: dict[str, Callable[[], float]] = {
        str(rows): lambda yardstick=yardstick: yardstick.per_second(effort.seconds)  # type: ignore[misc]
        for rows, yardstick in yardsticks.items()
    }
    found = interleaved(subjects, effort.rounds)
    for rows in effort.rows:
        yield _beside(found, str(rows), str(ACCOUNTS), f"a charge beside {rows:,} rows", 0.8, f"beside {ACCOUNTS:,}")


def _read(house: House, url: str, effort: Effort) -> Iterator[Figure]:
    subjects = {
        "chart": reading.chart,
        "scan": reading.scan,
        "first page": reading.first_page,
        "deep page": reading.deep_page,
    }
    with reading.opened(house, url):
        found = interleaved(subjects, effort.rounds)
        grown = reading.file_megabytes()

    def told(subject: str, baseline: str) -> str:
        return f"{middle(found[subject]) * 1_000:.1f} ms beside {middle(found[baseline]) * 1_000:.1f} ms"

    of = f"{effort.busy_rows:,} records of {max(effort.rows):,}"
    yield Figure("chart", "a chart of 90 days", 50, ratio(found, "scan", "chart"), of, told("chart", "scan"))
    deep, detail = ratio(found, "deep page", "first page"), told("deep page", "first page")
    yield Figure("deep_page", "a page of history far back", 2, deep, "the first page", detail, at_most=True)
    yield Figure("csv", f"CSV of {effort.busy_rows:,} rows, memory", 50, grown, "MB more than before", at_most=True)


def deliveries(effort: Effort) -> Figure:
    """Receiving a webhook beside the SDK's parser."""
    found = webhook.measure(pairs=5 if effort is QUICK else 15, calls=effort.deliveries)
    detail = (
        f"{found['receive_us']:.0f} us beside {found['sdk_validate_event_us']:.0f} us of CPU; "
        f"the SDK's first call takes {found['sdk_first_call_ms']:.0f} ms"
    )
    return Figure(
        "webhook", "receiving a webhook", 1 / 20, found["ratio"], "the SDK's validate_event", detail, at_most=True
    )


def _beside(found: Rounds, subject: str, baseline: str, name: str, reach: float, of: str) -> Figure:
    detail = f"{middle(found[subject]):,.0f}/s beside {middle(found[baseline]):,.0f}/s"
    return Figure(subject.replace(" ", "_"), name, reach, ratio(found, subject, baseline), of, detail)
