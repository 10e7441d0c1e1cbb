"""The Holiday Bonus: on sale for thirty days, once per account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import checkout, clock, identity, packages
from creditapp.db import db, transaction
from tests.conftest import PASSWORD
from tests.flows.house import Polar, Program, Visitor, words

REASON = "It can be bought once per account, and you have bought it."


def test_the_holiday_bonus_is_bought_once_per_account(
    program: Program, browser: Visitor, charlie: identity.User, web: Callable[[], Any], make_key: Callable[..., str],
    polar: Polar, arrived: Callable[[str], None],
) -> None:  # fmt: skip
    checkout = program.buys("holiday_bonus")
    polar.pays(checkout["checkout_url"])
    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])
    assert program.available == 7_600

    refused = program.post("/purchase", {"package": "holiday_bonus"})
    told = refused.json()
    assert (refused.status_code, told["code"], told["detail"]) == (409, "package_unavailable", REASON)
    clicked = browser.presses_buy("holiday_bonus")
    assert clicked.status_code == 409
    assert REASON in words(clicked.text)
    [offer] = [one for one in program.get("/packages")["items"] if one["key"] == "holiday_bonus"]
    assert (offer["available"], offer["unavailable_reason"]) == (False, REASON)
    Program(web(), make_key(identity.account_id_of(charlie))).buys("holiday_bonus")


def test_clicks_on_the_holiday_bonus_however_many_at_once_lead_to_one_open_checkout(
    program: Program, browser: Visitor, polar: Polar, account: int
) -> None:
    first = program.buys("holiday_bonus")
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: program.buys("holiday_bonus"), range(8)))

    assert answers == [first] * 8
    assert browser.presses_buy("holiday_bonus").headers["location"] == first["checkout_url"]
    assert len(polar.checkouts_for(account)) == 1


def test_two_first_clicks_at_once_open_one_checkout(program: Program, polar: Polar, account: int) -> None:
    with ThreadPoolExecutor(8) as hands:
        answers = list(hands.map(lambda _: program.post("/purchase", {"package": "holiday_bonus"}), range(8)))

    given = {answer.json()["checkout_url"] for answer in answers if answer.status_code == 201}
    assert len(given) == 1
    assert len(polar.checkouts_for(account)) == 1


def test_after_thirty_days_the_holiday_bonus_is_no_longer_sold(
    client: FlaskClient, alice: identity.User, sign_in: Callable[..., None], shelf: dict[str, Any]
) -> None:
    sign_in(client, alice)
    assert "Buy 7,500 for $40.00" in words(client.get("/credits/packages").text)
    with clock.at(clock.now() + timedelta(days=31)):
        sign_in(client, alice)
        page = words(client.get("/credits/packages?package=holiday_bonus").text)

    assert "Buy 7,500" not in page
    assert "The offer has ended." in page


def test_a_key_that_polar_failed_does_not_reach_past_the_limit_later(
    program: Program, polar: Polar, arrived: Callable[[str], None]
) -> None:
    polar.control("fail_next", path="/v1/checkouts", status=500)
    assert program.post("/purchase", {"package": "holiday_bonus"}, key="first").status_code == 503
    checkout = program.buys("holiday_bonus", key="second")
    polar.pays(checkout["checkout_url"])
    [order] = polar.orders_for(checkout["checkout_id"])
    arrived(order["id"])

    again = program.post("/purchase", {"package": "holiday_bonus"}, key="first")
    assert (again.status_code, again.json()["detail"]) == (409, REASON)


def test_two_browsers_with_one_offer_each_in_an_open_checkout_are_led_to_the_same_one(
    browser: Visitor, web: Callable[[], Any], alice: identity.User, polar: Polar, account: int, program: Program,
    arrived: Callable[[str], None],
) -> None:  # fmt: skip
    other = Visitor(web()).sign_in(alice.email, PASSWORD)
    first = browser.presses_buy("holiday_bonus").headers["location"]
    second = other.presses_buy("holiday_bonus").headers["location"]
    assert first == second

    assert polar.pays(first, email=alice.email).status_code == 303
    polar.pays(second, email=alice.email)  # nothing is left to pay
    [order] = polar.orders_for(polar.checkouts_for(account)[0]["metadata"]["checkout_id"])
    arrived(order["id"])
    assert program.available == 7_600
    assert other.presses_buy("holiday_bonus").status_code == 409


def test_a_closed_tab_leads_back_to_the_open_checkout_and_after_its_end_to_a_new_one(
    browser: Visitor, polar: Polar, account: int
) -> None:
    first = browser.presses_buy("holiday_bonus").headers["location"]
    assert browser.presses_buy("holiday_bonus").headers["location"] == first
    with transaction():
        for one in db.session.scalars(select(checkout.Checkout).where(checkout.Checkout.account_id == account)):
            one.expires_at = clock.now() - timedelta(seconds=1)

    assert browser.presses_buy("holiday_bonus").headers["location"] != first


def test_a_late_payment_of_an_offer_that_is_over_is_credited_and_shown_to_the_operator(
    program: Program, polar: Polar, arrived: Callable[[str], None], operators_browser: Visitor, shelf: dict[str, Any]
) -> None:
    bought = program.buys("holiday_bonus")
    with transaction():
        packages.by_key("holiday_bonus").expires_at = clock.now() - timedelta(seconds=1)
    polar.pays(bought["checkout_url"])
    [order] = polar.orders_for(bought["checkout_id"])
    arrived(order["id"])

    assert program.available == 7_600
    page = operators_browser.sees("/operator/")
    assert "Credited, though the offer was over" in page
    assert order["id"] in page
    assert "The offer has ended." in page


def test_an_offer_paid_twice_by_a_link_of_polars_is_credited_twice_and_shown_to_the_operator(
    program: Program, polar: Polar, account: int, alice: identity.User, arrived: Callable[[str], None],
    operators_browser: Visitor, shelf: dict[str, Any],
) -> None:  # fmt: skip
    for _ in range(2):
        link = polar.polar.checkouts.create(
            products=[str(shelf["holiday_bonus"].polar_product_id)], external_customer_id=str(account)
        )
        polar.pays(link.url, email=alice.email)
        [order] = polar.orders_of_link(link)
        arrived(order["id"])

    assert program.available == 100 + 2 * 7_500
    page = operators_browser.sees("/operator/")
    assert page.count("Paid late: Holiday Bonus was no longer on offer to this account.") == 1


def test_a_key_that_was_led_to_the_open_checkout_is_its_key_too(program: Program, polar: Polar) -> None:
    first = program.post("/purchase", {"package": "holiday_bonus"})
    led = program.post("/purchase", {"package": "holiday_bonus"}, key="k0")
    assert led.json() == first.json()

    other = program.post("/purchase", {"package": "professional"}, key="k0")
    again = program.post("/purchase", {"package": "holiday_bonus"}, key="k0")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert (again.status_code, again.json()) == (201, first.json())
    assert program.post("/consume", {"amount": 1}, key="k0").status_code == 422
