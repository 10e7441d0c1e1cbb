"""A package is bought: by a program, by a person, with a card that pays at once, late, or never."""

import csv
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import Credits, clock, identity
from tests.conftest import PASSWORD
from tests.flows.house import ASKS, DECLINES, Door, Polar, Program, Visitor, words

DAY_AND_AN_HOUR = timedelta(hours=25)
PRICE = 40_00

Arrived = Callable[[str], None]


@pytest.fixture
def bought(program: Program, polar: Polar, arrived: Arrived) -> Any:
    """The Professional package, bought by a program, paid by a person; its order at Polar."""
    checkout = program.buys("professional")
    assert polar.pays(checkout["checkout_url"]).status_code == 303
    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])
    return order


def test_a_program_opens_the_checkout_a_person_pays_and_the_credits_are_there_once(
    program: Program, polar: Polar, account: int, bought: Any
) -> None:
    assert program.available == 5_100
    [purchase] = program.purchases
    assert (purchase["amount"], purchase["balance_before"], purchase["balance_after"]) == (5_000, 100, 5_100)
    assert purchase["polar_order_id"] == bought["id"]
    assert program.get("/balance")["total_purchased"] == 5_000
    [charge] = polar.charges({bought["id"]})
    assert (charge["amount"], charge["currency"], charge["customer"]) == (PRICE, "usd", str(account))


def test_another_program_in_python_opens_the_checkout_just_the_same(
    app: Flask, program: Program, polar: Polar, account: int, arrived: Arrived
) -> None:
    address = Credits(app=app).create_credit_purchase_checkout(account, "professional")
    assert polar.pays(address).status_code == 303
    [checkout] = polar.checkouts_for(account)
    [order] = polar.orders_for(checkout["metadata"]["checkout_id"])
    arrived(order["id"])

    assert program.available == 5_100


def test_one_letter_tells_of_the_purchase_in_text_and_in_html(
    alice: identity.User, bought: Any, program: Program, browser: Visitor, door: Door, letters: Callable[[], list[Any]]
) -> None:
    [letter] = letters()
    text = letter.get_body(("plain",)).get_content()
    page = letter.get_body(("html",)).get_content()
    link = f"/credits/{program.purchases[0]['id']}"

    assert (letter["to"], letter["subject"]) == (alice.email, "5,000 credits added: Professional")
    assert letter["from"] == "Credits <credits@example.com>"
    for told in (text, words(page)):
        assert "$40.00" in told
        assert "from 100 to 5,100 credits" in told
    assert door.url + link in text
    assert f'href="{door.url}{link}"' in page
    assert "+5,000" in browser.sees(link)


def test_the_receipt_of_a_purchase_is_polars_own(program: Program, browser: Visitor, polar: Polar, bought: Any) -> None:
    [purchase] = program.purchases
    answer = browser.http.get(f"/credits/{purchase['id']}/receipt")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith(polar.base)
    assert "$40.00" in words(polar.http.get(answer.headers["location"]).text)


def test_a_person_buys_at_the_dashboard_and_the_page_they_return_to_says_how_far_it_is(
    browser: Visitor, program: Program, polar: Polar, arrived: Arrived
) -> None:
    polar.control("webhooks", delay_seconds=0.7)
    to_polar = browser.presses_buy("professional")
    assert to_polar.status_code == 303
    assert to_polar.headers["location"].startswith(f"{polar.base}/checkout/")
    assert "$40.00" in words(polar.http.get(to_polar.headers["location"]).text)

    back = polar.pays(to_polar.headers["location"]).headers["location"]
    assert "Payment received, adding 5,000 credits…" in browser.sees(back)
    assert "Waiting for Polar to confirm your payment…" in browser.sees(urlsplit(back).path)
    assert program.available == 100

    [order] = polar.orders_for(urlsplit(back).path.rpartition("/")[2])
    arrived(order["id"])
    after = browser.sees(back)
    assert "5,000 credits added" in after
    assert "100 → 5,100" in after
    assert program.available == 5_100


def test_before_the_payment_the_return_page_leads_back_to_the_open_checkout(
    browser: Visitor, polar: Polar, account: int
) -> None:
    url = browser.presses_buy("starter").headers["location"]
    [opened] = polar.checkouts_for(account)
    page = browser.http.get(f"/credits/checkouts/{opened['metadata']['checkout_id']}").text

    assert "nothing was charged" in words(page)
    assert f'href="{url}"' in page


def test_a_declined_card_costs_nothing_and_another_one_pays(
    program: Program, browser: Visitor, polar: Polar, account: int, arrived: Arrived
) -> None:
    checkout = program.buys("professional")
    declined = polar.pays(checkout["checkout_url"], DECLINES)
    assert declined.status_code == 402
    assert "Nothing was charged" in words(declined.text)
    assert polar.orders_for(checkout["checkout_id"]) == []

    assert polar.pays(checkout["checkout_url"]).status_code == 303
    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])
    assert program.available == 5_100
    assert len(polar.charges_of(account)) == 1


