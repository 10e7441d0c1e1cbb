"""What Polar refuses is refused with its status and its words."""

from typing import Any

import pytest
from polar import PolarClientError
from polar.v2026_10 import errors

from . import recorded
from .program import StandIn

NOBODY = "00000000-0000-4000-8000-000000000000"
PRICE = {"amount_type": "fixed", "price_amount": 1000, "price_currency": "usd"}


def shape(body: Any) -> Any:
    """The keys of an error and of each of its details, and the details' types."""
    if isinstance(body, dict) and isinstance(body.get("detail"), list):
        return body["error"], sorted((d["type"], *sorted(d)) for d in body["detail"])
    return body


def without_ids(text: str) -> str:
    """A sentence without the id in it."""
    return " ".join(word for word in text.split() if "-" not in word)


def same(answer: Any, name: str) -> None:
    theirs = recorded.answer(name, "snapshot")
    assert answer.status_code == theirs["status"]
    assert shape(answer.json()) == shape(theirs["body"])


def test_a_call_without_or_with_a_wrong_token_is_refused(stand_in: StandIn) -> None:
    none = stand_in.http.get("/v1/products/", headers={"Authorization": ""})
    wrong = stand_in.http.get("/v1/products/", headers={"Authorization": "Bearer polar_oat_other"})

    for answer, name in ((none, "api_error_401_no_token"), (wrong, "api_error_401_bad_token")):
        same(answer, name)
        theirs = recorded.answer(name, "snapshot")
        assert answer.headers["www-authenticate"] == theirs["headers"]["www-authenticate"]


def test_an_api_version_that_is_not_served_is_not_found(stand_in: StandIn) -> None:
    same(stand_in.http.get("/v1/products/", headers={"Polar-Version": "2027-01"}), "api_error_404_unknown_api_version")


def test_an_id_that_nobody_has_is_not_found(stand_in: StandIn) -> None:
    same(stand_in.http.get(f"/v1/orders/{NOBODY}"), "api_order_get_404")
    same(stand_in.http.get("/v1/customers/external/nobody"), "api_customer_get_external_404")
    for path in ("products", "customers", "checkouts", "organizations", "webhooks/endpoints"):
        assert stand_in.http.get(f"/v1/{path}/{NOBODY}").status_code == 404
    with pytest.raises(errors.ResourceNotFound):
        stand_in.polar.customers.get_external("nobody")
    assert stand_in.http.post(f"/v1/webhooks/events/{NOBODY}/redeliver").status_code == 404


def test_an_id_that_is_none_is_refused(stand_in: StandIn) -> None:
    answer = stand_in.http.get("/v1/orders/not-a-uuid")
    same(answer, "api_order_get_422")
    assert answer.json() == recorded.answer("api_order_get_422", "snapshot")["body"]


def test_a_second_customer_with_the_same_address_and_id_is_refused_for_both(stand_in: StandIn) -> None:
    given = {"email": "twice@example.com", "external_id": "twice"}
    assert stand_in.http.post("/v1/customers/", json=given).status_code == 201
    same(stand_in.http.post("/v1/customers/", json=given), "api_customer_create_duplicate_422")
    with pytest.raises(errors.HTTPValidationError) as refused:
        stand_in.polar.customers.create(email="TWICE@example.com")
    assert refused.value.error.detail is not None
    assert refused.value.error.detail[0].msg == "A customer with this email address already exists."


def test_an_external_id_once_set_is_never_changed(stand_in: StandIn) -> None:
    customer = stand_in.polar.customers.create(email="late@example.com")
    assert stand_in.polar.customers.update(customer.id, external_id="late-1").external_id == "late-1"
    answer = stand_in.http.patch(f"/v1/customers/{customer.id}", json={"external_id": "late-2"})
    same(answer, "api_customer_update_external_id_change_422")
    assert stand_in.polar.customers.update_external("late-1", name="Late").name == "Late"


def test_a_checkout_of_an_unknown_product_is_refused(stand_in: StandIn) -> None:
    answer = stand_in.http.post("/v1/checkouts/", json={"products": [NOBODY]})
    same(answer, "api_checkout_create_unknown_product_422")


def test_a_checkout_of_an_archived_product_or_for_an_unknown_customer_is_refused(stand_in: StandIn) -> None:
    product = stand_in.sell()
    unknown = stand_in.http.post("/v1/checkouts/", json={"products": [product.id], "customer_id": NOBODY})
    assert unknown.json()["detail"][0]["loc"] == ["body", "customer_id"]

    stand_in.polar.products.update(product.id, is_archived=True)
    archived = stand_in.http.post("/v1/checkouts/", json={"products": [product.id]})
    assert archived.json()["detail"][0]["msg"] == "Product is archived."
    assert {unknown.status_code, archived.status_code} == {422}


