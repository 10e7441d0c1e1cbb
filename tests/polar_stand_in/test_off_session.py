"""A saved card is charged without its owner: a draft, then finalized; every refusal, and never two charges for one."""

from typing import Any

import pytest
from polar.v2026_10 import errors
from polar.v2026_10.webhooks import validate_event

from . import recorded
from .people import ASKS, DECLINES, PAYS, Person
from .program import SECRET, Shop, StandIn, eventually
from .test_refusals import NOBODY, same, without_ids


def refused_as(answer: Any, name: str) -> None:
    """The recorded refusal, whatever order it was about."""
    theirs = recorded.answer(name, "snapshot")
    assert answer.status_code == theirs["status"]
    assert answer.json()["error"] == theirs["body"]["error"]
    assert without_ids(answer.json()["detail"]) == without_ids(theirs["body"]["detail"])


def test_a_draft_and_its_charge_look_as_polar_gives_them_and_are_told_in_its_order(
    ada: Person, own_stand_in: StandIn, own_shop: Shop
) -> None:
    given = {"customer_id": ada.id, "product_id": ada.product.id, "description": "Auto-recharge", "metadata": {"n": 1}}
    made = own_stand_in.http.post("/v1/orders/", json=given)
    theirs = recorded.answer("api_sdk_orders_create_draft_201")
    assert made.status_code == theirs["status"]
    assert recorded.key_differences(made.json(), theirs["body"]) == []
    for name in ("status", "paid", "invoice_number", "receipt_number", "checkout_id", "billing_reason", "modified_at"):
        assert made.json()[name] == theirs["body"][name], name
    assert (made.json()["description"], made.json()["items"][0]["label"]) == ("Professional", "Auto-recharge")
    assert ada.charges == []

    order_id = made.json()["id"]
    paid = own_stand_in.http.post(f"/v1/orders/{order_id}/finalize")
    theirs = recorded.answer("api_sdk_orders_finalize_200")
    assert paid.status_code == theirs["status"]
    assert recorded.key_differences(paid.json(), theirs["body"]) == []
    assert (paid.json()["status"], paid.json()["metadata"]) == ("paid", {"n": 1})
    assert paid.json()["invoice_number"].endswith("-0001")
    assert [(charge["order"], charge["amount"], charge["card"]) for charge in ada.charges] == [(order_id, 4000, "4242")]

    letters = own_shop.wait_for(lambda letter: letter.data["id"] == order_id, count=4)
    assert [(letter.type, letter.data["status"], letter.data["platform_fee_amount"]) for letter in letters] == [
        ("order.created", "draft", 0),
        ("order.updated", "paid", 0),
        ("order.paid", "paid", 0),
        ("order.updated", "paid", 250),
    ]
    for letter in letters:
        assert recorded.schema_errors(letter.json) == []
        assert validate_event(letter.body, letter.headers, SECRET).type == letter.type
        theirs = next(d for d in recorded.deliveries(letter.type) if d["data"]["checkout_id"] is None)
        assert recorded.key_differences(letter.json, theirs) == [], letter.type
    listed = own_stand_in.http.get("/v1/payments/", params={"order_id": order_id}).json()
    theirs = recorded.answer("api_payments_list_offsession_200", "snapshot")["body"]
    assert recorded.key_differences(listed, theirs) == []
    assert listed["items"][0]["trigger"] is None


def test_the_sdk_makes_a_draft_finds_it_again_and_finalizes_it(ada: Person, own_stand_in: StandIn) -> None:
    draft = ada.asks_for(amount=1234, currency="usd", metadata={"recharge_id": "r-1"})
    assert (draft.status, draft.total_amount) == ("draft", 1234)
    found = own_stand_in.polar.orders.list(metadata={"recharge_id": "r-1"}, status="draft").items
    assert [order.id for order in found] == [draft.id]

    paid = own_stand_in.polar.orders.finalize(draft.id, request_timeout=30)
    assert (paid.status, paid.total_amount, paid.id) == ("paid", 1234, draft.id)
    with pytest.raises(errors.OrderNotDraft):
        own_stand_in.polar.orders.finalize(draft.id)
    refused_as(ada.finalizes(draft), "api_order_finalize_again_412")
    assert len(ada.charges) == 1


