"""Charges whose answer is late, lost or wrong, and requests that meet: at most one charge for one order and card."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from polar import PolarNetworkError, PolarServerError

from . import recorded
from .people import Person
from .program import Shop, StandIn, eventually
from .test_refusals import without_ids


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
        assert without_ids(second.json()["detail"]) == without_ids(theirs["detail"])
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
    own_stand_in.control("fail_next", path="/v1/orders/", method="POST", status=None, after_charge=True)
    assert own_stand_in.polar.orders.list(metadata={"recharge_id": "r-1"}).items == []
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
    assert ada.finalizes(draft).status_code == 500
    own_stand_in.end(9)
    own_stand_in.start()
    assert ada.finalizes(draft).status_code == 200
    assert len(ada.charges) == 1
