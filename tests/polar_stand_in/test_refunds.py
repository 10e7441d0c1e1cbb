"""Money that goes back: refunds by the API and by Polar's own staff, and what the world is told about each."""

import pytest
from polar.v2026_10 import errors
from polar.v2026_10.webhooks import validate_event

from creditapp.polar_stand_in.refunds import tax_share

from . import recorded
from .program import SECRET, Json, Shop, StandIn
from .test_refusals import NOBODY, same

Told = list[tuple[str, str, int | None]]


@pytest.fixture
def order(own_stand_in: StandIn, own_shop: Shop) -> Json:
    """A paid order of 40 dollars, and a shop whose letter box is empty again."""
    _, bought = own_stand_in.buy()
    own_shop.wait_for(lambda letter: letter.data.get("platform_fee_amount") == 250)
    own_shop.letters.clear()
    given: Json = own_stand_in.http.get(f"/v1/orders/{bought.id}").json()
    return given


def heard(shop: Shop, count: int) -> Told:
    """The next *count* letters: event, status, and the refund's amount or all that the order has given back."""
    letters = shop.wait_for(lambda _: True, count=count)
    assert len(letters) == count
    shop.letters.clear()
    return [(one.type, one.data["status"], one.data.get("refunded_amount", one.data.get("amount"))) for one in letters]


def test_a_refund_goes_back_at_once_and_is_told_in_polars_order(
    own_stand_in: StandIn, own_shop: Shop, order: Json
) -> None:
    given = {"order_id": order["id"], "amount": 1500, "reason": "customer_request", "metadata": {"ticket": "T-1"}}
    made = own_stand_in.http.post("/v1/refunds/", json={**given, "comment": "goodwill"})

    theirs = recorded.answer("api_refund_create_partial_201", "snapshot")
    assert made.status_code == theirs["status"]
    assert recorded.key_differences(made.json(), theirs["body"]) == []
    assert (made.json()["status"], made.json()["amount"], made.json()["tax_amount"]) == ("succeeded", 1500, 0)
    assert heard(own_shop, 4) == [
        ("refund.created", "succeeded", 1500),
        ("order.updated", "partially_refunded", 1500),
        ("order.refunded", "partially_refunded", 1500),
        ("refund.updated", "succeeded", 1500),
    ]
    rest = own_stand_in.polar.refunds.create(order_id=order["id"], amount=2500, reason="service_disruption")
    assert heard(own_shop, 4)[2] == ("order.refunded", "refunded", 4000)

    after = own_stand_in.http.get(f"/v1/orders/{order['id']}").json()
    theirs = recorded.answer("api_order_get_fully_refunded_200", "snapshot")["body"]
    for name in ("status", "paid", "refunded_amount", "refunded_tax_amount", "refundable_amount"):
        assert after[name] == theirs[name], name
    assert after["modified_at"] > order["modified_at"]
    assert rest.status == "succeeded"


def test_every_letter_about_a_refund_is_as_polar_records_describes_and_parses_it(
    own_stand_in: StandIn, own_shop: Shop, order: Json
) -> None:
    own_stand_in.polar.refunds.create(order_id=order["id"], amount=1500, reason="customer_request")
    own_stand_in.polar.refunds.create(order_id=order["id"], amount=2500, reason="other")
    letters = own_shop.wait_for(lambda _: True, count=8)
    for letter in letters:
        assert recorded.schema_errors(letter.json) == []
        assert validate_event(letter.body, letter.headers, SECRET).type == letter.type
        theirs = recorded.webhooks()[letter.type, letter.data["status"]]
        assert recorded.key_differences(letter.json, theirs) == [], letter.type