@pytest.mark.parametrize(
    ("card", "answer"),
    [
        (None, "api_order_finalize_no_payment_method_402"),
        (DECLINES, "api_order_finalize_declined_402"),
        (ASKS, "api_order_finalize_requires_action_402"),
    ],
)
def test_a_card_that_does_not_pay_leaves_a_draft_and_tells_nobody(
    own_stand_in: StandIn, own_shop: Shop, card: str | None, answer: str
) -> None:
    bob = Person(own_stand_in, "bob", card)
    draft = bob.asks_for()
    refused_as(bob.finalizes(draft), answer)
    with pytest.raises(errors.OrdersFinalize402Error) as refused:
        own_stand_in.polar.orders.finalize(draft.id)
    assert refused.value.error.error == recorded.answer(answer, "snapshot")["body"]["error"]

    after = own_stand_in.http.get(f"/v1/orders/{draft.id}").json()
    theirs = recorded.answer("api_order_get_after_declined_200", "snapshot")["body"]
    for name in ("status", "paid", "invoice_number", "modified_at", "receipt_number", "refunded_amount"):
        assert after[name] == theirs[name], name
    assert bob.charges == []
    last = own_stand_in.sell("The next news")
    own_shop.wait_for(lambda letter: letter.data["id"] == last.id)
    assert [letter.type for letter in own_shop.about(draft.id)] == ["order.created"]


def test_the_reason_of_a_decline_is_listed_a_moment_later_and_only_there(own_stand_in: StandIn) -> None:
    bob = Person(own_stand_in, "bob", DECLINES)
    draft = bob.asks_for()
    bob.finalizes(draft)
    payments = lambda: own_stand_in.http.get("/v1/payments/", params={"order_id": draft.id}).json()  # noqa: E731
    assert eventually(lambda: payments()["items"])
    theirs = recorded.answer("api_payments_list_after_declined_200", "snapshot")["body"]
    assert recorded.key_differences(payments(), theirs) == []
    for name in ("status", "decline_reason", "decline_message", "trigger"):
        assert payments()["items"][0][name] == theirs["items"][0][name]

    asked = Person(own_stand_in, "eve", ASKS)
    waiting = asked.asks_for()
    asked.finalizes(waiting)
    assert own_stand_in.polar.payments.list(order_id=waiting.id).items == []


def test_a_decline_is_replayed_for_a_day_for_the_same_order_and_card(ada: Person, own_stand_in: StandIn) -> None:
    own_stand_in.control("bank", customer="ada", refuses="insufficient_funds")
    draft = ada.asks_for()
    refused_as(ada.finalizes(draft), "api_order_finalize_insufficient_funds_402")
    own_stand_in.control("bank", customer="ada", refuses=None)

    assert ada.finalizes(draft).status_code == 402
    assert ada.finalizes(ada.asks_for()).status_code == 200
    (payment,) = eventually(lambda: own_stand_in.polar.payments.list(order_id=draft.id).items)
    assert payment.decline_reason == "insufficient_funds"
    own_stand_in.control("clock", advance_seconds=24 * 3600 + 1)
    assert ada.finalizes(draft).status_code == 200


def test_another_card_on_the_same_draft_is_another_charge(ada: Person, own_stand_in: StandIn) -> None:
    good = ada.saves(PAYS)
    bad = ada.saves(DECLINES)
    draft = ada.asks_for()
    assert ada.finalizes(draft, payment_method_id=bad).status_code == 402
    assert ada.finalizes(draft, payment_method_id=good).status_code == 200
    assert [charge["card"] for charge in ada.charges] == ["4242"]

    ambiguous = ada.asks_for()
    own_stand_in.control("fail_next", path="/finalize", status=500, after_charge=True)
    assert ada.finalizes(ambiguous, payment_method_id=good).status_code == 500
    other = ada.saves(PAYS)
    assert ada.finalizes(ambiguous, payment_method_id=other).status_code == 200
    assert [charge["order"] for charge in ada.charges].count(ambiguous.id) == 2


