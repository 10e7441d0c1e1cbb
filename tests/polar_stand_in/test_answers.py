"""Every answer has the keys of Polar's recorded one, and the SDK reads it."""

import json

import pytest

from . import recorded
from .program import StandIn, person


def test_a_product_looks_as_polar_gives_it(stand_in: StandIn) -> None:
    price = {"amount_type": "fixed", "price_amount": 4000, "price_currency": "usd"}
    made = stand_in.http.post("/v1/products/", json={"name": "Professional", "prices": [price], "metadata": {"n": 1}})

    theirs = recorded.answer("api_sdk_products_create_professional_201")
    assert made.status_code == theirs["status"]
    assert recorded.key_differences(made.json(), theirs["body"]) == []
    listed = stand_in.http.get("/v1/products/").json()
    assert recorded.key_differences(listed, recorded.answer("api_sdk_products_list_200")["body"]) == []


def test_a_changed_product_keeps_the_prices_it_is_told_to_keep(stand_in: StandIn) -> None:
    product = stand_in.sell()
    kept, new = {"id": product.prices[0].id}, {"amount_type": "fixed", "price_amount": 900, "price_currency": "eur"}

    changed = stand_in.polar.products.update(product.id, name="Renamed", prices=[kept, new])
    assert changed.name == "Renamed"
    assert [price.price_currency for price in changed.prices] == ["usd", "eur"]
    assert changed.metadata == {"credits": 5000}

    only_new = stand_in.polar.products.update(product.id, prices=[{"id": changed.prices[1].id}], metadata={"k": "v"})
    assert [price.price_currency for price in only_new.prices] == ["eur"]
    assert only_new.metadata == {"k": "v"}
    assert stand_in.polar.products.update(product.id, is_archived=True).is_archived


def test_a_customer_looks_as_polar_gives_it(stand_in: StandIn) -> None:
    given = {"email": "keys@example.com", "name": "Ada Lovelace", "external_id": "keys-1"}
    made = stand_in.http.post("/v1/customers/", json=given)
    changed = stand_in.http.patch(f"/v1/customers/{made.json()['id']}", json={"name": "Ada King"})
    by_our_id = stand_in.http.get("/v1/customers/external/keys-1")
    state = stand_in.http.get("/v1/customers/external/keys-1/state")

    assert made.status_code == 201
    for ours, name in (
        (made, "api_sdk_customers_create_201"),
        (changed, "api_sdk_customers_update_200"),
        (by_our_id, "api_sdk_customers_get_external_200"),
        (state, "api_sdk_customers_get_state_external_200"),
    ):
        assert recorded.key_differences(ours.json(), recorded.answer(name)["body"]) == [], name
    assert by_our_id.json()["name"] == "Ada King"
    assert [c.id for c in stand_in.polar.customers.list(email="KEYS@example.com").items] == [made.json()["id"]]


def test_a_checkout_looks_as_polar_gives_it_before_and_after_it_is_paid(stand_in: StandIn) -> None:
    stand_in.polar.customers.create(email="pays@example.com", external_id="pays-1", name="Ada")
    product = stand_in.sell()
    given = {"products": [product.id], "external_customer_id": "pays-1", "metadata": {"purchase_id": "p-1", "n": 1}}
    made = stand_in.http.post("/v1/checkouts/", json=given)
    stand_in.post(made.json()["url"], person())
    paid = stand_in.http.get(f"/v1/checkouts/{made.json()['id']}")

    assert made.status_code == 201
    theirs = recorded.answer("api_sdk_checkouts_create_201")["body"]
    assert recorded.key_differences(made.json(), theirs) == []
    assert recorded.key_differences(paid.json(), recorded.answer("api_sdk_checkouts_get_succeeded_200")["body"]) == []
    assert paid.json()["status"] == "succeeded"
    assert made.json()["customer_email"] == "pays@example.com"


def test_an_order_looks_as_polar_gives_it_and_has_the_checkouts_metadata(stand_in: StandIn) -> None:
    checkout, order = stand_in.buy(metadata={"purchase_id": "p-9", "n": 3}, customer_email="order@example.com")
    listed = stand_in.http.get("/v1/orders/", params={"checkout_id": checkout.id}).json()

    assert recorded.key_differences(listed, recorded.answer("api_sdk_orders_list_bob_200")["body"]) == []
    assert order.metadata == {"purchase_id": "p-9", "n": 3}
    assert (order.subtotal_amount, order.net_amount, order.tax_amount, order.total_amount) == (4000, 4000, 0, 4000)
    assert order.status == "paid"
    assert order.billing_reason == "purchase"
    assert stand_in.polar.orders.get(order.id).id == order.id


def test_a_receipt_is_a_page_and_an_invoice_is_one_once_it_was_made(stand_in: StandIn) -> None:
    _, order = stand_in.buy()
    receipt = stand_in.polar.orders.receipt(order.id)
    assert "$40.00" in stand_in.http.get(receipt.url).text

    assert stand_in.http.get(f"/v1/orders/{order.id}/invoice").status_code == 404
    made = stand_in.http.post(f"/v1/orders/{order.id}/invoice")
    assert (made.status_code, made.json()) == (202, None)
    assert order.invoice_number in stand_in.http.get(stand_in.polar.orders.invoice(order.id).url).text
    assert stand_in.polar.orders.get(order.id).is_invoice_generated


def test_a_price_for_one_checkout_only_is_charged_there(stand_in: StandIn) -> None:
    product = stand_in.sell()
    ad_hoc = {"amount_type": "fixed", "price_amount": 2550, "price_currency": "usd"}
    _, order = stand_in.buy(product=product, prices={product.id: [ad_hoc]})

    assert order.total_amount == 2550
    assert stand_in.polar.products.get(product.id).prices[0].price_amount == 4000


def test_the_organisation_says_which_features_are_on(stand_in: StandIn) -> None:
    ours = stand_in.http.get("/v1/organizations/").json()
    theirs = recorded.answer("api_organizations_list", "snapshot")["body"]

    missing = [line for line in recorded.key_differences(ours, theirs) if "missing" in line]
    assert missing == []
    assert stand_in.polar.organizations.list().items[0].feature_settings.off_session_charges_enabled


def test_a_webhook_endpoint_gets_a_secret_of_the_new_kind(stand_in: StandIn) -> None:
    made = stand_in.http.post(
        "/v1/webhooks/endpoints",
        json={"url": "https://shop.example.com/hooks", "format": "raw", "events": ["refund.updated"]},
    )
    theirs = recorded.answer("api_webhook_endpoint_create_standard_201")

    assert made.status_code == theirs["status"]
    assert recorded.key_differences(made.json(), theirs["body"]) == []
    assert made.json()["uses_standard_webhook_signature"]
    changed = stand_in.polar.webhooks.reset_webhook_endpoint_secret(made.json()["id"])
    assert changed.secret != made.json()["secret"]
    assert not stand_in.polar.webhooks.update_webhook_endpoint(made.json()["id"], enabled=False).enabled


@pytest.mark.parametrize("version", ["2026-04", "2026-10"])
def test_the_answer_names_the_api_version_that_was_asked_for(stand_in: StandIn, version: str) -> None:
    answer = stand_in.http.get("/v1/products/", headers={"Polar-Version": version})
    assert answer.headers["polar-version"] == version
    assert json.loads(answer.text)["pagination"]["max_page"] >= 0
