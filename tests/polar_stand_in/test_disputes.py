"""A bank takes a payment back: found only in the list of disputes, unless it was prevented."""

import pytest
from polar.v2026_10.webhooks import validate_event

from . import recorded
from .program import SECRET, Json, Shop, StandIn, eventually
from .test_refusals import NOBODY

OPEN, WON = {"resolved": False, "closed": False}, {"resolved": True, "closed": True}


@pytest.fixture
def order(own_stand_in: StandIn, own_shop: Shop) -> Json:
    """A paid order of 40 dollars, and a shop whose letter box is empty again."""
    _, bought = own_stand_in.buy()
    own_shop.wait_for(lambda letter: letter.data.get("platform_fee_amount") == 250)
    own_shop.letters.clear()
    given: Json = own_stand_in.http.get(f"/v1/orders/{bought.id}").json()
    return given


def test_a_dispute_is_listed_as_polar_lists_it_and_nobody_is_told(
    own_stand_in: StandIn, own_shop: Shop, order: Json
) -> None:
    made = own_stand_in.control("dispute", order=order["id"], status="needs_response")
    listed = own_stand_in.http.get("/v1/disputes/").json()
    theirs = recorded.sample("disputes_list_200")
    assert recorded.key_differences(listed, theirs) == []
    assert listed["items"] == [made]
    assert (made["amount"], made["tax_amount"], made["status"]) == (4000, 0, "needs_response")
    [payment] = own_stand_in.polar.payments.list(order_id=order["id"]).items
    assert made["payment_id"] == payment.id

    for status, ends in (("under_review", OPEN), ("lost", WON), ("won", WON)):
        moved = own_stand_in.control("dispute", order=order["id"], status=status)
        assert moved["id"] == made["id"]
        assert {name: moved[name] for name in ends} == ends
        assert own_stand_in.polar.disputes.get(made["id"]).status == status
    assert own_stand_in.polar.orders.get(order["id"]).status == "paid"
    own_stand_in.sell("The next news")
    own_shop.wait_for(lambda letter: letter.type == "product.created")
    assert [letter.type for letter in own_shop.letters] == ["product.created"]


def test_disputes_are_found_by_order_and_status(own_stand_in: StandIn, order: Json) -> None:
    _, other = own_stand_in.buy()
    lost = own_stand_in.control("dispute", order=order["id"], status="lost", amount=1000)["id"]
    open_ = own_stand_in.control("dispute", order=other.id)["id"]

    def ids(**filters: object) -> list[str]:
        return [dispute.id for dispute in own_stand_in.polar.disputes.list(**filters).items]

    assert ids() == [open_, lost]
    assert ids(order_id=order["id"]) == [lost]
    assert ids(status=["needs_response", "under_review"]) == [open_]
    assert ids(status=["won"]) == []
    assert ids(sorting=["amount"]) == [lost, open_]
    assert own_stand_in.http.get(f"/v1/disputes/{NOBODY}").status_code == 404


@pytest.mark.parametrize("first", [None, "early_warning"])
def test_a_prevented_dispute_is_told_as_a_refund(
    own_stand_in: StandIn, own_shop: Shop, order: Json, first: str | None
) -> None:
    if first:
        own_stand_in.control("dispute", order=order["id"], status=first)
    dispute = own_stand_in.control("dispute", order=order["id"], status="prevented")
    letters = own_shop.wait_for(lambda _: True, count=3)

    assert [letter.type for letter in letters] == ["refund.created", "order.updated", "order.refunded"]
    for letter in letters:
        assert recorded.schema_errors(letter.json) == []
        assert validate_event(letter.body, letter.headers, SECRET).type == letter.type
    refund = letters[0].data
    theirs = next(d for d in recorded.deliveries("refund.created") if d["data"]["reason"] == "dispute_prevention")
    assert recorded.key_differences(letters[0].json, theirs) == []
    for name in ("status", "reason", "revoke_benefits"):
        assert refund[name] == theirs["data"][name]
    for name in ("status", "resolved", "closed", "past_due"):
        assert refund["dispute"][name] == theirs["data"]["dispute"][name]
    assert (refund["amount"], refund["dispute"]["id"]) == (4000, dispute["id"])

    after = own_stand_in.http.get(f"/v1/orders/{order['id']}").json()
    theirs = recorded.answer("api_sdk_orders_get_after_rdr_200")["body"]
    assert (after["status"], after["refundable_amount"]) == (theirs["status"], theirs["refundable_amount"])
    [listed] = own_stand_in.polar.refunds.list(order_id=order["id"]).items
    assert listed.dispute.id == dispute["id"]


def test_a_disputed_payment_cannot_be_refunded(own_stand_in: StandIn, order: Json) -> None:
    given = {"order_id": order["id"], "amount": 100, "reason": "customer_request"}
    own_stand_in.control("dispute", order=order["id"], status="needs_response")
    answer = own_stand_in.http.post("/v1/refunds/", json=given)
    assert (answer.status_code, answer.json()["error"]) == (403, "RefundDisputedPayment")
    own_stand_in.control("dispute", order=order["id"], status="won")
    assert own_stand_in.http.post("/v1/refunds/", json=given).status_code == 201


def test_a_dispute_that_cannot_be_is_refused_with_a_sentence(own_stand_in: StandIn, order: Json) -> None:
    def says(**body: object) -> str:
        answer = own_stand_in.http.post("/_control/dispute", json=body)
        assert answer.status_code == 422
        return str(answer.json()["detail"])

    _, free = own_stand_in.buy(product=own_stand_in.sell("Trial", 0))
    assert "nothing was charged" in says(order=free.id)
    assert "amount must be" in says(order=order["id"], amount=4001)
    assert "status must be one of" in says(order=order["id"], status="settled")
    assert "id of an order" in says(order=NOBODY)
    own_stand_in.control("dispute", order=order["id"], status="prevented")
    assert "prevented" in says(order=order["id"], status="lost")


def test_a_dispute_nobody_answers_in_time_is_past_due(own_stand_in: StandIn, order: Json) -> None:
    made = own_stand_in.control("dispute", order=order["id"])
    own_stand_in.control("clock", advance_seconds=9 * 86_400 + 1)
    assert eventually(lambda: own_stand_in.polar.disputes.get(made["id"]).past_due)
