"""The operator's pages: everything Polar told us, with what became of it, and for nobody else's eyes."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, identity, jobs, webhooks
from creditapp.db import transaction
from creditapp.web.operator import EVENTS
from tests.deliveries import order_paid
from tests.web.seeing import NOON, signed_up
from tests.web.tree import Node, tree

_numbers = itertools.count(1)


@pytest.fixture
def bob(app: Flask) -> identity.User:
    return signed_up(app, "bob@example.com", operator=True)


@pytest.fixture
def browser(
    client: FlaskClient, bob: identity.User, sign_in: Callable[[FlaskClient, identity.User], None]
) -> Iterator[FlaskClient]:
    with clock.at(NOON):
        sign_in(client, bob)
        yield client


def arrives(body: bytes | dict[str, Any], *, handled: bool = True) -> int:
    """A webhook that was signed; the id of its row."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with transaction():
        event = webhooks.receive(f"msg_{next(_numbers)}", raw)
    assert event is not None
    if handled:
        jobs.handle_webhook(event)
    return event


def inbox(browser: FlaskClient, query: str = "") -> Node:
    return tree(browser.get(f"/operator/{query}")).with_id("main")


def rows(page: Node, id: str) -> list[list[str]]:
    return [
        [cell.words for cell in row.inside if isinstance(cell, Node)]
        for body in page.with_id(id).every("tbody")
        for row in body.every("tr")
    ]


@pytest.mark.parametrize("address", ["/operator/", "/operator/webhooks/1", "/operator/webhooks/999999"])
def test_to_a_customer_the_operators_pages_do_not_exist(
    client: FlaskClient,
    app: Flask,
    address: str,
    sign_in: Callable[[FlaskClient, identity.User], None],
) -> None:
    arrives({"type": "order.created", "data": {}})
    with clock.at(NOON):
        sign_in(client, signed_up(app, "charlie@example.com"))
        answer = client.get(address)

    assert answer.status_code == 404
    assert "order.created" not in answer.text


@pytest.mark.parametrize("address", ["/operator", "/operator/", "/operator/webhooks/1"])
def test_to_a_visitor_the_operators_pages_do_not_exist(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.both_databases
def test_the_inbox_tells_what_came_and_what_became_of_it(browser: FlaskClient) -> None:
    arrives({"type": "order.created", "data": {"id": "1"}})
    arrives(b"not json")
    arrives({"type": "order.paid", "data": {}}, handled=False)

    page = inbox(browser)

    (first, state_1, _, tries_1), (second, state_2, _, _), (third, state_3, received, tries_3) = rows(page, "inbox")
    assert first.startswith("order.paid")
    assert (state_1, tries_1) == ("Waiting", "0")
    assert second.startswith("unreadable")
    assert state_2 == "DeadThe body is not a JSON object with a type and data."
    assert third.startswith("order.created")
    assert state_3.startswith("Ignored")
    assert (received, tries_3) == ("24 Nov 2026, 12:00:00", "1")


@pytest.mark.both_databases
def test_waiting_and_dead_events_are_counted(browser: FlaskClient) -> None:
    assert "event is dead" not in inbox(browser).words
    arrives(b"not json")
    for _ in range(2):
        arrives({"type": "order.paid", "data": {}}, handled=False)

    page = inbox(browser)

    counts = {line.one("dt").words: line.one("dd").words for line in page.one("dl").every("div")}
    assert (counts["Waiting"], counts["Dead"], counts["Done"]) == ("2", "1", "0")
    assert "1 event is dead" in page.words


def test_an_event_that_failed_says_why_and_when_it_is_tried_again(browser: FlaskClient) -> None:
    event = arrives({"type": "order.paid", "data": {"status": "paid"}})

    (row,) = rows(inbox(browser), "inbox")
    page = tree(browser.get(f"/operator/webhooks/{event}")).with_id("main")

    assert "The field 'id' is missing or not text" in row[1]
    assert "next try 24 Nov 2026, 12:00:05" in row[1]
    stated = {term.words: said.words for term, said in zip(page.every("dt"), page.every("dd"), strict=True)}
    assert "The field 'id' is missing or not text" in stated["Why"]
    assert (stated["Attempts"], stated["Next try"]) == ("1", "24 Nov 2026, 12:00:05")


def test_an_order_that_credited_nobody_is_shown_with_the_reason(browser: FlaskClient, shelf: dict[str, Any]) -> None:
    assert "None: every paid order found its account" in inbox(browser).words
    event = order_paid(shelf["starter"], None, order_id="order-lost")
    event["data"]["product_id"] = "somebody-else's"
    event["data"]["customer"]["external_id"] = None
    arrives(event)

    page = inbox(browser)

    assert "order-lost" in page.words
    assert "is not one of our packages" in page.words


def test_the_inbox_is_narrowed_by_state_and_paged(browser: FlaskClient) -> None:
    for number in range(EVENTS + 3):
        arrives({"type": f"order.created.{number}", "data": {}}, handled=False)
    arrives(b"not json")

    first = inbox(browser, "?state=received")
    older = next(link for link in first.every("a") if link.words == "Older")
    second = tree(browser.get(older["href"].partition("#")[0])).with_id("main")

    assert len(rows(first, "inbox")) == EVENTS
    assert [row[0].split("msg")[0] for row in rows(second, "inbox")] == [
        "order.created.2", "order.created.1", "order.created.0",
    ]  # fmt: skip
    assert len(rows(inbox(browser, "?state=dead"), "inbox")) == 1
    assert len(rows(inbox(browser, "?state=nonsense&before=x"), "inbox")) == EVENTS


def test_an_empty_inbox_says_what_to_check(browser: FlaskClient) -> None:
    assert "Is the webhook endpoint set up?" in inbox(browser).words


def test_an_event_shows_its_body_readably_and_as_it_came(browser: FlaskClient) -> None:
    raw = b'{"type":"customer.updated","data":{"name":"<script>alert(1)</script>","amount":0.10,"half":"\\ud800"}}'
    event = arrives(raw)

    answer = browser.get(f"/operator/webhooks/{event}")
    page = tree(answer).with_id("main")

    readable, exact = page.every("pre")
    assert "<script>" not in answer.text.partition("<body>")[2]
    assert '"name": "<script>alert(1)</script>"' in readable.words
    assert '"amount": 0.10' in readable.words
    assert exact.words == raw.decode()


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00not text", b"[" * 100_000, b'{"type": 1e999999}', b"", b'{"a": ' + b"9" * 5_000 + b"}"]
)
def test_a_body_that_can_not_be_read_is_shown_all_the_same(browser: FlaskClient, body: bytes) -> None:
    event = arrives(body)

    page = tree(browser.get(f"/operator/webhooks/{event}")).with_id("main")

    assert f"{len(body):,} bytes" in page.words


def test_an_event_that_never_came_is_not_there(browser: FlaskClient) -> None:
    assert browser.get("/operator/webhooks/999").status_code == 404
    assert browser.get(f"/operator/webhooks/{2**70}").status_code == 404


def test_the_way_to_these_pages_is_shown_to_operators_alone(
    browser: FlaskClient, app: Flask, sign_in: Callable[[FlaskClient, identity.User], None]
) -> None:
    assert [link.words for link in tree(browser.get("/credits")).every("a", href="/operator/")] == ["Operator"]
    customer = app.test_client()
    sign_in(customer, signed_up(app, "charlie@example.com"))
    assert tree(customer.get("/credits")).every("a", href="/operator/") == []
