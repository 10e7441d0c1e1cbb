import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from rq import Queue

from creditapp import clock, jobqueue, jobs, ledger, schedule, webhooks
from creditapp.background import ALLOWED, Worker
from creditapp.db import db
from creditapp.jobqueue import QUEUE, Bell
from creditapp.packages import CreditPackage
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, order_paid
from tests.valkey import Valkey

Shelf = dict[str, CreditPackage]


@pytest.fixture
def more_settings(valkey: Valkey) -> dict[str, Any]:
    """The app rings at a real Valkey."""
    return {"redis_url": valkey.url}


@pytest.fixture
def connection(valkey: Valkey) -> Iterator[redis.Redis]:
    """A connection to the same Valkey."""
    made = redis.Redis.from_url(valkey.url)
    yield made
    made.close()


@pytest.fixture
def work(app: Flask, connection: redis.Redis) -> Callable[[], None]:
    """A worker that does what waits in the queue and leaves."""

    def worked() -> None:
        worker = Worker(
            [Queue(QUEUE, connection=connection, serializer="json")], connection=connection, serializer="json"
        )
        worker.app = app
        worker.work(burst=True, logging_level="ERROR")

    return worked


def test_a_worker_hears_of_a_webhook_and_credits_it(
    client: FlaskClient, account: int, shelf: Shelf, work: Callable[[], None]
) -> None:
    deliver(client, order_paid(shelf["starter"], account), WEBHOOK_SECRETS[0])
    db.session.rollback()
    work()

    assert ledger.balance(account).available == 1_100


def test_a_worker_runs_our_jobs_and_nothing_else(
    app: Flask, connection: redis.Redis, work: Callable[[], None], tmp_path: Any
) -> None:
    victim = tmp_path / "made-by-a-forged-job"
    queue = Queue(QUEUE, connection=connection, serializer="json")
    forged = queue.enqueue("os.mkdir", str(victim))
    queue.enqueue("creditapp.jobs.transaction")
    work()

    assert not victim.exists()
    assert queue.fetch_job(forged.id) is None
    assert {name.rpartition(".")[2] for name in ALLOWED} == {"handle_webhook", "send_letter", "recharge", "export_data"}


def test_the_clock_does_the_work_while_nobody_hears_the_bell(
    app: Flask, client: FlaskClient, account: int, shelf: Shelf, valkey: Valkey
) -> None:
    deliver(client, order_paid(shelf["starter"], account), WEBHOOK_SECRETS[0])
    valkey.empty()  # the bell was rung, and forgotten
    schedule.handle_webhooks()
    assert ledger.balance(account).available == 100  # a worker has a moment to hear it

    with clock.at(clock.now() + schedule.UNHEARD + timedelta(seconds=1)):
        schedule.handle_webhooks()
    assert ledger.balance(account).available == 1_100


def test_the_clock_books_credits_that_have_expired(app: Flask, account: int) -> None:
    with clock.at(clock.now() + timedelta(days=91)):
        schedule.expire_credits()

    assert [row.transaction_type for row in ledger.entries(account)] == ["expiration", "bonus"]
    assert ledger.due_accounts(10) == []


def test_one_row_that_fails_keeps_no_other_waiting(app: Flask, client: FlaskClient, account: int, shelf: Shelf) -> None:
    done = []

    def fails_first(row_id: int) -> None:
        done.append(row_id)
        if row_id == 1:
            message = "broken on purpose"
            raise RuntimeError(message)

    for row_id in (1, 2):
        schedule._alone(fails_first, row_id)

    assert done == [1, 2]


def test_a_frozen_redis_costs_one_short_wait_and_then_nothing(valkey: Valkey) -> None:
    bell = Bell(valkey.url)
    bell.ring("handle_webhook", 1)
    os.kill(valkey.pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        bell.ring("handle_webhook", 2)
        first = time.monotonic() - begun
        for row_id in range(100):
            bell.ring("handle_webhook", row_id)
        rest = time.monotonic() - begun - first
    finally:
        os.kill(valkey.pid, signal.SIGCONT)

    assert bell.missed == 101
    assert first < 2 * jobqueue.ANSWER_SECONDS + jobqueue.CONNECT_SECONDS
    assert rest < jobqueue.ANSWER_SECONDS


def test_a_webhook_is_acknowledged_while_redis_is_away(
    app: Flask, client: FlaskClient, account: int, shelf: Shelf
) -> None:
    jobqueue.use("redis://127.0.0.1:1/0")
    answer = deliver(client, order_paid(shelf["starter"], account), WEBHOOK_SECRETS[0])

    assert answer.status_code == 202
    [event_id] = webhooks.waiting(10, longer_than=timedelta(0))
    jobs.handle_webhook(event_id)
    assert ledger.balance(account).available == 1_100
