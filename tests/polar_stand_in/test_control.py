"""What tests and drills may turn: webhooks that misbehave, calls that fail, the clock."""

import time
from typing import Any

import httpx
import pytest
from polar import PolarNetworkError, PolarServerError
from polar.base import PolarRateLimitError

from .program import PATIENCE_SECONDS, Shop, StandIn, eventually, person


def test_a_doubled_webhook_arrives_twice_with_one_id(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", duplicate=True)
    product = own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id, count=2)
    assert len({letter.id for letter in own_shop.letters}) == 1
    assert eventually(lambda: len(own_stand_in.deliveries(product.id)[0]["attempts"]) == 2)

    own_stand_in.control("webhooks")
    plain, last = own_stand_in.sell(), own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == last.id)
    assert len(own_shop.about(plain.id)) == 1


def test_a_dropped_webhook_never_arrives_until_it_is_redelivered(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", drop=True)
    lost = own_stand_in.sell("Lost package")
    own_stand_in.control("webhooks")
    told = own_stand_in.sell("Told package")
    own_shop.wait_for(lambda letter: letter.data["id"] == told.id)
    assert own_shop.about(lost.id) == []
    (delivery,) = own_stand_in.deliveries(lost.id)
    assert (delivery["state"], delivery["attempts"]) == ("dropped", [])

    own_stand_in.polar.webhooks.redeliver_webhook_event(delivery["id"])
    own_shop.wait_for(lambda letter: letter.data["id"] == lost.id)


def test_a_delayed_webhook_arrives_after_its_delay(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", delay_seconds=0.7)
    began = time.monotonic()
    product = own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id)
    assert time.monotonic() - began >= 0.65


def test_reordered_webhooks_of_a_purchase_arrive_backwards(own_stand_in: StandIn, own_shop: Shop) -> None:
    checkout = own_stand_in.open_checkout()
    own_shop.wait_for(lambda letter: letter.type == "checkout.created")
    own_stand_in.control("webhooks", reorder=True)
    own_stand_in.post(checkout.url, person())
    own_shop.wait_for(lambda letter: letter.data.get("status") == "confirmed")
    order = [letter.type for letter in own_shop.letters if letter.type in {"order.created", "order.paid"}]
    assert order == ["order.paid", "order.created"]


def test_a_smaller_retry_scale_applies_to_what_is_waiting_already(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", retry_scale=50)
    own_shop.answer = lambda _letter, count: 500 if count == 1 else 200
    product = own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id)
    own_stand_in.control("webhooks", retry_scale=0.001)
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id, count=2)


@pytest.mark.parametrize("after_charge", [False, True])
def test_a_failing_call_did_nothing_or_everything_before_it_failed(
    own_stand_in: StandIn, *, after_charge: bool
) -> None:
    fault = own_stand_in.control("fail_next", path="/v1/customers", status=503, after_charge=after_charge)
    assert fault["times"] == 1
    with pytest.raises(PolarServerError) as failed:
        own_stand_in.polar.customers.create(email="ada@example.com")
    assert failed.value.status_code == 503

    assert len(own_stand_in.polar.customers.list().items) == int(after_charge)


@pytest.mark.parametrize("after_charge", [False, True])
def test_an_answer_that_is_lost_leaves_the_person_alone_with_or_without_a_charge(
    own_stand_in: StandIn, *, after_charge: bool
) -> None:
    checkout = own_stand_in.open_checkout()
    own_stand_in.control("fail_next", path="/checkout/", status=None, after_charge=after_charge)
    with pytest.raises(httpx.RemoteProtocolError):
        own_stand_in.post(checkout.url, person())

    assert len(own_stand_in.charges()) == int(after_charge)
    assert own_stand_in.post(checkout.url, person()).status_code == 303
    assert len(own_stand_in.charges()) == 1


def test_a_lost_answer_of_the_api_is_a_network_error_to_the_sdk(own_stand_in: StandIn) -> None:
    product = own_stand_in.sell()
    own_stand_in.control("fail_next", path="/v1/checkouts", status=None, after_charge=True)
    with pytest.raises(PolarNetworkError):
        own_stand_in.polar.checkouts.create(products=[product.id], metadata={"purchase_id": "p-1"})
    assert [c.metadata for c in own_stand_in.polar.checkouts.list().items] == [{"purchase_id": "p-1"}]


def test_faults_strike_so_often_as_told_and_only_where_told(own_stand_in: StandIn) -> None:
    own_stand_in.control("fail_next", path="/v1/orders", status=429, times=2)
    for _ in range(2):
        with pytest.raises(PolarRateLimitError) as limited:
            own_stand_in.polar.orders.list()
        assert limited.value.retry_after == 1
        assert own_stand_in.polar.products.list().items == []
    assert own_stand_in.polar.orders.list().items == []


def test_a_slow_call_answers_after_its_seconds(own_stand_in: StandIn) -> None:
    own_stand_in.control("fail_next", path="/v1/products", status=500, seconds=0.5)
    began = time.monotonic()
    assert own_stand_in.http.get("/v1/products/", timeout=PATIENCE_SECONDS).status_code == 500
    assert time.monotonic() - began >= 0.5


def test_the_clock_dates_what_happens_from_then_on(own_stand_in: StandIn) -> None:
    before = own_stand_in.sell()
    now = own_stand_in.control("clock", advance_seconds=86_400)["now"]
    after = own_stand_in.sell()
    assert before.created_at < now <= after.created_at
    assert own_stand_in.open_checkout().expires_at > after.created_at


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("webhooks", {"delay_seconds": -1}),
        ("webhooks", {"delay_seconds": "1"}),
        ("webhooks", {"drop": "yes"}),
        ("webhooks", {"dorp": True}),
        ("webhooks", {"retry_scale": True}),
        ("webhooks", [1]),
        ("fail_next", {"status": 500}),
        ("fail_next", {"path": "", "status": 500}),
        ("fail_next", {"path": "/v1", "status": 99}),
        ("fail_next", {"path": "/v1", "status": 500, "times": 0}),
        ("fail_next", {"path": "/v1", "status": 500, "seconds": -1}),
        ("fail_next", {"path": "/v1", "status": 500, "after_charge": 1}),
        ("clock", {}),
        ("clock", {"advance_seconds": -5}),
        ("clock", {"advance_seconds": 1e12}),
    ],
)
def test_a_wrong_wish_is_refused_with_a_sentence(stand_in: StandIn, verb: str, body: Any) -> None:
    answer = stand_in.http.post(f"/_control/{verb}", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")
