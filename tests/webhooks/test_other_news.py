"""News that is no money: customers, checkouts, products, and the three older names of events."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import checkout, clock, identity, ledger
from creditapp.checkout import Checkout, PolarCustomer
from creditapp.db import db, transaction
from creditapp.letters import Letter
from creditapp.packages import CreditPackage
from creditapp.webhooks import WebhookEvent
from tests.conftest import PASSWORD, WEBHOOK_SECRETS
from tests.deliveries import deliver, moment, order_changed, order_paid, sample

Shelf = dict[str, CreditPackage]
Says = Callable[[dict[str, Any]], WebhookEvent]


@pytest.fixture
def polar_says(client: FlaskClient, run_jobs: Callable[[], None]) -> Says:
    """Deliver an event, let the jobs run, and give its row of the inbox."""

    def said(event: dict[str, Any]) -> WebhookEvent:
        assert deliver(client, event, WEBHOOK_SECRETS[0]).status_code == 202
        run_jobs()
        return db.session.scalars(select(WebhookEvent).order_by(WebhookEvent.id.desc())).first()

    return said


def told(kind: str, /, **fields: Any) -> dict[str, Any]:
    event = sample(kind)
    event["data"].update(fields)
    return event


def customer(account: int, event_type: str = "customer.updated", **fields: Any) -> dict[str, Any]:
    given = {"id": "customer-1", "external_id": str(account), "modified_at": moment(1), **fields}
    return {**told("customer.updated", **given), "type": event_type}


def known(account: int) -> PolarCustomer:
    return db.session.get_one(PolarCustomer, account, populate_existing=True)


def opened(account: int, package: CreditPackage, polar_id: str = "polar-checkout-1") -> Checkout:
    with transaction():
        made = checkout.request(account, package.key).checkout_id
        found = db.session.get_one(Checkout, made)
        found.state, found.polar_checkout_id, found.url = "open", polar_id, "https://polar.example/checkout"
        found.expires_at = clock.now() + timedelta(days=1)
    return db.session.get_one(Checkout, made)


def letters(kind: str) -> list[Letter]:
    return list(db.session.scalars(select(Letter).where(Letter.kind == kind)))


def test_a_customers_name_billing_email_and_card_are_copied(account: int, polar_says: Says) -> None:
    event = polar_says(customer(account, email="bills@example.com", name="Alice Ltd", default_payment_method_id="pm_1"))

    assert event.state == "processed"
    row = known(account)
    assert (row.name, row.billing_email, row.default_payment_method_id) == ("Alice Ltd", "bills@example.com", "pm_1")


def test_polar_never_changes_with_which_email_somebody_signs_in(
    client: FlaskClient, alice: identity.User, account: int, polar_says: Says
) -> None:
    polar_says(customer(account, email="thief@example.com"))

    assert identity.by_credentials(alice.email, PASSWORD) is not None
    assert identity.by_credentials("thief@example.com", PASSWORD) is None
    assert identity.owner_of(account).email == "alice@example.com"


def test_older_news_of_a_customer_changes_nothing(account: int, polar_says: Says) -> None:
    polar_says(customer(account, name="New", modified_at=moment(50)))
    event = polar_says(customer(account, name="Old", modified_at=moment(10)))

    assert known(account).name == "New"
    assert (event.state, event.reason) == ("ignored", "Newer news of this customer came before.")


def test_a_card_that_was_removed_at_polar_is_forgotten(account: int, polar_says: Says) -> None:
    polar_says(customer(account, default_payment_method_id="pm_1"))
    polar_says(customer(account, default_payment_method_id=None, modified_at=moment(9)))

    assert known(account).default_payment_method_id is None


def test_a_deleted_customer_keeps_credits_and_books_and_the_next_checkout_makes_a_new_one(
    account: int, shelf: Shelf, polar_says: Says
) -> None:
    polar_says(order_paid(shelf["starter"], account, customer_id="customer-1"))
    event = polar_says(customer(account, "customer.deleted"))

    assert event.state == "processed"
    assert ledger.balance(account).available == 1_100
    assert known(account).deleted_at is not None
    with transaction():
        assert checkout.request(account, "starter").customer_id is None
    polar_says(customer(account, id="customer-2", name="Alice again"))
    assert (known(account).polar_customer_id, known(account).deleted_at) == ("customer-2", None)


def test_news_of_somebody_elses_customer_is_ignored_with_the_reason(account: int, polar_says: Says) -> None:
    event = polar_says(customer(account, external_id="999999"))

    assert event.state == "ignored"
    assert "No account is known" in str(event.reason)


def test_a_customer_that_carries_the_id_of_an_account_known_under_another_changes_nothing(
    account: int, polar_says: Says
) -> None:
    polar_says(customer(account, name="Alice"))
    event = polar_says(customer(account, id="customer-of-somebody", name="Mallory"))

    assert known(account).name == "Alice"
    assert event.state == "ignored"


def test_an_expired_checkout_is_closed(account: int, shelf: Shelf, polar_says: Says) -> None:
    made = opened(account, shelf["holiday_bonus"])
    event = polar_says(told("checkout.expired", id="polar-checkout-1", metadata={}))

    assert event.state == "processed"
    assert db.session.get_one(Checkout, made.id, populate_existing=True).state == "expired"
    assert letters("payment_failed") == []
    with transaction():  # the offer can be opened again
        assert checkout.request(account, "holiday_bonus").checkout_id != made.id


def test_a_paid_checkout_does_not_expire_any_more(account: int, shelf: Shelf, polar_says: Says) -> None:
    made = opened(account, shelf["starter"])
    polar_says(order_paid(shelf["starter"], account, checkout_id=made.id))
    event = polar_says(told("checkout.expired", id="polar-checkout-1", metadata={}))

    assert (event.state, event.reason) == ("ignored", "It was paid.")
    assert db.session.get_one(Checkout, made.id, populate_existing=True).state == "paid"


def test_a_failed_checkout_says_so_and_writes_one_letter(account: int, shelf: Shelf, polar_says: Says) -> None:
    made = opened(account, shelf["starter"])
    for _ in range(2):
        polar_says(
            {
                "type": "payment.failed",
                "data": {
                    "id": "payment-1",
                    "status": "failed",
                    "metadata": {"checkout_id": str(made.id)},
                    "decline_message": "Your card was declined.",
                },
            }
        )

    found = db.session.get_one(Checkout, made.id, populate_existing=True)
    assert (found.state, found.reason) == ("open", "Your card was declined.")
    [letter] = letters("payment_failed")
    assert letter.facts["reason"] == "Your card was declined."
    assert ledger.balance(account).available == 100


def test_a_declined_card_is_forgotten_when_another_one_pays(account: int, shelf: Shelf, polar_says: Says) -> None:
    made = opened(account, shelf["starter"])
    polar_says({"type": "payment.failed", "data": {"status": "failed", "checkout_id": "polar-checkout-1"}})
    polar_says(order_paid(shelf["starter"], account, checkout_id=made.id))

    found = db.session.get_one(Checkout, made.id, populate_existing=True)
    assert (found.state, found.reason) == ("paid", None)
    assert ledger.balance(account).available == 1_100


def test_a_package_follows_its_product_but_not_in_how_many_credits_it_holds(shelf: Shelf, polar_says: Says) -> None:
    product = told(
        "product.updated",
        id=shelf["starter"].polar_product_id,
        name="Starter Plus",
        metadata={"package_type": "credit_package", "credits_amount": 99},
        is_archived=False,
        prices=[{"amount_type": "fixed", "price_amount": 12_00, "price_currency": "usd", "is_archived": False}],
    )
    assert polar_says(product).state == "processed"

    package = db.session.get_one(CreditPackage, shelf["starter"].id, populate_existing=True)
    assert (package.name, package.price_cents, package.credits, package.active) == ("Starter Plus", 12_00, 1_000, True)
    product["data"]["is_archived"] = True
    polar_says(product)
    assert not db.session.get_one(CreditPackage, shelf["starter"].id, populate_existing=True).active


def test_who_began_to_buy_at_the_old_price_is_credited_at_the_old_price(
    account: int, shelf: Shelf, polar_says: Says
) -> None:
    made = opened(account, shelf["starter"])
    with transaction():
        db.session.get_one(CreditPackage, shelf["starter"].id).price_cents = 15_00
    polar_says(order_paid(shelf["starter"], account, checkout_id=made.id, subtotal_amount=10_00, net_amount=10_00))

    assert ledger.balance(account).available == 1_100


def test_a_product_that_is_no_package_is_ignored_with_the_reason(shelf: Shelf, polar_says: Says) -> None:
    event = polar_says(told("product.updated", id="another"))

    assert (event.state, event.reason) == ("ignored", "The product is not one of our packages.")


def test_the_older_name_of_a_paid_order_credits_it_and_both_names_credit_it_once(
    account: int, shelf: Shelf, polar_says: Says
) -> None:
    paid = order_paid(shelf["starter"], account)
    assert polar_says(order_changed(paid, "order.completed")).state == "processed"
    assert ledger.balance(account).available == 1_100

    polar_says(paid)
    assert ledger.balance(account).available == 1_100


@pytest.mark.parametrize("lie", [{"paid": "no"}, {"paid": 0}, {"modified_at": "0001-01-01T00:00:00+14:00"}], ids=str)
def test_an_order_that_is_not_surely_paid_credits_nothing(
    account: int, shelf: Shelf, polar_says: Says, lie: dict[str, Any]
) -> None:
    paid = order_paid(shelf["starter"], account)
    paid["data"].update(lie)
    polar_says(paid)

    assert ledger.balance(account).available == 100


def test_the_older_name_without_the_shape_of_an_order_credits_nothing(account: int, polar_says: Says) -> None:
    event = polar_says({"type": "order.completed", "data": {"id": "order-1", "amount": 4_000}})

    assert event.state == "received"  # tried again, then dead
    assert "WrongShape" in str(event.reason)
    assert ledger.balance(account).available == 100


@pytest.mark.parametrize(
    "name",
    [
        "order.created",
        "order.updated",
        "order.refunded",
        "refund.created",
        "refund.created.pending",
        "refund.updated",
        "refund.updated.failed",
        "checkout.created",
        "checkout.updated",
        "checkout.updated.failed",
        "checkout.expired",
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "customer.state_changed",
        "product.created",
        "product.updated",
        "benefit_grant.revoked",
    ],
)
def test_whatever_polar_tells_about_strangers_is_kept_with_a_reason(account: int, polar_says: Says, name: str) -> None:
    event = polar_says(sample(name))

    assert event.state == "ignored"
    assert str(event.reason).endswith((".", ")."))
    assert ledger.balance(account).available == 100


@pytest.mark.parametrize("kind", ["customer.updated", "checkout.updated", "payment.succeeded"])
@pytest.mark.parametrize("data", [None, [], {}, {"id": 5}, {"id": "nul\x00byte"}, "text"], ids=repr)
def test_what_can_t_be_read_is_asked_of_nobody_and_blocks_nobody(polar_says: Says, kind: str, data: Any) -> None:
    event = polar_says({"type": kind, "data": data})

    assert event.state in {"received", "dead", "ignored"}
    assert event.reason
