"""What the world is told: which events, in which order, signed how, and again until they arrive."""

import base64
import hashlib
import hmac
import time

import pytest
from polar.v2026_10.webhooks import PolarWebhookVerificationError, validate_event

from creditapp.polar_stand_in.postman import backoff

from . import recorded
from .program import SECRET, Letter, Shop, StandIn, eventually, person

PAID = [
    ("checkout.updated", "confirmed"),
    ("customer.updated", None),
    ("customer.state_changed", None),
    ("order.created", "paid"),
    ("order.updated", "paid"),
    ("order.paid", "paid"),
    ("checkout.updated", "succeeded"),
    ("order.updated", "paid"),
]
LEGACY = "polar_whs_" + "x" * 32


def said(letters: list[Letter]) -> list[tuple[str, str | None]]:
    return [(letter.type, letter.data.get("status")) for letter in letters]


def test_a_purchase_is_told_in_polars_order(own_stand_in: StandIn, own_shop: Shop) -> None:
    customer = own_stand_in.polar.customers.create(email="ada@example.com", external_id="acc-1")
    checkout = own_stand_in.open_checkout(external_customer_id="acc-1", metadata={"purchase_id": "p-1"})
    own_shop.wait_for(lambda letter: letter.type == "checkout.created")
    before = [letter.type for letter in own_shop.letters]
    assert before == ["customer.created", "customer.state_changed", "product.created", "checkout.created"]

    own_stand_in.post(checkout.url, person())
    (order,) = own_stand_in.orders_of(checkout)
    own_shop.wait_for(lambda letter: letter.data["id"] == order.id, count=4)
    purchase = own_shop.about(checkout.id, customer.id, order.id)[3:]
    assert said(purchase) == PAID
    assert [letter.data.get("platform_fee_amount") for letter in own_shop.about(order.id)] == [0, 0, 0, 250]
    assert purchase[5].data["metadata"] == {"purchase_id": "p-1"}
    assert purchase[5].data["customer"]["external_id"] == "acc-1"
    receipts = [letter.data["receipt_number"] for letter in own_shop.about(order.id)]
    assert receipts[:2] == [None, None]
    assert receipts[2] == receipts[3] != ""


def test_a_decline_is_told_by_one_open_checkout_and_nothing_else(stand_in: StandIn, shop: Shop) -> None:
    checkout = stand_in.open_checkout()
    stand_in.post(checkout.url, person("4000000000000002"))
    stand_in.open_checkout(product=stand_in.polar.products.get(checkout.product_id), metadata={"after": checkout.id})
    shop.wait_for(lambda letter: letter.data.get("metadata", {}).get("after") == checkout.id)
    assert said(shop.about(checkout.id)) == [("checkout.created", "open"), ("checkout.updated", "open")]


def test_a_bank_that_asks_is_told_as_confirmed_and_open_again_when_refused(stand_in: StandIn, shop: Shop) -> None:
    checkout = stand_in.open_checkout()
    stand_in.post(checkout.url, person("4000002760003184"))
    stand_in.post(checkout.url, {"confirm": "refuse"})
    shop.wait_for(lambda letter: letter.data["id"] == checkout.id, count=3)
    states = [status for _, status in said(shop.about(checkout.id))]
    assert states == ["open", "confirmed", "open"]


def test_a_new_buyer_is_told_as_a_new_customer(stand_in: StandIn, shop: Shop) -> None:
    _, order = stand_in.buy(email="told@example.com")
    shop.wait_for(lambda letter: letter.data["id"] == order.customer_id, count=2)
    types = [letter.type for letter in shop.about(order.customer_id)]
    assert types == ["customer.created", "customer.state_changed"]


def test_an_expired_checkout_is_told_once(own_stand_in: StandIn, own_shop: Shop) -> None:
    checkout = own_stand_in.open_checkout()
    own_stand_in.control("clock", advance_seconds=90_000)
    own_stand_in.control("clock", advance_seconds=90_000)
    (letter,) = own_shop.wait_for(lambda letter: letter.type == "checkout.expired")
    assert (letter.data["id"], letter.data["status"]) == (checkout.id, "expired")
    assert abs(int(letter.headers["webhook-timestamp"]) - time.time()) < 30