def test_a_card_whose_bank_asks_pays_once_the_owner_approves(program: Program, polar: Polar, arrived: Arrived) -> None:
    checkout = program.buys("professional")
    asked = polar.pays(checkout["checkout_url"], ASKS)
    assert polar.orders_for(checkout["checkout_id"]) == []
    confirmed = polar.post(asked.headers.get("location", checkout["checkout_url"]), {"confirm": "approve"})
    assert confirmed.status_code == 303

    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])
    assert program.available == 5_100


def test_pay_pressed_twice_at_once_is_one_charge_and_one_credit(
    program: Program, polar: Polar, account: int, arrived: Arrived
) -> None:
    url = program.buys("professional")["checkout_url"]
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: polar.pays(url).status_code, range(8)))
    [charge] = polar.charges_of(account)
    arrived(charge["order"])

    assert set(answers) == {303}
    assert len(program.purchases) == 1
    assert program.available == 5_100


def test_each_click_on_buy_is_a_purchase_of_its_own_and_only_what_is_paid_counts(
    browser: Visitor, program: Program, polar: Polar, account: int, arrived: Arrived
) -> None:
    first, second = (browser.presses_buy("starter").headers["location"] for _ in range(2))
    assert first != second
    for _ in range(2):  # the second time it is paid already
        assert polar.pays(second).status_code == 303
    [charge] = polar.charges_of(account)
    arrived(charge["order"])

    assert program.available == 1_100


def test_a_checkout_that_nobody_paid_expires_and_the_next_one_works(
    program: Program, client: FlaskClient, alice: identity.User, sign_in: Callable[..., None], polar: Polar, door: Door,
    arrived: Arrived,
) -> None:  # fmt: skip
    checkout = program.buys("professional")
    polar.control("clock", advance_seconds=DAY_AND_AN_HOUR.total_seconds())
    too_late = polar.pays(checkout["checkout_url"])
    assert too_late.status_code == 410
    assert "Nothing was charged" in words(too_late.text)
    assert polar.orders_for(checkout["checkout_id"]) == []

    sign_in(client, alice)
    with clock.at(clock.now() + DAY_AND_AN_HOUR):
        page = client.get(f"/credits/checkouts/{checkout['checkout_id']}").text
    assert "This checkout has expired" in words(page)
    assert re.search(r'name="package"\s+value="professional"', page)

    again = program.buys("professional")
    assert polar.pays(again["checkout_url"]).status_code == 303
    [order] = polar.orders_for(again["checkout_id"])
    arrived(order["id"])
    assert program.available == 5_100


def test_a_purchase_is_nobody_elses_to_see(
    charlie: identity.User, web: Callable[[], Any], program: Program, bought: Any
) -> None:
    visitor = Visitor(web()).sign_in(charlie.email, PASSWORD)
    [purchase] = program.purchases

    for page in (f"/credits/checkouts/{purchase['reference_id']}", f"/credits/{purchase['id']}"):
        visitor.sees(page, status=404)
    visitor.sees(f"/credits/{purchase['id']}/receipt", status=404)


def test_spent_credits_show_in_history_and_csv_beside_the_purchase(
    program: Program, browser: Visitor, bought: Any
) -> None:
    assert program.post("/consume", {"operation_type": "ai_analysis", "quantity": 2}).status_code == 201
    page, file = browser.sees("/credits/history"), browser.http.get("/credits/history.csv").text
    rows = list(csv.DictReader(file.splitlines()))

    assert program.available == 5_050
    for told in ("AI analysis × 2", "Professional package", "5,050"):
        assert told in page
    moved = [(row["transaction_type"], row["amount"], row["balance_after"]) for row in rows]
    assert moved == [("consumption", "-50", "5050"), ("purchase", "5000", "5100"), ("bonus", "100", "100")]
    assert rows[1]["polar_order_id"] == bought["id"]


def test_an_empty_account_is_told_which_package_helps_and_buys_it(
    program: Program, browser: Visitor, polar: Polar, account: int, arrived: Arrived
) -> None:
    refused = program.post("/consume", {"amount": 700})
    assert refused.status_code == 402
    told = refused.json()
    assert (told["shortfall"], told["package"]) == (600, "starter")

    assert "The one you came for" in browser.sees(told["checkout_url"])
    url = browser.submits(told["checkout_url"], "/credits/purchase", package=told["package"]).headers["location"]
    polar.pays(url)
    [charge] = polar.charges_of(account)
    arrived(charge["order"])
    assert program.post("/consume", {"amount": 700}).status_code == 201
    assert program.available == 400
