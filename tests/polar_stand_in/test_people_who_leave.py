"""Customers who change or are deleted, and cards that are chosen and removed: what remains and who is told."""

import re
from typing import Any

import pytest
from polar.v2026_10 import errors
from polar.v2026_10.webhooks import validate_event

from . import recorded
from .people import DECLINES, PAYS, Person
from .program import SECRET, Shop, StandIn


@pytest.mark.parametrize("by", ["id", "external_id"])
def test_a_deleted_customer_is_gone_and_its_orders_are_not(
    ada: Person, own_stand_in: StandIn, own_shop: Shop, by: str
) -> None:
    polar = own_stand_in.polar
    paid = polar.orders.finalize(ada.asks_for().id, request_timeout=30)
    path = f"/v1/customers/{ada.id}" if by == "id" else "/v1/customers/external/ada"
    answer = own_stand_in.http.delete(path)
    theirs = recorded.plain("api_customer_delete_204")
    assert (answer.status_code, answer.text) == (theirs["status"], theirs["body"])

    (told,) = own_shop.wait_for(lambda letter: letter.type == "customer.deleted")
    assert recorded.schema_errors(told.json) == []
    assert recorded.key_differences(told.json, recorded.webhook_sample("customer.deleted")) == []
    assert validate_event(told.body, told.headers, SECRET).data.id == ada.id
    assert told.data["deleted_at"]
    assert (told.data["external_id"], told.data["metadata"]) == (None, {"__external_id": "ada"})

    for gone in (lambda: polar.customers.get(ada.id), lambda: polar.customers.get_external("ada")):
        with pytest.raises(errors.ResourceNotFound):
            gone()
    assert own_stand_in.http.delete(path).status_code == 404
    assert polar.customers.list().items == []
    assert polar.orders.get(paid.id).customer_id == ada.id
    with pytest.raises(errors.HTTPValidationError):
        polar.customer_sessions.create(customer_id=ada.id)
    with pytest.raises(errors.HTTPValidationError):
        ada.asks_for()


def test_the_address_and_the_id_of_a_deleted_customer_are_free_again(own_stand_in: StandIn) -> None:
    polar = own_stand_in.polar
    first = polar.customers.create(email="ada@example.com", external_id="acc-1", name="Ada")
    checkout = own_stand_in.open_checkout(external_customer_id="acc-1")
    polar.customers.delete_external("acc-1", anonymize=True)
    second = polar.customers.create(email="ada@example.com", external_id="acc-1")
    assert second.id != first.id
    _, order = own_stand_in.buy(external_customer_id="acc-1")
    assert order.customer_id == second.id
    assert own_stand_in.polar.checkouts.get(checkout.id).status == "open"


def test_a_draft_of_a_deleted_customer_has_no_card_to_charge(ada: Person, own_stand_in: StandIn) -> None:
    draft = ada.asks_for()
    own_stand_in.polar.customers.delete(ada.id)
    assert "missing_payment_method" in ada.finalizes(draft).json()["detail"]


def test_a_new_address_is_told_and_used_by_the_next_order(own_stand_in: StandIn, own_shop: Shop) -> None:
    bob = Person(own_stand_in, "bob", None)
    address = {"line1": "1 A St", "postal_code": "94105", "city": "San Francisco", "state": "US-CA", "country": "US"}
    changed = own_stand_in.http.patch("/v1/customers/external/bob", json={"billing_address": address})
    theirs = recorded.answer("api_customer_update_billing_address_200", "snapshot")["body"]
    assert recorded.key_differences(changed.json(), theirs) == []
    (told,) = own_shop.wait_for(lambda letter: letter.type == "customer.updated")
    assert told.data["billing_address"] == {**address, "line2": None}
    assert bob.asks_for().billing_address.city == "San Francisco"


def test_a_person_chooses_and_removes_cards_at_the_portal(ada: Person, own_stand_in: StandIn, own_shop: Shop) -> None:
    first, second = own_stand_in.polar.customers.get(ada.id).default_payment_method_id, ada.saves(DECLINES)
    url = own_stand_in.polar.customer_sessions.create(
        customer_id=ada.id, return_url="http://x.test/"
    ).customer_portal_url

    def presses(**button: str) -> Any:
        own_shop.letters.clear()
        answer = own_stand_in.post(url, button)
        assert (answer.status_code, answer.headers["location"]) == (303, url)
        (told,) = own_shop.wait_for(lambda letter: letter.type == "customer.updated")
        return told.data["default_payment_method_id"]

    page = own_stand_in.http.get(url).text
    assert re.findall(r'name="(default|remove)" value="([^"]+)"', page) == [
        ("remove", second),
        ("default", first),
        ("remove", first),
    ]
    assert presses(default=first) == first
    assert presses(remove=second) == first
    assert presses(remove=first) is None
    assert own_stand_in.polar.customers.list_payment_methods(ada.id).items == []
    again = own_stand_in.post(url, {"remove": first})
    assert (again.status_code, "not saved any more" in again.text) == (422, True)


def test_nobody_chooses_or_removes_the_card_of_somebody_else(ada: Person, own_stand_in: StandIn) -> None:
    bob = Person(own_stand_in, "bob", PAYS)
    (theirs,) = own_stand_in.polar.customers.list_payment_methods(bob.id).items
    url = own_stand_in.polar.customer_sessions.create(customer_id=ada.id).customer_portal_url
    for button in ("default", "remove"):
        assert own_stand_in.post(url, {button: theirs.id}).status_code == 422
    assert len(own_stand_in.polar.customers.list_payment_methods(bob.id).items) == 1


def test_where_no_card_is_the_default_any_is_charged(ada: Person, own_stand_in: StandIn) -> None:
    first = own_stand_in.polar.customers.get(ada.id).default_payment_method_id
    second = ada.saves(PAYS)
    url = own_stand_in.polar.customer_sessions.create(customer_id=ada.id).customer_portal_url
    own_stand_in.post(url, {"remove": second})
    assert [m.is_default for m in own_stand_in.polar.customers.list_payment_methods(ada.id).items] == [False]
    assert ada.finalizes(ada.asks_for()).status_code == 200
    assert first
