"""A saved card is charged without its owner: a draft, then finalized; every refusal, and never two charges for one."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from polar import PolarNetworkError, PolarServerError
from polar.v2026_10 import errors
from polar.v2026_10.webhooks import validate_event

from . import recorded
from .program import SECRET, Json, Shop, StandIn, eventually
from .test_refusals import NOBODY, same

PAYS, DECLINES, ASKS = "4242424242424242", "4000000000000341", "4000002760003184"


class Person:
    """A customer with a saved card, and what is charged to it."""

    def __init__(self, stand_in: StandIn, name: str, card: str | None = PAYS) -> None:
        self.stand_in, self.name = stand_in, name
        if card:
            self.saves(card)
        else:
            stand_in.polar.customers.create(email=f"{name}@example.com", external_id=name)
        self.id: str = stand_in.polar.customers.get_external(name).id
        self.product = stand_in.sell()

    def saves(self, card: str) -> str:
        return str(self.stand_in.control("card", customer=self.name, card_number=card)["payment_method"])

    def asks_for(self, **fields: Any) -> Any:
        given = {"customer_id": self.id, "product_id": self.product.id, **fields}
        return self.stand_in.polar.orders.create(**given)

    def finalizes(self, order: Any, **fields: Any) -> Any:
        return self.stand_in.http.post(f"/v1/orders/{order.id}/finalize", json=fields, timeout=30)

    @property
    def charges(self) -> list[Json]:
        return [charge for charge in self.stand_in.charges() if charge["customer"] == self.name]


@pytest.fixture
def ada(own_stand_in: StandIn) -> Person:
    """Somebody whose card pays."""
    return Person(own_stand_in, "ada")


def scrub(text: str) -> str:
    """A sentence without the id in it."""
    return " ".join(word for word in text.split() if "-" not in word)


def refused_as(answer: Any, name: str) -> None:
    """The recorded refusal, whatever order it was about."""
    theirs = recorded.answer(name, "snapshot")
    assert answer.status_code == theirs["status"]
    assert answer.json()["error"] == theirs["body"]["error"]
    assert scrub(answer.json()["detail"]) == scrub(theirs["body"]["detail"])


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
    assert recorded.key_differences(after, theirs) == []
    assert (after["status"], after["invoice_number"], after["modified_at"]) == ("draft", None, None)
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
    payments = own_stand_in.polar.payments.list(order_id=draft.id)
    assert eventually(lambda: own_stand_in.polar.payments.list(order_id=draft.id).items), payments
    (payment,) = own_stand_in.polar.payments.list(order_id=draft.id).items
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


def test_only_one_request_is_at_an_order(ada: Person, own_stand_in: StandIn) -> None:
    draft = ada.asks_for()
    own_stand_in.control("fail_next", path="/finalize", status=None, right_answer=True, seconds=1.5)
    with ThreadPoolExecutor(1) as people:
        slow = people.submit(ada.finalizes, draft)
        assert eventually(lambda: ada.charges)
        assert own_stand_in.polar.orders.get(draft.id).status == "draft"
        second = ada.finalizes(draft)
        theirs = recorded.sample("orders_finalize_409_in_progress")
        assert (second.status_code, second.json()["error"]) == (409, theirs["error"])
        assert scrub(second.json()["detail"]) == scrub(theirs["detail"])
        assert slow.result().status_code == 200
    assert len(ada.charges) == 1


def test_ten_who_finalize_at_once_charge_once(ada: Person) -> None:
    draft = ada.asks_for()
    with ThreadPoolExecutor(10) as people:
        statuses = {answer.status_code for answer in people.map(lambda _: ada.finalizes(draft), range(10))}
    assert 200 in statuses
    assert statuses <= {200, 409, 412}
    assert len(ada.charges) == 1


def test_charged_and_then_a_servers_error_leaves_a_draft_and_the_repeat_charges_nothing_again(
    ada: Person, own_stand_in: StandIn, own_shop: Shop
) -> None:
    draft = ada.asks_for()
    own_stand_in.control("fail_next", path=f"/v1/orders/{draft.id}/finalize", status=500, after_charge=True)
    with pytest.raises(PolarServerError):
        own_stand_in.polar.orders.finalize(draft.id)
    assert len(ada.charges) == 1
    assert own_stand_in.polar.orders.get(draft.id).status == "draft"
    assert [letter.type for letter in own_shop.about(draft.id)] == ["order.created"]

    assert own_stand_in.polar.orders.finalize(draft.id).status == "paid"
    own_shop.wait_for(lambda letter: letter.type == "order.paid")
    assert len(ada.charges) == 1
    assert len(own_stand_in.polar.payments.list(order_id=draft.id).items) == 1


@pytest.mark.parametrize("after_charge", [False, True])
def test_an_answer_to_finalize_that_is_lost_before_or_after_the_money_moved(
    ada: Person, own_stand_in: StandIn, *, after_charge: bool
) -> None:
    draft = ada.asks_for()
    own_stand_in.control("fail_next", path="/finalize", status=None, after_charge=after_charge)
    with pytest.raises(PolarNetworkError):
        own_stand_in.polar.orders.finalize(draft.id)
    assert len(ada.charges) == int(after_charge)
    assert own_stand_in.polar.orders.get(draft.id).status == ("paid" if after_charge else "draft")
    if not after_charge:
        assert own_stand_in.polar.orders.finalize(draft.id).status == "paid"
    assert len(ada.charges) == 1


def test_an_answer_to_create_that_is_lost_leaves_a_draft_that_can_be_found(ada: Person, own_stand_in: StandIn) -> None:
    own_stand_in.control("fail_next", path="/v1/orders/", status=None, after_charge=True)
    with pytest.raises(PolarNetworkError):
        ada.asks_for(metadata={"recharge_id": "r-1"})
    found = own_stand_in.polar.orders.list(metadata={"recharge_id": "r-1"}).items
    assert [order.status for order in found] == ["draft"]


def test_a_client_that_gives_up_on_a_slow_charge_finds_it_paid_later(ada: Person, own_stand_in: StandIn) -> None:
    draft = ada.asks_for()
    own_stand_in.control("fail_next", path="/finalize", status=None, after_charge=True, seconds=1)
    with pytest.raises(PolarNetworkError):
        own_stand_in.polar.orders.finalize(draft.id, request_timeout=0.2)
    assert own_stand_in.polar.orders.get(draft.id).status == "draft"
    assert eventually(lambda: own_stand_in.polar.orders.get(draft.id).status == "paid")
    assert len(ada.charges) == 1


def test_webhooks_may_come_before_the_answer(ada: Person, own_stand_in: StandIn, own_shop: Shop) -> None:
    draft = ada.asks_for()
    own_stand_in.control("fail_next", path="/finalize", right_answer=True, answer_after=1)
    answered = threading.Event()

    def finalize() -> None:
        assert ada.finalizes(draft).status_code == 200
        answered.set()

    threading.Thread(target=finalize).start()
    own_shop.wait_for(lambda letter: letter.type == "order.paid")
    assert not answered.is_set()
    assert answered.wait(10)


def test_a_charge_before_a_kill_is_not_made_again_after_it(ada: Person, own_stand_in: StandIn) -> None:
    draft = ada.asks_for()
    own_stand_in.control("fail_next", path="/finalize", status=500, after_charge=True)
    began = time.monotonic()
    assert ada.finalizes(draft).status_code == 500
    assert time.monotonic() - began < 5
    own_stand_in.end(9)
    own_stand_in.start()
    assert ada.finalizes(draft).status_code == 200
    assert len(ada.charges) == 1
