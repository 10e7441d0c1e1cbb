"""Whose credits an order brings: exactly the paid orders of our packages are credited, once, to the right account."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from creditapp import identity, ledger, packages
from creditapp.checkout import remember_customer
from creditapp.db import transaction
from tests.conftest import signed_up
from tests.deliveries import deliver, recordings
from tests.flows.house import Polar, Program, Visitor
from tests.polar_stand_in.program import SECRET

Arrived = Callable[[str], None]
Shelf = dict[str, packages.CreditPackage]


@pytest.fixture
def charlies_program(web: Callable[[], Any], make_key: Callable[..., str], charlie: identity.User) -> Program:
    """The program of the stranger."""
    return Program(web(), make_key(identity.account_id_of(charlie)))


def test_who_shares_an_email_with_another_customer_at_polar_gets_what_they_bought_here(
    alice: identity.User, charlie: identity.User, program: Program, charlies_program: Program, polar: Polar,
    arrived: Arrived,
) -> None:  # fmt: skip
    polar.polar.customers.create(email=alice.email, external_id=str(identity.account_id_of(charlie)))
    checkout = program.buys("professional")
    polar.pays(checkout["checkout_url"])
    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])

    assert order["customer"]["external_id"] == str(identity.account_id_of(charlie))
    assert (program.available, charlies_program.available) == (5_100, 100)
    assert charlies_program.purchases == []


def test_a_customer_who_was_at_polar_before_becomes_this_accounts(
    alice: identity.User, account: int, program: Program, polar: Polar, arrived: Arrived
) -> None:
    known = polar.polar.customers.create(email=alice.email)
    checkout = program.buys("starter")
    polar.pays(checkout["checkout_url"])
    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])

    assert (order["customer"]["id"], order["customer"]["external_id"]) == (known.id, str(account))
    assert program.available == 1_100


def test_an_order_that_did_not_start_here_is_credited_to_the_account_that_polar_names(
    alice: identity.User, account: int, program: Program, polar: Polar, arrived: Arrived, shelf: Shelf,
    letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    link = polar.polar.checkouts.create(
        products=[str(shelf["business"].polar_product_id)],
        external_customer_id=program.get("/balance")["account"],
        customer_email=alice.email,
    )
    polar.pays(link.url, email=alice.email)
    [order] = polar.orders_of_link(link)
    arrived(order["id"])

    assert program.available == 15_100
    assert [one["polar_order_id"] for one in program.purchases] == [order["id"]]
    assert [letter["subject"] for letter in letters()] == ["15,000 credits added: Business"]


def test_a_customer_we_know_is_credited_even_when_polar_names_no_account(
    alice: identity.User, program: Program, polar: Polar, arrived: Arrived, shelf: Shelf
) -> None:
    customer = polar.polar.customers.create(email=alice.email)
    with transaction():
        remember_customer(identity.account_id_of(alice), customer.id)
    link = polar.polar.checkouts.create(products=[str(shelf["starter"].polar_product_id)], customer_id=customer.id)
    polar.pays(link.url)
    [order] = polar.orders_of_link(link)
    arrived(order["id"])

    assert order["customer"]["external_id"] is None
    assert program.available == 1_100


def test_a_product_that_is_none_of_ours_credits_nobody_and_the_operator_sees_why(
    alice: identity.User, account: int, program: Program, polar: Polar, arrived: Arrived, operators_browser: Visitor
) -> None:
    mug = polar.sell("A mug", 15_00)
    link = polar.polar.checkouts.create(products=[mug.id], external_customer_id=str(account))
    polar.pays(link.url, email=alice.email)
    [order] = polar.orders_of_link(link)
    arrived(order["id"])

    assert program.available == 100
    page = operators_browser.sees("/operator/")
    assert order["id"] in page
    assert f"The product {mug.id} is not one of our packages." in page


def test_an_order_of_a_stranger_credits_nobody_and_the_operator_sees_why(
    polar: Polar, arrived: Arrived, shelf: Shelf, program: Program, operators_browser: Visitor
) -> None:
    link = polar.polar.checkouts.create(products=[str(shelf["starter"].polar_product_id)])
    polar.pays(link.url, email=f"nobody-{ledger.new_id()}@example.com")
    [order] = polar.orders_of_link(link)
    arrived(order["id"])

    assert program.available == 100
    page = operators_browser.sees("/operator/")
    assert order["id"] in page
    assert "No account is known for it" in page


def test_a_package_sold_below_its_price_credits_nobody_and_the_operator_sees_why(
    alice: identity.User, account: int, program: Program, polar: Polar, arrived: Arrived, shelf: Shelf,
    operators_browser: Visitor,
) -> None:  # fmt: skip
    product_id = str(shelf["enterprise"].polar_product_id)
    cheap = {"amount_type": "fixed", "price_amount": 1_00, "price_currency": "usd"}
    link = polar.polar.checkouts.create(
        products=[product_id], external_customer_id=str(account), prices={product_id: [cheap]}
    )
    polar.pays(link.url, email=alice.email)
    [order] = polar.orders_of_link(link)
    arrived(order["id"])

    assert program.available == 100
    assert "Enterprise costs 30000" in operators_browser.sees("/operator/")


PRODUCT_NAMES = {"Starter": "starter", "Professional": "professional"}
PAID = {"paid", "partially_refunded", "refunded"}


@pytest.mark.parametrize("folder", ["sdk_1_0_2", "snapshot"])
def test_of_all_that_polars_own_server_ever_sent_exactly_the_paid_orders_of_our_packages_are_credited_once(
    client: FlaskClient, shelf: Shelf, run_jobs: Callable[[], None], app: Any, folder: str
) -> None:
    """Two packages are products of one folder, whose customers are known but one; all of both folders is delivered."""
    everything = [(name.partition("/")[0], json.loads(body)) for name, body in recordings()]
    ours = [event for where, event in everything if where == folder]
    products = {
        event["data"]["id"]: PRODUCT_NAMES[event["data"]["name"]]
        for event in ours
        if event["type"] == "product.created" and event["data"]["name"] in PRODUCT_NAMES
    }
    customers = sorted({event["data"]["customer_id"] for event in ours if event["type"] == "order.paid"})
    known = customers[:-1]
    accounts = {}
    for number, customer in enumerate(known):
        accounts[customer] = identity.account_id_of(signed_up(f"buyer{number}@example.com", app))
    with transaction():
        packages.seed({key: product for product, key in products.items()})
        for customer, account in accounts.items():
            remember_customer(account, customer)

    expected: dict[str, tuple[int, Decimal]] = {}
    for _, event in everything:
        order = event["data"]
        if event["type"] != "order.paid" or order["status"] not in PAID or order["product_id"] not in products:
            continue
        package = shelf[products[order["product_id"]]]
        if order["customer_id"] in accounts and order["subtotal_amount"] >= package.price_cents:
            expected[order["id"]] = (accounts[order["customer_id"]], package.credits)

    for _, body in recordings():
        assert deliver(client, body.encode(), SECRET).status_code == 202
    run_jobs()

    credited = {
        str(entry.polar_order_id): (account, entry.amount)
        for account in accounts.values()
        for entry in ledger.entries(account, ledger.Filters(transaction_type="purchase"), limit=100)
    }
    assert len(known) < len(customers)
    assert expected
    assert credited == expected
