"""A card is saved at the portal or by a drill, becomes the default, and the world is told."""

import pytest
from polar.v2026_10 import errors

from . import recorded
from .program import Shop, StandIn, person


def test_a_portal_link_and_the_saved_cards_look_as_polar_gives_them(stand_in: StandIn) -> None:
    stand_in.polar.customers.create(email="portal@example.com", external_id="portal-1")
    empty = stand_in.http.get("/v1/customers/external/portal-1/payment-methods").json()
    assert empty == recorded.answer("api_customer_payment_methods_empty_200", "snapshot")["body"]

    made = stand_in.http.post("/v1/customer-sessions/", json={"external_customer_id": "portal-1"})
    assert made.status_code == 201
    theirs = recorded.answer("api_sdk_customer_sessions_create_201")["body"]
    assert recorded.key_differences(made.json(), theirs) == []

    stand_in.control("card", customer="portal-1", card_number="4242424242424242")
    listed = stand_in.http.get("/v1/customers/external/portal-1/payment-methods").json()
    theirs = recorded.answer("api_customer_payment_methods_200", "snapshot")["body"]
    assert recorded.key_differences(listed, theirs) == []
    by_id = stand_in.polar.customers.list_payment_methods(made.json()["customer_id"]).items
    assert [(m.id, m.is_default) for m in by_id] == [(listed["items"][0]["id"], True)]


def test_a_person_saves_a_card_at_the_portal(own_stand_in: StandIn, own_shop: Shop) -> None:
    own_stand_in.polar.customers.create(email="ada@example.com", external_id="acc-1")
    session = own_stand_in.polar.customer_sessions.create(
        external_customer_id="acc-1", return_url="http://127.0.0.1:5000/credits/settings"
    )
    url = session.customer_portal_url
    assert "No card is saved yet" in own_stand_in.http.get(url).text

    declined = own_stand_in.post(url, person("4000000000000002"))
    assert (declined.status_code, "not saved" in declined.text) == (402, True)
    assert own_stand_in.post(url, person(line1="")).status_code == 422
    saved = own_stand_in.post(url, person("4000000000000341", email="someone@example.com"))
    assert (saved.status_code, saved.headers["location"]) == (303, "http://127.0.0.1:5000/credits/settings")
    assert "ending in 0341, used by default" in own_stand_in.http.get(url).text

    customer = own_stand_in.polar.customers.get_external("acc-1")
    assert (customer.email, customer.billing_address.state) == ("ada@example.com", "US-NY")
    (told,) = own_shop.wait_for(lambda letter: letter.type == "customer.updated")
    assert told.data["default_payment_method_id"] == customer.default_payment_method_id
    assert recorded.schema_errors(told.json) == []
    assert own_stand_in.charges() == []


def test_a_bank_that_asks_is_answered_before_the_card_is_saved(stand_in: StandIn) -> None:
    customer = stand_in.polar.customers.create(email="asks@example.com")
    url = stand_in.polar.customer_sessions.create(customer_id=customer.id).customer_portal_url
    assert "Confirm it is you" in stand_in.post(url, person("4000002760003184")).text
    assert stand_in.post(url, {"confirm": "refuse"}).status_code == 402
    assert stand_in.polar.customers.list_payment_methods(customer.id).items == []

    stand_in.post(url, person("4000002760003184"))
    assert stand_in.post(url, {"confirm": "approve"}).status_code == 303
    (method,) = stand_in.polar.customers.list_payment_methods(customer.id).items
    assert method.method_metadata.last4 == "3184"


def test_the_newest_card_is_the_default(stand_in: StandIn) -> None:
    stand_in.control("card", customer="two-cards", card_number="4242424242424242")
    stand_in.control("card", customer="two-cards", card_number="4000000000000341")
    methods = stand_in.polar.customers.list_payment_methods_external("two-cards").items
    assert [(m.method_metadata.last4, m.is_default) for m in methods] == [("0341", True), ("4242", False)]
    assert stand_in.polar.customers.get_external("two-cards").billing_address.city == "New York"


def test_a_portal_link_ends_after_an_hour(own_stand_in: StandIn) -> None:
    customer = own_stand_in.polar.customers.create(email="ada@example.com")
    url = own_stand_in.polar.customer_sessions.create(customer_id=customer.id).customer_portal_url
    own_stand_in.control("clock", advance_seconds=3601)
    for answer in (own_stand_in.http.get(url), own_stand_in.post(url, person())):
        assert (answer.status_code, "link has expired" in answer.text) == (410, True)
    assert own_stand_in.http.get("/portal?customer_session_token=nobody").status_code == 404


def test_a_portal_for_nobody_and_a_card_that_cannot_be_saved_are_refused(stand_in: StandIn) -> None:
    with pytest.raises(errors.HTTPValidationError):
        stand_in.polar.customer_sessions.create(external_customer_id="nobody")
    assert stand_in.http.post("/v1/customer-sessions/", json={}).status_code == 422
    for body in ({}, {"customer": "x", "card_number": "4000000000000002"}, {"customer": "x", "card_number": "1"}):
        assert stand_in.http.post("/_control/card", json=body).status_code == 422
