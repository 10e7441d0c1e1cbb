"""Who is told: endpoints are made, changed, given up on after ten dead events, and switched on again."""

import pytest
from polar.v2026_10 import errors

from . import recorded
from .program import Shop, StandIn, eventually
from .test_refusals import NOBODY

ELSEWHERE = "https://shop.example.com/hooks"


def test_an_endpoint_is_listed_changed_and_deleted(own_stand_in: StandIn, own_shop: Shop) -> None:
    webhooks = own_stand_in.polar.webhooks
    (ours,) = webhooks.list_webhook_endpoints().items
    assert ours.url == own_shop.url
    made = webhooks.create_webhook_endpoint(url=ELSEWHERE, format="raw", events=["order.paid"], name="Shop")
    assert [one.id for one in webhooks.list_webhook_endpoints().items] == [made.id, ours.id]

    changed = webhooks.update_webhook_endpoint(made.id, events=["order.paid", "order.refunded"], name="Till")
    assert (changed.name, changed.events, changed.secret) == ("Till", ["order.paid", "order.refunded"], made.secret)
    assert webhooks.get_webhook_endpoint(made.id).modified_at
    webhooks.delete_webhook_endpoint(made.id)
    with pytest.raises(errors.ResourceNotFound):
        webhooks.get_webhook_endpoint(made.id)
    assert own_stand_in.http.delete(f"/v1/webhooks/endpoints/{NOBODY}").status_code == 404


@pytest.fixture
def dead(own_stand_in: StandIn, own_shop: Shop) -> str:
    """The endpoint of a shop that refused nine events for good."""
    own_stand_in.control("webhooks", retry_scale=0.0001)
    own_shop.answer = lambda _letter, _count: 500
    for _ in range(9):
        own_stand_in.sell()
    assert eventually(lambda: states(own_stand_in).count("failed") == 9, seconds=30)
    (ours,) = own_stand_in.polar.webhooks.list_webhook_endpoints().items
    assert ours.enabled
    return str(ours.id)


def states(stand_in: StandIn) -> list[str]:
    return [delivery["state"] for delivery in stand_in.http.get("/_control/deliveries").json()["items"]]


def test_ten_dead_events_in_a_row_switch_an_endpoint_off_and_skip_what_waits(
    own_stand_in: StandIn, own_shop: Shop, dead: str
) -> None:
    own_stand_in.control("webhooks", retry_scale=100)
    tenth = own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == tenth.id)
    own_stand_in.control("webhooks", retry_scale=0.0001, delay_seconds=30)
    waits = own_stand_in.sell()
    own_stand_in.control("webhooks", retry_scale=0.0001)
    webhooks = own_stand_in.polar.webhooks
    assert eventually(lambda: not webhooks.get_webhook_endpoint(dead).enabled, seconds=30)
    assert own_stand_in.deliveries(waits.id)[0]["state"] == "skipped"
    shown = own_stand_in.http.get(f"/v1/webhooks/endpoints/{dead}").json()
    theirs = recorded.answer("api_webhook_endpoint_after_10_failed_events_200", "snapshot")["body"]
    assert set(theirs) <= set(shown)
    assert shown["enabled"] is theirs["enabled"]

    own_shop.answer = lambda _letter, _count: 202
    own_shop.letters.clear()
    unheard = own_stand_in.sell("While it is off")
    assert webhooks.update_webhook_endpoint(dead, enabled=True).enabled
    heard = own_stand_in.sell("Once it is on")
    own_shop.wait_for(lambda letter: letter.data["id"] == heard.id)
    assert {letter.data["id"] for letter in own_shop.letters} == {heard.id}
    assert own_stand_in.deliveries(unheard.id) == []
    webhooks.redeliver_webhook_event(own_stand_in.deliveries(waits.id)[0]["id"])
    own_shop.wait_for(lambda letter: letter.data["id"] == waits.id)


def test_one_event_that_is_taken_saves_the_endpoint(own_stand_in: StandIn, own_shop: Shop, dead: str) -> None:
    own_shop.answer = lambda _letter, _count: 200
    own_stand_in.sell()
    assert eventually(lambda: states(own_stand_in).count("delivered") == 1)
    own_shop.answer = lambda _letter, _count: 500
    own_stand_in.sell()
    assert eventually(lambda: states(own_stand_in).count("failed") == 10, seconds=30)
    assert own_stand_in.polar.webhooks.get_webhook_endpoint(dead).enabled


def test_a_start_hands_the_own_endpoint_in_again(own_stand_in: StandIn, dead: str) -> None:
    own_stand_in.polar.webhooks.update_webhook_endpoint(dead, enabled=False)
    own_stand_in.end()
    own_stand_in.start()
    assert own_stand_in.polar.webhooks.get_webhook_endpoint(dead).enabled


def test_an_endpoint_cannot_be_moved_to_this_machine_and_may_be_switched_on_again(own_stand_in: StandIn) -> None:
    made = own_stand_in.polar.webhooks.create_webhook_endpoint(url=ELSEWHERE, format="raw", events=["order.paid"])
    own_stand_in.polar.webhooks.update_webhook_endpoint(made.id, enabled=False)
    path = f"/v1/webhooks/endpoints/{made.id}"
    answer = own_stand_in.http.patch(path, json={"url": "https://127.0.0.1:9/hooks"})
    theirs = recorded.answer("api_webhook_endpoint_create_422_localhost_https", "snapshot")
    assert (answer.status_code, answer.json()["error"]) == (theirs["status"], theirs["body"]["error"])
    assert own_stand_in.polar.webhooks.update_webhook_endpoint(made.id, enabled=True).enabled


def test_deliveries_look_as_polar_lists_them_and_are_found(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", retry_scale=0.001)
    own_shop.answer = lambda _letter, count: 503 if count == 1 else 200
    product = own_stand_in.sell()
    assert eventually(lambda: own_stand_in.deliveries(product.id)[0]["state"] == "delivered")
    listed = own_stand_in.http.get("/v1/webhooks/deliveries").json()
    theirs = recorded.answer("api_webhook_deliveries_list_200", "snapshot")["body"]
    assert set(theirs["items"][0]) == set(listed["items"][0])
    assert set(theirs["items"][0]["webhook_event"]) <= set(listed["items"][0]["webhook_event"])

    def codes(**filters: object) -> list[int]:
        found = own_stand_in.polar.webhooks.list_webhook_deliveries(**filters).items
        return [delivery.http_code for delivery in found]

    assert codes() == [200, 503]
    assert codes(succeeded=False) == [503]
    assert codes(http_code_class="5xx") == [503]
    assert codes(query=product.id, succeeded=True) == [200]
    assert codes(query="something else") == []
    assert codes(endpoint_id=NOBODY) == []
    assert codes(event_type="order.paid") == []
