"""The thread that delivers webhooks as Polar does, and does the chores that fall due (facts §2.5).

Any 2xx is a success, redirects are not followed, 10 s are waited. After attempt n it waits 2 s · 2ⁿ · (1…2), at most
20 min, times ``retry_scale``; ten attempts in all, every one with the same ``webhook-id``. An event waits for earlier
events of the last minute that were not attempted yet; one that already failed is overtaken.
"""

import http.client
import random
import sqlite3
import threading
import time
import traceback
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

from creditapp.polar_stand_in import chores, deliveries
from creditapp.polar_stand_in.checkouts import expire_overdue
from creditapp.polar_stand_in.clock import new_id, written
from creditapp.polar_stand_in.endpoints import disable_if_dead, secret_of
from creditapp.polar_stand_in.signing import SecretFile, signature
from creditapp.polar_stand_in.store import Store, Transaction

TIMEOUT_SECONDS = 10
ORDER_WINDOW_SECONDS = 60
LONGEST_BACKOFF_SECONDS = 20 * 60
BACKOFF_UNIT_SECONDS = 2
SENDERS = 8
SHORTEST_LOOK_AWAY_SECONDS, LONGEST_LOOK_AWAY_SECONDS = 0.005, 0.25
LONGEST_WALK, LONGEST_WALK_SECONDS = 50, 30
SWEEP_EVERY_SECONDS = 5
MOST_WAITING_LOOKED_AT = 5_000
MOST_OF_AN_ANSWER = 2_000

Answer = tuple[int | None, str]  # a status and the beginning of the answer, or None and what went wrong


class Postman:
    """Delivers from the table; ``ring()`` tells it that there is something new."""

    def __init__(self, store: Store, secrets: SecretFile) -> None:
        self._store, self._secrets = store, secrets
        self._bell = threading.Event()
        self._on_the_way: set[int] = set()
        self._next_sweep = 0.0
        self._lock = threading.Lock()
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="delivery")

    def start(self) -> None:
        """Begin, in a thread that ends with the program."""
        threading.Thread(target=self._work, name="postman", daemon=True).start()

    def ring(self) -> None:
        """Look now."""
        self._bell.set()

    def _work(self) -> None:
        while True:
            pause = LONGEST_LOOK_AWAY_SECONDS
            for step in (self._do_chores, self._hand_out):
                try:
                    pause = min(pause, step())
                except Exception:  # noqa: BLE001  a postman that stops would hold back every webhook: say it and go on
                    traceback.print_exc()
            self._bell.wait(pause)
            self._bell.clear()

    def _do_chores(self) -> float:
        """Do what fell due, and expire checkouts now and then; how long until the next look."""
        chores.do_due(self._store)
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_EVERY_SECONDS
            with self._store.writing() as t:
                expire_overdue(t)
        return LONGEST_LOOK_AWAY_SECONDS

    def _hand_out(self) -> float:
        """Give every delivery that is due to a sender; how long until the next one is."""
        with self._lock:  # before reading: what ends meanwhile is then no longer waiting
            on_the_way = set(self._on_the_way)
        with self._store.reading() as t:
            scale, at = deliveries.behaviour(t).retry_scale, time.time()
            waiting = t.rows(
                "SELECT number, endpoint_id, in_order, last_try, queued, copies,"
                " CASE WHEN last_try IS NULL THEN not_before ELSE last_try + backoff * ? END AS due"
                " FROM deliveries WHERE state = 'waiting' ORDER BY number LIMIT ?",
                scale,
                MOST_WAITING_LOOKED_AT,
            )
        for walk in walks(waiting, at, on_the_way):
            with self._lock:
                self._on_the_way.update(row["number"] for row in walk)
            self._senders.submit(self._walk, walk)
        soon = [row["due"] - at for row in waiting if row["due"] > at]
        return max(min(soon, default=LONGEST_LOOK_AWAY_SECONDS), SHORTEST_LOOK_AWAY_SECONDS)

    def _walk(self, walk: list[sqlite3.Row]) -> None:
        """Attempt one delivery after the other; when it takes long, the rest goes back to the table."""
        began = time.monotonic()
        for row in walk:
            if time.monotonic() - began < LONGEST_WALK_SECONDS:
                for _ in range(row["copies"] - 1 if row["last_try"] is None else 0):
                    self._senders.submit(self._send, row["number"], is_copy=True)
                self._send(row["number"], is_copy=False)
            with self._lock:
                self._on_the_way.discard(row["number"])
        self.ring()

    def _send(self, number: int, *, is_copy: bool) -> None:
        """One attempt, written down. A copy is sent and written down, but decides nothing."""
        try:
            with self._store.reading() as t:
                row = t.run("SELECT * FROM deliveries WHERE number = ?", number).fetchone()
                endpoint = t.get("endpoint", row["endpoint_id"])
                secret = secret_of(endpoint, self._secrets) if endpoint else ""
            if endpoint is None or not endpoint["enabled"]:
                with self._store.writing() as t:
                    t.run("UPDATE deliveries SET state = 'skipped' WHERE number = ?", number)
                return
            began, began_at = time.monotonic(), written(datetime.now(UTC))
            answer = post(endpoint["url"], secret, row) if secret else (None, "There is no secret to sign with.")
            with self._store.writing() as t:
                _note(t, number, began_at, answer, time.monotonic() - began)
                if not is_copy:
                    _decide(t, number, answer[0])
        except Exception:  # noqa: BLE001  the row is still waiting and is sent again
            traceback.print_exc()