def test_refunds_are_listed_as_polar_lists_them(own_stand_in: StandIn, order: Json) -> None:
    own_stand_in.polar.customers.update(order["customer_id"], external_id="acc-1")
    first = own_stand_in.polar.refunds.create(order_id=order["id"], amount=1500, reason="customer_request")
    second = own_stand_in.control("refund", order=order["id"], amount=100, status="pending")
    listed = own_stand_in.http.get("/v1/refunds/", params={"order_id": order["id"]}).json()
    theirs = recorded.answer("api_refunds_list_200", "snapshot")["body"]
    assert recorded.key_differences(listed, theirs) == []

    def ids(**filters: object) -> list[str]:
        return [refund.id for refund in own_stand_in.polar.refunds.list(**filters).items]

    assert ids() == [second["id"], first.id]
    assert ids(sorting=["amount"]) == [second["id"], first.id]
    assert ids(order_id=order["id"], succeeded=True) == [first.id]
    assert ids(succeeded=False) == [second["id"]]
    assert ids(order_id=NOBODY) == []
    assert ids(customer_id=order["customer_id"]) == [second["id"], first.id]
    assert ids(external_customer_id="acc-1", id=first.id) == [first.id]
    assert ids(external_customer_id="nobody") == []


def test_what_cannot_be_given_back_is_refused_in_polars_words(own_stand_in: StandIn, order: Json) -> None:
    def ask(**given: object) -> object:
        wanted = {"order_id": order["id"], "reason": "customer_request", **given}
        return own_stand_in.http.post("/v1/refunds/", json=wanted)

    same(ask(amount=99_999), "api_refund_create_too_high_422")
    _, free = own_stand_in.buy(product=own_stand_in.sell("Trial", 0))
    same(ask(order_id=free.id, amount=1), "api_refund_create_free_order_error")
    with pytest.raises(errors.HTTPValidationError):
        own_stand_in.polar.refunds.create(order_id=NOBODY, amount=1, reason="other")

    own_stand_in.polar.refunds.create(order_id=order["id"], amount=4000, reason="duplicate")
    answer = own_stand_in.http.post(
        "/v1/refunds/", json={"order_id": order["id"], "amount": 1, "reason": "customer_request"}
    )
    theirs = recorded.answer("api_refund_create_already_refunded_403", "snapshot")
    assert answer.status_code == theirs["status"]
    assert answer.json()["error"] == theirs["body"]["error"]
    assert answer.json()["detail"].replace(order["id"], "") == theirs["body"]["detail"][: -len(order["id"])]
    with pytest.raises(errors.RefundedAlready):
        own_stand_in.polar.refunds.create(order_id=order["id"], amount=1, reason="other")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "10"}, "amount"),
        ({"amount": None}, "amount"),
        ({"reason": "dispute_prevention"}, "reason"),
        ({"reason": None}, "reason"),
        ({"order_id": "7"}, "order_id"),
        ({"metadata": {"k": ""}}, "metadata"),
    ],
)
def test_a_refund_of_the_wrong_shape_is_refused(stand_in: StandIn, wrong: Json, field: str) -> None:
    given = {"order_id": NOBODY, "amount": 1, "reason": "other", **wrong}
    answer = stand_in.http.post("/v1/refunds/", json=given)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][1] == field


def test_a_pending_refund_counts_once_it_succeeded(own_stand_in: StandIn, own_shop: Shop, order: Json) -> None:
    pending = own_stand_in.control("refund", order=order["id"], amount=3000, status="pending")
    assert heard(own_shop, 1) == [("refund.created", "pending", 3000)]
    assert own_stand_in.polar.orders.get(order["id"]).refunded_amount == 0
    with pytest.raises(errors.HTTPValidationError):
        own_stand_in.polar.refunds.create(order_id=order["id"], amount=1001, reason="other")

    done = own_stand_in.control("refund", order=order["id"], amount=3000, status="succeeded")
    assert done["id"] == pending["id"]
    assert heard(own_shop, 3) == [
        ("refund.updated", "succeeded", 3000),
        ("order.updated", "partially_refunded", 3000),
        ("order.refunded", "partially_refunded", 3000),
    ]