def test_every_webhook_is_as_polar_describes_records_and_parses_it(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.polar.customers.create(email="ada@example.com", external_id="acc-1")
    open_one = own_stand_in.open_checkout()
    own_stand_in.post(open_one.url, person("4000000000000002"))
    _, order = own_stand_in.buy(external_customer_id="acc-1", metadata={"n": 1, "s": "x", "b": True})
    own_stand_in.polar.customers.update_external("acc-1", name="Ada King")
    own_stand_in.polar.products.update(order.product_id, description="5,000 credits")
    own_stand_in.polar.orders.generate_invoice(order.id)
    own_stand_in.control("clock", advance_seconds=90_000)
    own_shop.wait_for(lambda letter: letter.type == "checkout.expired")
    own_shop.wait_for(lambda letter: letter.data.get("platform_fee_amount") == 250)

    types = {letter.type for letter in own_shop.letters}
    assert types == {
        *("checkout.created", "checkout.updated", "checkout.expired"),
        *("customer.created", "customer.updated", "customer.state_changed"),
        *("order.created", "order.updated", "order.paid", "product.created", "product.updated"),
    }
    kinds = {(letter.type, letter.data.get("status")): letter for letter in own_shop.letters}
    for letter in kinds.values():
        assert recorded.schema_errors(letter.json) == [], letter.type
        assert letter.json["api_version"] == "2026-10"
        assert letter.headers["webhook-api-version"] == "2026-10"
        assert letter.headers["user-agent"] == "polar.sh webhooks"
        event = validate_event(letter.body, letter.headers, SECRET)
        assert event.type == letter.type
        theirs = recorded.webhooks().get((letter.type, letter.data.get("status", "")))
        if theirs is not None:
            assert recorded.key_differences(letter.json, theirs) == [], letter.type
    compared = types & {type_ for type_, _ in recorded.webhooks()}
    assert compared == types - {"product.updated"}


@pytest.mark.parametrize("webhook_secret", [SECRET, LEGACY, f"{LEGACY},{SECRET}", "whsec_short"])
def test_the_first_secret_signs_by_the_rule_of_its_kind(
    own_stand_in: StandIn, own_shop: Shop, webhook_secret: str
) -> None:
    own_stand_in.sell()
    (letter,) = own_shop.wait_for(lambda letter: letter.type == "product.created")
    first = webhook_secret.partition(",")[0]
    key = base64.b64decode(first.removeprefix("whsec_")) if first == SECRET else first.encode()
    signed = f"{letter.id}.{letter.headers['webhook-timestamp']}.".encode() + letter.body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()

    assert letter.headers["webhook-signature"] == f"v1,{wanted}"
    assert validate_event(letter.body, letter.headers, first).type == "product.created"
    with pytest.raises(PolarWebhookVerificationError):
        validate_event(letter.body, letter.headers, "whsec_another")


def test_a_secret_changed_in_the_file_signs_the_next_webhook(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.secret_file.write_text(f"{LEGACY},{SECRET}")
    own_stand_in.sell()
    (letter,) = own_shop.wait_for(lambda letter: letter.type == "product.created")
    assert validate_event(letter.body, letter.headers, LEGACY)

    built_in = own_stand_in.polar.webhooks.list_webhook_endpoints().items[-1]
    assert built_in.secret == LEGACY
    assert not built_in.uses_standard_webhook_signature
    fresh = own_stand_in.polar.webhooks.reset_webhook_endpoint_secret(built_in.id).secret
    assert own_stand_in.secret_file.read_text().strip() == f"{fresh},{LEGACY}"


def test_a_webhook_comes_again_with_the_same_id_until_it_is_taken(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", retry_scale=0.005)
    answers = [500, 302, 404, 204]
    own_shop.answer = lambda _letter, count: answers[count - 1]
    product = own_stand_in.sell()
    own_shop.wait_for(lambda letter: letter.data["id"] == product.id, count=4)

    assert len({letter.id for letter in own_shop.about(product.id)}) == 1
    assert len({letter.body for letter in own_shop.about(product.id)}) == 1
    assert eventually(lambda: own_stand_in.deliveries(product.id)[0]["state"] == "delivered")
    (delivery,) = own_stand_in.deliveries(product.id)
    assert [attempt["status"] for attempt in delivery["attempts"]] == answers
    deliveries = own_stand_in.polar.webhooks.list_webhook_deliveries(event_type="product.created").items
    assert [d.http_code for d in deliveries] == answers[::-1]
    assert deliveries[0].webhook_event.succeeded


def test_a_webhook_that_nobody_takes_is_given_up_after_ten_attempts_and_can_be_redelivered(
    own_stand_in: StandIn, own_shop: Shop
) -> None:
    own_stand_in.control("webhooks", retry_scale=0.0001)
    own_shop.answer = lambda _letter, _count: 503
    product = own_stand_in.sell()
    assert eventually(lambda: own_stand_in.deliveries(product.id)[0]["state"] == "failed")
    assert len(own_stand_in.deliveries(product.id)[0]["attempts"]) == 10

    own_shop.answer = lambda _letter, _count: 200
    event = own_stand_in.polar.webhooks.list_webhook_deliveries().items[0].webhook_event
    assert event.succeeded is False
    assert own_stand_in.http.post(f"/v1/webhooks/events/{event.id}/redeliver").status_code == 202
    assert eventually(lambda: own_stand_in.deliveries(product.id)[0]["state"] == "delivered")
    assert {letter.id for letter in own_shop.letters} == {event.id}


def test_the_wait_doubles_after_each_attempt_up_to_twenty_minutes() -> None:
    for attempts in range(1, 10):
        waits = [backoff(attempts) for _ in range(200)]
        assert min(2 * 2**attempts, 1200) <= min(waits) <= max(waits) <= min(4 * 2**attempts, 1200)


def test_a_webhook_that_failed_once_is_overtaken_by_the_next_one(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.control("webhooks", retry_scale=0.05)
    own_shop.answer = lambda letter, count: 500 if letter.data["name"] == "First" and count == 1 else 200
    own_stand_in.sell("First")
    own_stand_in.sell("Second")
    own_shop.wait_for(lambda letter: letter.data["name"] == "First", count=2)
    assert [letter.data["name"] for letter in own_shop.letters] == ["First", "Second", "First"]