def walks(waiting: list[sqlite3.Row], at: float, on_the_way: set[int]) -> list[list[sqlite3.Row]]:
    """Which waiting rows (oldest first) go now, those of one walk one after the other.

    A walk is the run of an endpoint's due rows that were never attempted; it ends at one that is not due yet. What is
    tried again, or may go out of order, walks alone.
    """
    alone: list[list[sqlite3.Row]] = []
    together: defaultdict[str, list[sqlite3.Row]] = defaultdict(list)
    held_up: set[str] = set()
    for row in waiting:
        place, in_order = row["endpoint_id"], row["last_try"] is None and row["in_order"]
        free = row["number"] not in on_the_way and row["due"] <= at
        if not in_order:
            if free:
                alone.append([row])
        elif free and place not in held_up and len(together[place]) < LONGEST_WALK:
            together[place].append(row)
        elif row["queued"] > at - ORDER_WINDOW_SECONDS:
            held_up.add(place)
    return [*filter(None, together.values()), *alone]


def backoff(attempts: int) -> float:
    """Seconds to wait after that many attempts, before ``retry_scale``."""
    return float(min(BACKOFF_UNIT_SECONDS * 2**attempts * random.uniform(1, 2), LONGEST_BACKOFF_SECONDS))  # noqa: S311


def post(url: str, secret: str, row: sqlite3.Row) -> Answer:
    """Send one signed delivery; the status and the beginning of the answer, or None and what went wrong."""
    body, timestamp = row["payload"].encode(), int(time.time())
    headers = {
        "user-agent": "polar.sh webhooks",
        "content-type": "application/json",
        "webhook-id": row["id"],
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, webhook_id=row["id"], timestamp=timestamp, body=body),
        "webhook-api-version": row["api_version"],
    }
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        response = connection.getresponse()
        return response.status, response.read(MOST_OF_AN_ANSWER).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return None, f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def _note(t: Transaction, number: int, at: str, answer: Answer, seconds: float) -> None:
    """Write one attempt down."""
    t.run(
        "INSERT INTO attempts (id, delivery, at, http_code, response, seconds) VALUES (?, ?, ?, ?, ?, ?)",
        new_id(),
        number,
        at,
        *answer,
        round(seconds, 4),
    )


def _decide(t: Transaction, number: int, status: int | None) -> None:
    """What becomes of the delivery after this attempt: delivered, waiting for the next one, or failed for good."""
    row = t.run("SELECT endpoint_id, attempts, tries_left FROM deliveries WHERE number = ?", number).fetchone()
    attempts, tries_left = row["attempts"] + 1, row["tries_left"] - 1
    succeeded = status is not None and 200 <= status < 300
    state = "delivered" if succeeded else "waiting" if tries_left else "failed"
    t.run(
        "UPDATE deliveries SET state = ?, attempts = ?, tries_left = ?, last_try = ?, backoff = ? WHERE number = ?",
        state,
        attempts,
        tries_left,
        time.time(),
        backoff(deliveries.TRIES - tries_left),
        number,
    )
    if state == "failed":
        disable_if_dead(t, row["endpoint_id"])
