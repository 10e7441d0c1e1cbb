"""News of one paid order arrives late, twice, backwards, or at first not at all: the credits come once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.flows.house import PATIENCE_SECONDS, Polar, Program, Visitor, eventually

Arrived = Callable[[str], None]


@pytest.fixture
def pay(program: Program, polar: Polar) -> Callable[[], Any]:
    """Buy the Professional package and pay it; the order at Polar."""

    def paid() -> Any:
        checkout = program.buys("professional")
        assert polar.pays(checkout["checkout_url"]).status_code == 303
        [order] = polar.orders_for(checkout["checkout_id"])
        return order

    return paid


def news(polar: Polar, order_id: str) -> list[Any]:
    """The deliveries of ``order.paid`` for this order."""
    return [one for one in polar.deliveries(order_id) if one["type"] == "order.paid"]


def is_tried(polar: Polar, order_id: str, times: int) -> bool:
    """Whether the news comes to be delivered so often, or oftener."""
    return eventually(lambda: len(news(polar, order_id)[0]["attempts"]) >= times, seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "weather",
    [
        {"duplicate": True},
        {"reorder": True},
        {"delay_seconds": 0.5},
        {"duplicate": True, "reorder": True, "delay_seconds": 0.3},
    ],
    ids=["twice", "backwards", "late", "all-of-it"],
)
def test_however_the_news_comes_the_credits_come_once(
    program: Program, polar: Polar, pay: Callable[[], Any], arrived: Arrived, letters: Callable[[], list[Any]],
    weather: dict[str, Any],
) -> None:  # fmt: skip
    polar.control("webhooks", **weather)
    order = pay()
    copies = 2 if weather.get("duplicate") else 1
    assert is_tried(polar, order["id"], copies)
    arrived(order["id"])

    assert program.available == 5_100
    assert [one["polar_order_id"] for one in program.purchases] == [order["id"]]
    assert len(letters()) == 1
    assert {attempt["status"] for one in polar.deliveries(order["id"]) for attempt in one["attempts"]} == {202}


def test_news_that_was_lost_and_is_sent_again_brings_the_credits_once(
    program: Program, polar: Polar, pay: Callable[[], Any], run_jobs: Callable[[], None], arrived: Arrived
) -> None:
    polar.control("webhooks", drop=True)
    order = pay()
    [lost] = news(polar, order["id"])
    run_jobs()
    assert lost["state"] == "dropped"
    assert program.available == 100

    polar.control("webhooks")
    for times in (1, 2, 3):
        polar.http.post(f"/v1/webhooks/events/{lost['id']}/redeliver")
        assert is_tried(polar, order["id"], times)
        run_jobs()
        assert program.available == 5_100
    assert len(program.purchases) == 1


def test_the_news_waits_while_our_door_is_shut_and_comes_in_when_it_opens(
    program: Program, polar: Polar, pay: Callable[[], Any], arrived: Arrived, door: Any, app: Any
) -> None:
    polar.control("webhooks", retry_scale=0.02)

    def broken(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if not environ["PATH_INFO"].startswith("/webhooks"):
            return app(environ, start_response)
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return []

    door.open_for(broken)
    order = pay()
    assert is_tried(polar, order["id"], 1)
    assert program.available == 100

    door.open_for(app)
    arrived(order["id"])
    assert program.available == 5_100
    [paid] = news(polar, order["id"])
    assert [attempt["status"] for attempt in paid["attempts"]][-1] == 202
    assert paid["attempts"][0]["status"] == 503


def test_the_operator_sees_every_event_and_what_became_of_it(
    polar: Polar, pay: Callable[[], Any], arrived: Arrived, operators_browser: Visitor
) -> None:
    order = pay()
    arrived(order["id"])
    page = operators_browser.sees("/operator/")

    assert "order.paid" in page
    assert "An order counts when it is paid." in page
    for told in polar.deliveries(order["id"]):
        assert told["id"] in page