def test_a_card_of_somebody_else_and_one_that_is_none_are_refused(ada: Person, own_stand_in: StandIn) -> None:
    bob = Person(own_stand_in, "bob")
    (theirs,) = own_stand_in.polar.customers.list_payment_methods(bob.id).items
    draft = ada.asks_for()
    for given in (theirs.id, NOBODY, "7"):
        answer = ada.finalizes(draft, payment_method_id=given)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", "payment_method_id"]
    assert own_stand_in.polar.orders.get(draft.id).status == "draft"


@pytest.mark.parametrize("switch", ["off_session_charges_enabled", "checkout_payments"])
def test_an_organisation_that_may_not_charge_is_told_so_at_both_steps(
    ada: Person, own_stand_in: StandIn, switch: str
) -> None:
    draft = ada.asks_for()
    own_stand_in.control("organization", **{switch: False})
    answers = [
        own_stand_in.http.post("/v1/orders/", json={"customer_id": ada.id, "product_id": ada.product.id}),
        ada.finalizes(draft),
    ]
    for answer in answers:
        if switch == "off_session_charges_enabled":
            refused_as(answer, "api_order_create_flag_off_403")
        else:
            assert answer.json()["error"] == recorded.sample("orders_finalize_403_org_not_ready")["error"]
            assert answer.status_code == 403
    with pytest.raises(errors.OrdersFinalize403Error):
        own_stand_in.polar.orders.finalize(draft.id)
    organization = own_stand_in.polar.organizations.list().items[0]
    assert organization.feature_settings.off_session_charges_enabled is (switch == "checkout_payments")
    own_stand_in.control("organization", **{switch: True})
    assert ada.finalizes(draft).status_code == 200


def test_what_cannot_become_an_order_is_refused_in_polars_words(ada: Person, own_stand_in: StandIn) -> None:
    def ask(**fields: Any) -> Any:
        given = {"customer_id": ada.id, "product_id": ada.product.id, **fields}
        return own_stand_in.http.post("/v1/orders/", json=given)

    same(ask(amount=10), "api_order_create_amount_too_small_422")
    assert ask(amount=10).json() == recorded.answer("api_order_create_amount_too_small_422", "snapshot")["body"]
    for wrong, field in (
        ({"amount": -1}, "amount"),
        ({"amount": "x"}, "amount"),
        ({"amount": 100_000_000}, "amount"),
        ({"customer_id": NOBODY}, "customer_id"),
        ({"product_id": NOBODY}, "product_id"),
        ({"product_id": None}, "product_id"),
        ({"currency": "eur"}, "currency"),
        ({"units": 3}, "units"),
        ({"metadata": {"k": ""}}, "metadata"),
    ):
        answer = ask(**wrong)
        assert answer.status_code == 422, wrong
        assert answer.json()["detail"][0]["loc"][1] == field
    own_stand_in.polar.products.update(ada.product.id, is_archived=True)
    assert ask().status_code == 422


def test_an_incomplete_address_is_refused_and_none_at_all_is_let_be(own_stand_in: StandIn) -> None:
    bob = Person(own_stand_in, "bob", None)
    assert bob.asks_for().status == "draft"
    own_stand_in.polar.customers.update(bob.id, billing_address={"country": "US", "city": "New York"})
    answer = own_stand_in.http.post("/v1/orders/", json={"customer_id": bob.id, "product_id": bob.product.id})
    theirs = recorded.sample("orders_create_422_tax")
    assert answer.status_code == 422
    assert {**answer.json()["detail"][0], "input": None} == {**theirs["detail"][0], "input": None}
    assert answer.json()["error"] == theirs["error"]


def test_less_than_the_smallest_amount_is_paid_without_a_charge(ada: Person, own_shop: Shop) -> None:
    draft = ada.asks_for(amount=0)
    assert ada.finalizes(draft).json()["status"] == "paid"
    own_shop.wait_for(lambda letter: letter.type == "order.paid")
    assert ada.charges == []


def test_the_tax_of_a_draft_is_fixed_when_it_is_made(ada: Person, own_stand_in: StandIn) -> None:
    own_stand_in.control("tax", percent=10)
    draft = ada.asks_for()
    own_stand_in.control("tax", percent=20)
    assert (draft.tax_amount, draft.total_amount) == (400, 4400)
    assert ada.finalizes(draft).json()["total_amount"] == 4400
    assert [charge["amount"] for charge in ada.charges] == [4400]
