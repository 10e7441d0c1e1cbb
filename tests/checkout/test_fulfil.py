from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import checkout, identity, ledger
from creditapp.checkout import Checkout, Order, PolarCustomer
from creditapp.db import db, transaction
from creditapp.letters import Letter
from creditapp.packages import CreditPackage
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, order_paid

Shelf = dict[str, CreditPackage]
SECRET = WEBHOOK_SECRETS[0]


@pytest.fixture
def polar_says(client: FlaskClient, run_jobs: Callable[[], None]) -> Callable[[dict[str, Any]], Order]:
    """Deliver an event, let the jobs run, and give the order that came of it."""

    def said(event: dict[str, Any]) -> Order:
        assert deliver(client, event, SECRET).status_code == 202
        run_jobs()
        return db.session.scalars(select(Order).where(Order.polar_order_id == event["data"]["id"])).one()

    return said


def available(account: int) -> Any:
    return ledger.balance(account).available


def opened_checkout(account: int, package: CreditPackage) -> int:
    with transaction():
        return checkout.request(account, package.key).checkout_id


def test_an_order_of_our_checkout_is_credited_to_its_account_whoever_the_customer_is(
    account: int, charlie: identity.User, shelf: Shelf, polar_says
) -> None:
    # Polar finds customers by email first, so that the external id may be somebody else's.
    ours = opened_checkout(account, shelf["starter"])
    order = polar_says(order_paid(shelf["starter"], identity.account_id_of(charlie), checkout_id=ours))

    assert (order.state, order.account_id, order.checkout_id) == ("credited", account, ours)
    assert available(account) == 1_100
    assert available(identity.account_id_of(charlie)) == 100
    assert db.session.get_one(Checkout, ours).state == "paid"


def test_an_order_that_did_not_start_here_is_credited_by_the_customers_external_id(
    account: int, shelf: Shelf, polar_says
) -> None:
    order = polar_says(order_paid(shelf["business"], account))

    assert (order.state, order.checkout_id) == ("credited", None)
    assert available(account) == 15_100


def test_an_order_of_a_customer_we_met_before_is_credited_without_an_external_id(
    account: int, shelf: Shelf, polar_says
) -> None:
    with transaction():
        checkout.remember_customer(account, "customer-of-alice")
    polar_says(order_paid(shelf["starter"], customer_id="customer-of-alice"))

    assert available(account) == 1_100


def test_the_customer_of_a_first_order_is_remembered(account: int, shelf: Shelf, polar_says) -> None:
    order = polar_says(order_paid(shelf["starter"], account))

    assert db.session.get_one(PolarCustomer, account).polar_customer_id == order.polar_customer_id


def test_a_discounted_order_gives_the_full_package(account: int, shelf: Shelf, polar_says) -> None:
    price = shelf["starter"].price_cents
    polar_says(order_paid(shelf["starter"], account, discount_amount=price, net_amount=0, total_amount=0))

    assert available(account) == 1_100


def test_tax_inside_the_price_changes_nothing(account: int, shelf: Shelf, polar_says) -> None:
    polar_says(order_paid(shelf["starter"], account, net_amount=840, tax_amount=160, total_amount=1_000))

    assert available(account) == 1_100


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"product_id": "somebody-elses-product"}, "not one of our packages"),
        ({"product_id": None}, "not one of our packages"),
        ({"subtotal_amount": 999}, "Its price before discounts was 999"),
        ({"currency": "eur"}, "EUR"),
    ],
    ids=repr,
)
def test_an_order_that_is_not_our_package_at_our_price_credits_nobody_and_says_why(
    account: int, shelf: Shelf, polar_says, change: dict[str, Any], word: str
) -> None:
    order = polar_says(order_paid(shelf["starter"], account, **change))

    assert order.state == "uncredited"
    assert word in order.reason
    assert available(account) == 100
    assert order in checkout.uncredited_orders(10)


@pytest.mark.parametrize("external_id", ["user_1001", "99999999999999999999999", "1", "٣", "-5", ""])
def test_an_order_of_a_customer_nobody_knows_ends_with_the_operator(
    account: int, shelf: Shelf, polar_says, external_id: str
) -> None:
    event = order_paid(shelf["starter"], account)
    event["data"]["customer"]["external_id"] = external_id
    event["data"]["customer_id"] = "nobody-we-know"
    order = polar_says(event)

    assert order.state == "uncredited"
    assert "No account is known" in order.reason


@pytest.mark.parametrize("named", ["4711", "x", "-1", "9" * 30, 5, None, {"a": 1}], ids=repr)
def test_metadata_that_names_no_checkout_of_ours_is_not_believed(
    account: int, shelf: Shelf, polar_says, named: object
) -> None:
    event = order_paid(shelf["starter"], account)
    event["data"]["metadata"] = {"checkout_id": named, "credits": 1_000_000, "account_id": "1"}
    polar_says(event)

    assert available(account) == 1_100


def test_an_order_that_could_not_be_credited_is_credited_once_the_reason_is_gone(
    account: int, shelf: Shelf, polar_says
) -> None:
    event = order_paid(shelf["starter"], account, product_id="a-product-to-come")
    assert polar_says(event).state == "uncredited"

    with transaction():
        db.session.get_one(CreditPackage, shelf["starter"].id).polar_product_id = "a-product-to-come"
    assert polar_says(event).state == "credited"
    assert polar_says(event).state == "credited"
    assert available(account) == 1_100


def test_a_new_price_does_not_credit_an_old_order_again(account: int, shelf: Shelf, polar_says) -> None:
    event = order_paid(shelf["starter"], account)
    polar_says(event)
    with transaction():
        db.session.get_one(CreditPackage, shelf["starter"].id).credits = 2_000
    polar_says(event)

    assert available(account) == 1_100


def test_what_was_paid_stands_on_the_lot(account: int, shelf: Shelf, polar_says) -> None:
    order = polar_says(order_paid(shelf["professional"], account))
    lot = db.session.scalars(
        select(ledger.CreditLot).where(ledger.CreditLot.credit_transaction_id == order.credit_transaction_id)
    ).one()

    assert (lot.source, lot.paid_cents, lot.currency, lot.expires_at) == ("purchased", 4_000, "usd", None)


def test_a_purchase_is_told_in_one_letter(account: int, alice: identity.User, shelf: Shelf, polar_says) -> None:
    event = order_paid(shelf["professional"], account)
    polar_says(event)
    polar_says(event)

    [letter] = db.session.scalars(select(Letter)).all()
    assert (letter.kind, letter.recipient, letter.state) == ("purchase_confirmed", alice.email, "sent")


@pytest.mark.both_databases
def test_the_books_tie_out_with_the_paid_orders(app: Flask, account: int, shelf: Shelf, polar_says) -> None:
    for key in shelf:
        polar_says(order_paid(shelf[key], account))
    polar_says(order_paid(shelf["starter"], account, currency="eur"))

    assert list(ledger.verify()) == []
    assert list(checkout.verify()) == []


@pytest.mark.both_databases
def test_an_order_whose_credits_are_not_in_the_ledger_is_found(
    app: Flask, account: int, shelf: Shelf, polar_says
) -> None:
    order = polar_says(order_paid(shelf["starter"], account))
    with transaction():
        db.session.get_one(Order, order.id).credits += 1

    [difference] = checkout.verify()
    assert difference.account_id == account
