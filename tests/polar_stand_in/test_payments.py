"""Every attempt to take money is listed, with the reason where it was declined."""

from . import recorded
from .program import StandIn, person
from .test_refusals import NOBODY


def test_a_payment_looks_as_polar_gives_it(stand_in: StandIn) -> None:
    checkout, order = stand_in.buy()
    listed = stand_in.http.get("/v1/payments/", params={"order_id": order.id}).json()
    theirs = recorded.answer("api_payments_list_by_order_200", "snapshot")["body"]

    assert recorded.key_differences(listed, theirs) == []
    (payment,) = listed["items"]
    for name in ("status", "amount", "method", "trigger", "decline_reason", "decline_message", "method_metadata"):
        assert payment[name] == theirs["items"][0][name], name
    assert (payment["checkout_id"], payment["order_id"]) == (checkout.id, order.id)
    assert stand_in.polar.payments.get(payment["id"]).status == "succeeded"


def test_a_decline_at_a_checkout_is_listed_with_its_reason(stand_in: StandIn) -> None:
    checkout = stand_in.open_checkout()
    stand_in.post(checkout.url, person("4000000000000002"))
    stand_in.post(checkout.url, person("4000002760003184"))
    stand_in.post(checkout.url, {"confirm": "refuse"})
    listed = stand_in.http.get("/v1/payments/", params={"checkout_id": checkout.id}).json()

    theirs = recorded.sample("payments_list_checkout_declined_200")
    assert recorded.key_differences(listed, theirs) == []
    reasons = [(payment["decline_reason"], payment["method_metadata"]["last4"]) for payment in listed["items"]]
    assert reasons == [("payment_intent_authentication_failure", "3184"), ("generic_decline", "0002")]
    assert {(payment["status"], payment["order_id"]) for payment in listed["items"]} == {("failed", None)}
    assert all(payment["decline_message"] for payment in listed["items"])


def test_payments_are_found_by_order_checkout_customer_and_status(own_stand_in: StandIn) -> None:
    ada = own_stand_in.polar.customers.create(email="ada@example.com", external_id="acc-1")
    checkout, _ = own_stand_in.buy(external_customer_id="acc-1")
    _, other = own_stand_in.buy(email="bob@example.com")
    declined = own_stand_in.open_checkout(external_customer_id="acc-1")
    own_stand_in.post(declined.url, person("4000000000000002"))

    def amounts(**filters: object) -> list[tuple[str, str | None]]:
        found = own_stand_in.polar.payments.list(**filters).items
        return [(payment.status, payment.checkout_id) for payment in found]

    paid, failed = ("succeeded", checkout.id), ("failed", declined.id)
    assert amounts() == [failed, ("succeeded", other.checkout_id), paid]
    assert amounts(checkout_id=checkout.id) == [paid]
    assert amounts(checkout_id=declined.id, status="failed") == [failed]
    assert amounts(customer_id=ada.id) == [failed, paid]
    assert amounts(customer_email="Bob@example.com") == [("succeeded", other.checkout_id)]
    assert amounts(status="failed") == [failed]
    assert amounts(order_id=NOBODY) == []
    assert own_stand_in.http.get(f"/v1/payments/{NOBODY}").status_code == 404


def test_a_free_order_has_no_payment(stand_in: StandIn) -> None:
    _, order = stand_in.buy(product=stand_in.sell("Trial", 0))
    assert stand_in.polar.payments.list(order_id=order.id).items == []
