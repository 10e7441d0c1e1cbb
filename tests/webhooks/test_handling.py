import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import checkout, clock, jobs, ledger, webhooks
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from creditapp.webhooks import WebhookEvent
from creditapp.webhooks.inbox import ATTEMPTS_LIMIT
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, order_paid

SECRET = WEBHOOK_SECRETS[0]
Shelf = dict[str, CreditPackage]
RunJobs = Callable[[], None]


def event() -> WebhookEvent:
    return db.session.scalars(select(WebhookEvent).order_by(WebhookEvent.id.desc())).first()


def purchases(account: int) -> list[ledger.CreditTransaction]:
    return list(ledger.entries(account, ledger.Filters(transaction_type="purchase")))


@pytest.mark.both_databases
def test_a_paid_order_brings_its_credits(client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs) -> None:
    deliver(client, order_paid(shelf["professional"], account, order_id="order-1"), SECRET)
    run_jobs()

    assert ledger.balance(account).available == 5_100
    [purchase] = purchases(account)
    assert (purchase.amount, purchase.polar_order_id, purchase.balance_after) == (5_000, "order-1", 5_100)
    assert event().state == "processed"


@pytest.mark.both_databases
def test_an_order_paid_twice_brings_its_credits_once(
    client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs
) -> None:
    body = order_paid(shelf["starter"], account)
    for _ in range(3):  # under a new webhook id each time, as after a redelivery to another endpoint
        deliver(client, body, SECRET)
    run_jobs()

    assert ledger.balance(account).available == 1_100
    assert len(purchases(account)) == 1


@pytest.mark.both_databases
def test_one_event_handled_by_many_at_once_has_its_effect_once(
    app: Flask, client: FlaskClient, account: int, shelf: Shelf
) -> None:
    body = order_paid(shelf["starter"], account)
    for _ in range(4):
        deliver(client, body, SECRET)
    waiting = webhooks.waiting(10, longer_than=timedelta(0))
    db.session.rollback()

    def handle_all() -> None:
        with app.app_context():
            for event_id in waiting:
                jobs.handle_webhook(event_id)

    threads = [threading.Thread(target=handle_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger.balance(account).available == 1_100
    assert len(purchases(account)) == 1
    assert not webhooks.waiting(10, longer_than=timedelta(0))


@pytest.mark.parametrize("event_type", ["order.created", "order.updated", "made.up", "customer.updated"])
def test_other_events_are_kept_and_say_why_nothing_was_done(
    client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs, event_type: str
) -> None:
    deliver(client, {**order_paid(shelf["starter"], account), "type": event_type}, SECRET)
    run_jobs()

    assert event().state == "ignored"
    assert event().reason
    assert ledger.balance(account).available == 100


def test_a_draft_order_is_not_money(client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs) -> None:
    deliver(client, order_paid(shelf["starter"], account, status="draft", paid=False), SECRET)
    run_jobs()

    assert event().state == "ignored"
    assert ledger.balance(account).available == 100


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "broken",
    [
        {"id": None},
        {"id": "nul\x00byte"},
        {"subtotal_amount": "4000"},
        {"subtotal_amount": True},
        {"subtotal_amount": -1},
        {"net_amount": 2**70},
        {"currency": None},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-22T07:59:20"},
        {"invoice_number": "\ud800"},
    ],
    ids=repr,
)
def test_a_poison_event_is_tried_again_later_and_blocks_nobody(
    client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs, broken: dict[str, object]
) -> None:
    deliver(client, order_paid(shelf["starter"], account, **broken), SECRET, webhook_id="poison")
    deliver(client, order_paid(shelf["starter"], account), SECRET)
    run_jobs()

    assert ledger.balance(account).available == 1_100
    poison = db.session.scalars(select(WebhookEvent).where(WebhookEvent.webhook_id == "poison")).one()
    assert (poison.state, poison.attempts) == ("received", 1)
    assert poison.reason
    assert poison.next_attempt_at > clock.now()


def test_a_poison_event_is_given_up_after_twelve_attempts_with_its_reason(
    client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs
) -> None:
    deliver(client, order_paid(shelf["starter"], account, currency=None), SECRET)
    moment = clock.now()
    for attempt in range(1, ATTEMPTS_LIMIT + 1):
        with clock.at(moment):
            run_jobs()
        assert event().attempts == attempt
        moment += webhooks.pause_after(attempt)

    assert event().state == "dead"
    assert "currency" in event().reason


def test_the_pause_doubles_and_never_exceeds_a_quarter_of_an_hour() -> None:
    assert [webhooks.pause_after(attempt).total_seconds() for attempt in (1, 2, 3, 8, 9, 12)] == [
        5, 10, 20, 640, 900, 900,
    ]  # fmt: skip


@pytest.mark.both_databases
def test_a_job_that_dies_halfway_leaves_nothing_and_the_next_one_does_it_all(
    client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs
) -> None:
    deliver(client, order_paid(shelf["starter"], account), SECRET)
    [event_id] = webhooks.waiting(10, longer_than=timedelta(0))
    with pytest.raises(KeyboardInterrupt), transaction():
        webhooks.handle(event_id)
        raise KeyboardInterrupt

    assert ledger.balance(account).available == 100
    assert event().state == "received"
    run_jobs()
    assert ledger.balance(account).available == 1_100


def test_events_wait_for_a_worker_before_the_clock_takes_them(client: FlaskClient, account: int, shelf: Shelf) -> None:
    deliver(client, order_paid(shelf["starter"], account), SECRET)

    assert webhooks.waiting(10, longer_than=timedelta(seconds=60)) == []
    with clock.at(clock.now() + timedelta(seconds=61)):
        assert len(webhooks.waiting(10, longer_than=timedelta(seconds=60))) == 1


def test_what_was_processed_once_is_left_alone(
    client: FlaskClient, account: int, shelf: Shelf, run_jobs: RunJobs
) -> None:
    deliver(client, order_paid(shelf["starter"], account), SECRET)
    run_jobs()
    jobs.handle_webhook(event().id)
    jobs.handle_webhook(4711)

    assert ledger.balance(account).available == 1_100
    assert checkout.bought(account)[shelf["starter"].id] == 1