@pytest.mark.parametrize("ending", ["failed", "canceled"])
def test_a_refund_that_fails_after_all_lowers_what_was_given_back(
    own_stand_in: StandIn, own_shop: Shop, order: Json, ending: str
) -> None:
    for amount in (1000, 3000):
        own_stand_in.control("refund", order=order["id"], amount=amount, status="succeeded")
    own_shop.wait_for(lambda letter: letter.type == "refund.updated", count=2)
    own_shop.letters.clear()

    own_stand_in.control("refund", order=order["id"], amount=3000, status=ending)
    assert heard(own_shop, 2) == [("refund.updated", ending, 3000), ("order.updated", "partially_refunded", 1000)]
    own_stand_in.control("refund", order=order["id"], status=ending)
    assert heard(own_shop, 2) == [("refund.updated", ending, 1000), ("order.updated", "paid", 0)]

    after = own_stand_in.http.get(f"/v1/orders/{order['id']}").json()
    theirs = recorded.answer("api_order_get_after_failed_refund_200", "snapshot")["body"]
    assert after["refunded_amount"] == theirs["refunded_amount"] == 0
    assert after["status"] == theirs["status"]
    again = own_stand_in.control("refund", order=order["id"], status="succeeded")
    assert again["amount"] == 4000


def test_one_of_several_refunds_is_chosen_by_its_id(own_stand_in: StandIn, order: Json) -> None:
    first, second = (own_stand_in.control("refund", order=order["id"], amount=500, status="pending") for _ in range(2))
    moved = own_stand_in.control("refund", order=order["id"], refund=first["id"], status="failed")
    assert (moved["id"], moved["status"]) == (first["id"], "failed")
    assert own_stand_in.control("refund", order=order["id"], status="succeeded")["id"] == second["id"]
    refused = own_stand_in.http.post(
        "/_control/refund", json={"order": order["id"], "refund": first["id"], "status": "succeeded"}
    )
    assert refused.json()["detail"] == "The refund is failed and cannot become succeeded."


def test_a_refund_that_fails_from_the_start_changes_nothing(own_stand_in: StandIn, own_shop: Shop, order: Json) -> None:
    own_stand_in.control("refund", order=order["id"], amount=700, status="failed")
    assert heard(own_shop, 1) == [("refund.created", "failed", 700)]
    assert own_stand_in.polar.orders.get(order["id"]).status == "paid"


def test_the_tax_goes_back_in_proportion_and_the_last_refund_takes_the_rest() -> None:
    order = {"net_amount": 4000, "tax_amount": 355, "applied_balance_amount": 0}
    fresh, partly = (
        {"refunded_amount": 0, "refunded_tax_amount": 0},
        {"refunded_amount": 1000, "refunded_tax_amount": 89},
    )
    assert tax_share({**order, **fresh}, 1000) == 89
    assert tax_share({**order, **partly}, 3000) == 266
    assert tax_share({**order, **fresh}, 4000) == 355


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order": NOBODY},
        {"status": "lost"},
        {"amount": 0},
        {"amount": True},
        {"amount": 4001},
        {"refund": NOBODY},
        {"reason": "other"},
    ],
)
def test_a_refund_that_the_staff_cannot_make_is_refused_with_a_sentence(stand_in: StandIn, body: Json) -> None:
    _, order = stand_in.buy()
    answer = stand_in.http.post("/_control/refund", json={"order": order.id, **body} if body else body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")


def test_tax_comes_on_top_of_the_price_and_goes_back_with_it(own_stand_in: StandIn) -> None:
    own_stand_in.control("tax", percent=8.875)
    checkout, order = own_stand_in.buy()
    assert (order.net_amount, order.tax_amount, order.total_amount, order.due_amount) == (4000, 355, 4355, 4355)
    assert own_stand_in.polar.checkouts.get(checkout.id).total_amount == 4355
    assert [charge["amount"] for charge in own_stand_in.charges({order.id})] == [4355]

    first = own_stand_in.polar.refunds.create(order_id=order.id, amount=1000, reason="customer_request")
    second = own_stand_in.polar.refunds.create(order_id=order.id, amount=3000, reason="customer_request")
    assert [(refund.amount, refund.tax_amount) for refund in (first, second)] == [(1000, 89), (3000, 266)]
    after = own_stand_in.polar.orders.get(order.id)
    assert (after.status, after.refunded_amount, after.refunded_tax_amount) == ("refunded", 4000, 355)
    own_stand_in.control("tax", percent=0)
    assert own_stand_in.buy()[1].total_amount == 4000
