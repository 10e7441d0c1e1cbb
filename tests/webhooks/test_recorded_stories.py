"""Every delivery that was recorded from Polar's own server has its full effect, story by story."""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import checkout, identity, ledger, packages
from creditapp.checkout import Order, PolarCustomer
from creditapp.db import db, transaction
from creditapp.webhooks import WebhookEvent
from tests.conftest import WEBHOOK_SECRETS, signed_up
from tests.deliveries import deliver, recordings

pytestmark = pytest.mark.both_databases

NAMES = {"Starter": "starter", "Professional": "professional"}
CREDITS = {"starter": 1_000, "professional": 5_000}

# What became of the account of each customer of Polar's in the end: orders credited, credits net of refunds, a card.
ENDS = {
    "sdk_1_0_2": {
        "user_1001": (2, 1_000, True),  # Professional refunded in two steps; Starter charged off-session
        "user_1002": (1, 0, False),  # Starter, whose dispute Polar prevented by a refund
    },
    "snapshot": {
        "user_1001": (4, 5_000 + 1_000 + 1_000, True),
        "user_1005": (1, 5_000, False),
    },
}


def story(folder: str) -> list[tuple[str, dict[str, Any]]]:
    """The name and event of every recorded delivery of a folder, in the order in which they were made."""
    return [(name, json.loads(body)) for name, body in recordings() if name.startswith(folder)]


@pytest.fixture
def accounts(app: Flask) -> Callable[[str], dict[str, int]]:
    """``accounts(folder)``: an account for every customer in the recordings, whose product ids are our packages'."""

    def opened(folder: str) -> dict[str, int]:
        events = [event for _, event in story(folder)]
        products = {
            NAMES[event["data"]["name"]]: event["data"]["id"]
            for event in events
            if event["type"] == "product.created" and event["data"]["name"] in NAMES
        }
        whose = {
            event["data"]["customer_id"]: event["data"]["customer"]["external_id"]
            for event in events
            if event["type"].startswith("order.")
        }
        with transaction():
            packages.seed({**products})
        found = {}
        for customer, external_id in whose.items():
            account = identity.account_id_of(signed_up(f"{external_id}@example.com", app))
            found[external_id] = account
            with transaction():
                checkout.remember_customer(account, customer)
        return found

    return opened


def arrive(client: FlaskClient, run_jobs: Callable[[], None], events: list[dict[str, Any]]) -> None:
    for event in events:
        assert deliver(client, event, WEBHOOK_SECRETS[0]).status_code == 202
    run_jobs()


def ends(accounts: dict[str, int]) -> dict[str, tuple[int, Decimal, bool]]:
    """For every customer who bought: orders credited, credits that stayed, whether a card is known."""
    found = {}
    for external_id, account in accounts.items():
        orders = db.session.scalars(select(Order).where(Order.account_id == account, Order.state == "credited")).all()
        standing = ledger.balance(account)
        assert standing.balance - standing.debt == 100 + sum(one.credits - one.taken_back for one in orders)
        if orders:
            row = db.session.get(PolarCustomer, account, populate_existing=True)
            found[external_id] = (
                len(orders),
                standing.balance - standing.debt - 100,
                bool(row and row.default_payment_method_id),
            )
    return found


@pytest.mark.parametrize("folder", ENDS)
def test_every_recorded_delivery_has_its_full_effect(
    client: FlaskClient, run_jobs: Callable[[], None], accounts: Callable[[str], dict[str, int]], folder: str
) -> None:
    people = accounts(folder)
    arrive(client, run_jobs, [event for _, event in story(folder)])

    assert ends(people) == ENDS[folder]
    events = db.session.scalars(select(WebhookEvent)).all()
    assert {event.state for event in events} == {"processed", "ignored"}
    assert all(event.reason for event in events if event.state == "ignored")
    assert [*ledger.verify(), *checkout.verify()] == []


@pytest.mark.parametrize("folder", ENDS)
def test_so_it_is_when_they_come_in_another_order_and_twice(
    client: FlaskClient, run_jobs: Callable[[], None], accounts: Callable[[str], dict[str, int]], folder: str
) -> None:
    people = accounts(folder)
    events = [event for _, event in story(folder)] * 2
    random.Random(5).shuffle(events)
    arrive(client, run_jobs, events)

    assert ends(people) == ENDS[folder]
    assert [*ledger.verify(), *checkout.verify()] == []
