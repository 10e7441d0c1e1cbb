"""Auto-recharge on its page: saved, switched, errors beside the fields, never a charge that was not announced."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from creditapp import alerts, checkout, identity, ledger, recharge
from creditapp.checkout import PolarCustomer
from creditapp.db import db, transaction
from creditapp.gateway import Card, Charged, Payer
from creditapp.packages import CreditPackage
from tests.browsing import csrf_token
from tests.web.tree import Node, tree

PAGE = "/credits/settings/auto_recharge"
FIELDS = {
    "enabled": "on",
    "threshold": "50",
    "mode": "package",
    "package": "starter",
    "quantity": "1",
    "target": "",
    "monthly_cap": "200.00",
    "notify": "always",
}
VISA = Card(id="pm_1", brand="visa", last4="4242", expires="12/2029", is_default=True)


@pytest.fixture
def browser(
    client: FlaskClient, alice: identity.User, sign_in: Callable[..., None], shelf: dict[str, CreditPackage]
) -> FlaskClient:
    sign_in(client, alice)
    return client


@pytest.fixture
def card(account: int) -> Card:
    """Alice saved a card at Polar."""
    with transaction():
        checkout.remember_customer(account, "customer-1")
        checkout.cards_told(account, Payer(cards=(VISA,), has_address=True))
    return VISA


def saves(browser: FlaskClient, **fields: str) -> Any:
    form = {**FIELDS, **fields, "csrf_token": csrf_token(browser.get(PAGE))}
    return browser.post(PAGE, data={name: value for name, value in form.items() if value is not None})


def main(answer: Any, status: int = 200) -> Node:
    return tree(answer, status).with_id("main")


def plan(account: int) -> recharge.RechargePlan:
    found = recharge.plan_of(account)
    assert found is not None
    return found


def test_what_is_saved_stands_in_the_sentence_and_in_the_fields(browser: FlaskClient, account: int, card: Card) -> None:
    assert saves(browser).status_code == 303
    page = main(browser.get(PAGE))

    assert (
        "When available credits fall to 50 or below, buy Starter (1,000 for $10.00) with Visa ending in 4242."
        in page.words
    )
    assert "This month: $0.00 of $200.00. At most one charge an hour." in page.words
    assert page.with_id("threshold")["value"] == "50"
    assert recharge.state_of(plan(account))[0] == "on"


def test_without_a_card_it_is_saved_and_waits(browser: FlaskClient, account: int) -> None:
    assert saves(browser, threshold="500").status_code == 303

    page = main(browser.get(PAGE))
    assert "No card yet" in page.words
    assert recharge.state_of(plan(account))[0] == "no_card"
    assert [one.reason for one in recharge.attempts(account, 9)] == ["No card is saved yet."]


def test_saving_that_charges_at_once_needs_the_box_ticked(browser: FlaskClient, account: int, card: Card) -> None:
    refused = saves(browser, threshold="500")
    page = main(refused, 422)
    assert "saving will charge $10.00 now" in page.words
    assert page.with_id("threshold")["value"] == "500"
    assert recharge.plan_of(account) is None

    assert saves(browser, threshold="500", charge_now="on").status_code == 303
    [attempt] = recharge.attempts(account, 9)
    assert (attempt.state, attempt.amount_cents, attempt.payment_method_id) == ("requested", 1_000, "pm_1")
    assert "$10.00 is being charged now" in main(browser.get(PAGE)).words


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"threshold": ""}, "threshold", "Enter a whole number of credits, 0 or more."),
        ({"threshold": "-1"}, "threshold", "0 or more"),
        ({"threshold": "NaN"}, "threshold", "0 or more"),
        ({"threshold": "\u0665"}, "threshold", "0 or more"),
        ({"threshold": "1e99"}, "threshold", "0 or more"),
        ({"mode": "target", "target": "50"}, "target", "more credits than the threshold"),
        ({"mode": "target", "target": ""}, "target", "Enter a number"),
        ({"quantity": "0"}, "quantity", "1 to 100"),
        ({"quantity": "101"}, "quantity", "1 to 100"),
        ({"quantity": "1.5"}, "quantity", "whole number"),
        ({"monthly_cap": "9.99"}, "monthly_cap", "at least one purchase ($10.00)"),
        ({"monthly_cap": "20.001"}, "monthly_cap", "two decimals"),
        ({"monthly_cap": "50,00"}, "monthly_cap", "Enter an amount"),
        ({"monthly_cap": "lots"}, "monthly_cap", "Enter an amount"),
        ({"package": "nonsense"}, "package", "no such package"),
        ({"package": "holiday_bonus"}, "package", "limited offer"),
    ],
)
def test_what_can_t_be_saved_is_said_beside_the_field_and_nothing_is_saved(
    browser: FlaskClient, account: int, fields: dict[str, str], field: str, words: str
) -> None:
    page = main(saves(browser, **fields), 422)

    assert words in page.with_id(f"{field}-error").words
    assert recharge.plan_of(account) is None


def test_a_target_buys_as_many_packages_as_reach_it(browser: FlaskClient, account: int, card: Card) -> None:
    assert saves(browser, mode="target", target="3500", threshold="200", charge_now="on").status_code == 303

    [attempt] = recharge.attempts(account, 9)
    assert (attempt.quantity, attempt.credits, attempt.amount_cents) == (4, 4_000, 4_000)


def test_the_switch_turns_it_off_and_on(browser: FlaskClient, account: int) -> None:
    saves(browser)
    for enabled in (False, True):
        form = {"csrf_token": csrf_token(browser.get(PAGE))}
        assert browser.post("/credits/auto_recharge_toggle", data=form).status_code == 303
        assert plan(account).enabled is enabled


def test_switching_on_what_would_charge_at_once_asks_first(browser: FlaskClient, account: int, card: Card) -> None:
    saves(browser, enabled="", threshold="500")
    form = {"csrf_token": csrf_token(browser.get(PAGE))}
    asked = browser.post("/credits/auto_recharge_toggle", data=form)

    assert not plan(account).enabled
    assert recharge.attempts(account, 9) == []
    page = main(browser.get(asked.location))
    assert "saving will charge $10.00 now" in page.words
    assert browser.post("/credits/auto_recharge_toggle", data={**form, "charge_now": "on"}).status_code == 303
    assert plan(account).enabled
    assert len(recharge.attempts(account, 9)) == 1


def test_after_a_decline_the_page_says_why_and_try_again_charges_at_once(
    browser: FlaskClient, account: int, card: Card
) -> None:
    saves(browser, threshold="500", charge_now="on")
    attempt = recharge.attempts(account, 9)[0].id
    with transaction():
        recharge.claim(attempt)
        recharge.drafted(attempt, "order-1")
    with transaction():
        recharge.claim(attempt)
        recharge.settle(attempt, Charged("declined", "The card was declined."), why="Insufficient funds.")

    page = main(browser.get(PAGE))
    assert "Switched off: card declined" in page.words
    assert "Insufficient funds." in page.words
    assert not plan(account).enabled
    form = {"csrf_token": csrf_token(browser.get(PAGE))}
    assert browser.post("/credits/recharge_now", data=form).status_code == 303
    assert [one.state for one in recharge.attempts(account, 9)] == ["requested", "declined"]


def test_who_switches_it_off_is_not_reminded_of_what_went_wrong(browser: FlaskClient, account: int, card: Card) -> None:
    saves(browser, threshold="500", charge_now="on")
    attempt = recharge.attempts(account, 9)[0].id
    with transaction():
        recharge.claim(attempt)
        recharge.needs_set_up(attempt, "The billing address is missing.")
    assert "Auto-recharge needs you" in tree(browser.get("/credits")).with_id("banner").words

    form = {"csrf_token": csrf_token(browser.get(PAGE))}
    assert browser.post("/credits/auto_recharge_toggle", data=form).status_code == 303
    assert not plan(account).enabled
    assert "Auto-recharge" not in tree(browser.get("/credits")).with_id("banner").words
    assert [one.status for one in alerts.page(account, 9) if one.alert_type == "auto_recharge_failed"] == ["resolved"]


def test_the_settings_lead_to_the_card(browser: FlaskClient) -> None:
    forms = [form["action"] for form in main(browser.get("/credits/settings")).every("form")]

    assert any("card" in action for action in forms)


def test_an_account_in_debt_is_not_charged_and_says_so(browser: FlaskClient, account: int, card: Card) -> None:
    with transaction():
        bought = ledger.grant(account, Decimal(10), transaction_type="purchase", key="k", polar_order_id="o").id
        ledger.spend(account, ledger.Charge(amount=Decimal(110)))
        ledger.claw_back(account, Decimal(10), purchase_id=bought, key="r", description="Refund", polar_order_id="o")
    saves(browser, threshold="500")

    assert [one.state for one in recharge.attempts(account, 9)] == ["skipped"]
    assert "owes 10 credits" in main(browser.get(PAGE)).words


def test_only_the_newest_card_of_polars_is_charged(account: int, card: Card, shelf: dict[str, CreditPackage]) -> None:
    other = Card(id="pm_2", brand="mastercard", last4="4444", expires="01/2030", is_default=True)
    with transaction():
        assert checkout.cards_told(account, Payer(cards=(other,), has_address=True))

    row = db.session.get_one(PolarCustomer, account)
    assert (row.default_payment_method_id, row.card_last4) == ("pm_2", "4444")