def test_a_success_address_must_be_a_web_address(stand_in: StandIn) -> None:
    product = stand_in.sell()
    answer = stand_in.http.post("/v1/checkouts/", json={"products": [product.id], "success_url": "ftp://x"})
    theirs = recorded.answer("api_checkout_create_bad_success_url_422", "snapshot")["body"]

    assert answer.status_code == 422
    ours, wanted = answer.json()["detail"][0], theirs["detail"][0]
    assert answer.json()["error"] == theirs["error"]
    assert {**ours, "loc": ours["loc"][-1]} == {**wanted, "loc": wanted["loc"][-1]}


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"k": "x" * 501}, "string_too_long"),
        ({"k": ""}, "string_too_short"),
        ({"k": None}, "string_type"),
        ({"k": {"nested": 1}}, "string_type"),
        ({"k" * 41: "v"}, "string_too_long"),
        ({f"k{i}": 1 for i in range(51)}, "too_long"),
        ("text", "dict_type"),
    ],
)
def test_metadata_keeps_to_polars_limits(stand_in: StandIn, metadata: Any, kind: str) -> None:
    for path, body in (
        ("products", {"name": "Starter", "prices": [PRICE]}),
        ("customers", {"email": "m@example.com"}),
        ("checkouts", {"products": [NOBODY]}),
    ):
        answer = stand_in.http.post(f"/v1/{path}/", json={**body, "metadata": metadata})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["type"] == kind


def test_metadata_that_is_too_long_is_refused_in_polars_shape(stand_in: StandIn) -> None:
    answer = stand_in.http.post("/v1/checkouts/", json={"products": [NOBODY], "metadata": {"k": "x" * 501}})
    theirs = recorded.answer("api_checkout_create_metadata_too_long_422", "snapshot")["body"]["detail"]
    kinds = [detail["type"] for detail in theirs[:4]]
    assert [detail["type"] for detail in answer.json()["detail"]] == kinds


@pytest.mark.parametrize(
    ("body", "kind", "loc"),
    [
        ({}, "missing", ["body", "name"]),
        ({"name": "ab", "prices": [PRICE]}, "string_too_short", ["body", "name"]),
        ({"name": "Starter", "prices": []}, "too_short", ["body", "prices"]),
        ({"name": "Starter", "prices": [{**PRICE, "price_amount": 49}]}, "greater_than_equal", None),
        ({"name": "Starter", "prices": [{**PRICE, "price_amount": 100_000_000}]}, "less_than_equal", None),
        ({"name": "Starter", "prices": [{"amount_type": "metered"}]}, "union_tag_invalid", None),
        ({"name": "Starter", "prices": [PRICE], "recurring_interval": "month"}, "none_required", None),
        ({"name": "Starter", "prices": [PRICE], "visibility": "secret"}, "enum", ["body", "visibility"]),
    ],
)
def test_a_product_that_cannot_be_sold_is_refused(stand_in: StandIn, body: Any, kind: str, loc: Any) -> None:
    answer = stand_in.http.post("/v1/products/", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "RequestValidationError"
    detail = answer.json()["detail"][0]
    assert detail["type"] == kind
    assert loc is None or detail["loc"] == loc


@pytest.mark.parametrize(
    "body",
    [
        {"email": "no-at-sign"},
        {"email": 7},
        {"email": None},
        {"email": "a@example.com", "billing_address": {"city": "Berlin"}},
        {"email": "a@example.com", "billing_address": {"country": "Germany"}},
        {"email": "a@example.com", "name": "n" * 300},
    ],
)
def test_a_customer_that_could_not_be_written_to_is_refused(stand_in: StandIn, body: Any) -> None:
    assert stand_in.http.post("/v1/customers/", json=body).status_code == 422


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(stand_in: StandIn, content: bytes) -> None:
    assert stand_in.http.post("/v1/customers/", content=content).status_code == 422


def test_a_webhook_endpoint_on_this_machine_is_refused_as_polar_refuses_it(stand_in: StandIn) -> None:
    given = {"format": "raw", "events": ["order.paid"]}
    plain = stand_in.http.post("/v1/webhooks/endpoints", json={**given, "url": "http://127.0.0.1:19999/hooks"})
    local = stand_in.http.post("/v1/webhooks/endpoints", json={**given, "url": "https://127.0.0.1:19999/hooks"})

    same(plain, "api_webhook_endpoint_create_422_localhost")
    same(local, "api_webhook_endpoint_create_422_localhost_https")
    unknown = stand_in.http.post(
        "/v1/webhooks/endpoints",
        json={"format": "raw", "url": "https://shop.example.com", "events": ["order.completed"]},
    )
    assert unknown.json()["detail"][0]["loc"] == ["body", "events", 0]


def test_an_unknown_path_or_method_is_polars_plain_answer(stand_in: StandIn) -> None:
    unknown = stand_in.http.get("/v1/nowhere")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    method = stand_in.http.delete("/v1/orders/")
    assert (method.status_code, method.json()) == (405, {"detail": "Method Not Allowed"})
    with pytest.raises(PolarClientError):
        stand_in.polar.orders.create(customer_id=NOBODY, product_id=NOBODY)
