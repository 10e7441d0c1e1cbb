"""One transaction: everything about it, and only for whose it is."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import checkout, clock, gateway, identity, ledger, packages, usage
from creditapp.db import transaction
from tests.web.seeing import DAY, HOUR, NOON, grant, set_account, signed_up, spend
from tests.web.tree import Node, tree


@pytest.fixture
def alice(app: Flask) -> identity.User:
    return signed_up(app, "alice@example.com")


@pytest.fixture
def browser(
    client: FlaskClient, alice: identity.User, sign_in: Callable[[FlaskClient, identity.User], None]
) -> Iterator[FlaskClient]:
    with clock.at(NOON):
        sign_in(client, alice)
        yield client


def shown(browser: FlaskClient, transaction_id: int) -> Node:
    return tree(browser.get(f"/credits/{transaction_id}")).with_id("main")


def facts(page: Node) -> dict[str, str]:
    """What the page states, by its label."""
    return {term.words: definition.words for term, definition in zip(page.every("dt"), page.every("dd"), strict=True)}


def copied(page: Node) -> list[str]:
    """The ids that have a copy button."""
    return [button["data-copy"] for button in page.every("button") if "data-copy" in button.attributes]


@pytest.mark.both_databases
def test_a_charge_is_explained_to_the_last_unit(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="Europe/Berlin")
    charge = ledger.Charge(
        amount=Decimal(1),
        operation_type="image_processing",
        operation_id="job-7",
        description="Portraits",
        api_endpoint="/v1/images",
        request_id="req-9",
        started_at=NOON - timedelta(seconds=5),
        completed_at=NOON,
        details={"size": "large", "tags": ["a", "ü"]},
    )
    with transaction():
        spent = usage.consume(account, charge, quantity=3).transaction_id

    page = shown(browser, spent)

    assert page.one("h1").words == "Transaction 2"
    assert "Portraits × 3" in page.words
    assert "−30 credits" in page.words
    stated = facts(page)
    assert stated["Balance"] == "100 → 70"
    assert stated["Time"] == "24 Nov 2026, 13:00:002026-11-24 12:00:00 UTC"
    assert stated["Operation"] == "Image processingimage_processing"
    assert stated["Price"] == "3 × 10 = 30 creditsRate card 2026-11"
    assert stated["Endpoint"] == "/v1/images"
    assert copied(page) == [str(spent), "job-7", "req-9"]
    assert '"tags": [ "a", "ü" ]' in page.one("pre").words


def test_an_explicit_amount_names_no_rate_card(browser: FlaskClient, account: int) -> None:
    page = shown(browser, spend(account, "12.345678", "my own label"))

    assert facts(page)["Price"] == "1 × 12.345678 = 12.345678 creditsThe amount was given by the caller"
    assert facts(page)["Operation"] == "my own label"


@pytest.mark.both_databases
def test_the_credits_that_paid_are_named_in_the_order_they_were_spent(browser: FlaskClient, account: int) -> None:
    bought = grant(account, 500).id
    spent = spend(account, 130)

    page = shown(browser, spent)

    (table,) = page.every("table")
    rows = [[cell.words for cell in row.inside if isinstance(cell, Node)] for row in table.one("tbody").every("tr")]
    assert [(row[0].split("from")[0], row[1]) for row in rows] == [
        ("Bonus credits", "100"),
        ("Purchased credits", "30"),
    ]
    assert table.every("a")[1]["href"] == f"/credits/{bought}"


@pytest.mark.both_databases
def test_credits_that_came_in_say_what_is_left_of_them(browser: FlaskClient, account: int) -> None:
    lot = grant(account, 400, transaction_type="bonus", expires_at=NOON + 20 * DAY).id
    spend(account, 130)

    page = shown(browser, lot)

    assert "270 of 400 unspent" in page.words
    assert "They expire on 14 Dec 2026, 12:00" in page.words
    assert page.one("rect", class_="f-avail")["width"] == "67.50%"


def test_spent_credits_and_expired_credits_are_told_apart(browser: FlaskClient, account: int) -> None:
    lot = grant(account, 400, transaction_type="bonus", expires_at=NOON + HOUR).id
    bought = grant(account, 50).id
    assert "50 of 50 unspent These credits never expire" in shown(browser, bought).words.replace("  ", " ")

    with clock.at(NOON + HOUR):
        page = shown(browser, lot)
        assert "0 of 400 unspent" in page.words
        assert "What was left expired on 24 Nov 2026, 13:00" in page.words


def test_an_expiry_leads_back_to_where_the_credits_came_in(browser: FlaskClient, account: int) -> None:
    lot = grant(account, 400, transaction_type="bonus", expires_at=NOON + HOUR).id
    with clock.at(NOON + HOUR):
        with transaction():
            ledger.expire(account)
        newest = ledger.entries(account, limit=1)[0]
        page = shown(browser, newest.id)

    assert "−400 credits" in page.words
    assert page.every("dd")[-1].one("a")["href"] == f"/credits/{lot}"


def order(account: int, shelf: dict[str, packages.CreditPackage], *, refunded: int = 0) -> gateway.PolarOrder:
    """A Professional package, as Polar tells of it."""
    return gateway.PolarOrder(
        id="order-1",
        status="refunded" if refunded else "paid",
        paid=True,
        product_id=shelf["professional"].polar_product_id,
        customer_id="customer-1",
        external_customer_id=str(account),
        our_checkout_id=None,
        subtotal_amount=4_000,
        discount_amount=0,
        net_amount=4_000,
        tax_amount=760,
        total_amount=4_760,
        refunded_amount=refunded,
        currency="usd",
        invoice_number="CR-0001",
        modified_at=clock.now() if refunded else None,
        created_at=NOON,
    )


def test_a_purchase_shows_what_was_paid_and_leads_to_the_receipt(
    browser: FlaskClient, account: int, shelf: dict[str, packages.CreditPackage]
) -> None:
    with transaction():
        bought = checkout.fulfil(order(account, shelf)).credit_transaction_id
    assert bought is not None

    page = shown(browser, bought)

    stated = facts(page)
    assert stated["Paid"] == "$47.60, of which $7.60 tax"
    assert stated["Per 1,000"] == "$8.00"
    assert stated["Invoice"] == "CR-0001"
    assert page.one("a", href=f"/credits/{bought}/receipt").words == "Receipt"
    assert "order-1" in copied(page)


@pytest.mark.both_databases
def test_a_refund_of_spent_credits_says_how_much_of_it_is_debt(
    browser: FlaskClient, account: int, shelf: dict[str, packages.CreditPackage]
) -> None:
    with transaction():
        bought = checkout.fulfil(order(account, shelf)).credit_transaction_id
    spend(account, 5_000)
    with transaction():
        checkout.follow(order(account, shelf, refunded=4_000))
    refund = ledger.entries(account, ledger.Filters("refund"))[0]
    assert (refund.amount, refund.debt_change) == (-100, 4_900)

    page = shown(browser, refund.id)
    stated = facts(page)

    assert "\u22125,000 credits, 4,900 of them as debt: they had been spent" in page.words
    assert stated["Balance"] == "100 \u2192 0"
    assert stated["Debt"] == "+4,900"
    assert stated["Refunded"] == "$40.00 of $40.00 in all"
    assert page.one("a", href=f"/credits/{bought}").words == "with this purchase"
    assert not {"Per 1,000", "Paid"} & set(stated)


def test_forgiven_debt_and_debt_repaid_say_what_they_are(
    browser: FlaskClient, account: int, shelf: dict[str, packages.CreditPackage]
) -> None:
    with transaction():
        checkout.fulfil(order(account, shelf))
    spend(account, 5_100)
    with transaction():
        checkout.follow(order(account, shelf, refunded=4_000))
        forgiven = ledger.write_off(account, Decimal(3_000), reason="Goodwill", key="forgiven").id
    grant(account, 500)
    repaid = ledger.entries(account, ledger.Filters("repayment"))[0].id

    assert "+3,000 credits, 3,000 of them owed, and forgiven" in shown(browser, forgiven).words
    assert "\u2212500 credits" in shown(browser, repaid).words
    assert "of them" not in shown(browser, repaid).words


def test_what_callers_write_is_shown_not_run(browser: FlaskClient, account: int) -> None:
    evil = "<script>alert(1)</script>"
    spent = spend(account, 1, operation=evil, description=evil, operation_id=evil, details={"x": evil})

    answer = browser.get(f"/credits/{spent}")

    assert evil not in answer.text
    assert evil in tree(answer).with_id("main").words


def test_another_accounts_transaction_does_not_exist(browser: FlaskClient, app: Flask, account: int) -> None:
    other = identity.account_id_of(signed_up(app, "charlie@example.com"))
    theirs = spend(other, 1)

    answers = [browser.get(f"/credits/{transaction_id}") for transaction_id in (theirs, 10**6, 2**63, 10**30)]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len({answer.text for answer in answers}) == 1


def test_a_visitor_is_sent_to_sign_in_and_back(client: FlaskClient, account: int) -> None:
    answer = client.get("/credits/1")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/credits/1")


@pytest.mark.both_databases
def test_a_price_with_parameters_is_told_line_by_line(browser: FlaskClient, account: int) -> None:
    charge = ledger.Charge(amount=Decimal(1), operation_type="basic_api_call", details={"job": 7})
    parameters = {"complexity": "standard", "priority": "high"}
    with transaction():
        spent = usage.consume(account, charge, quantity=3, parameters=parameters).transaction_id

    page = shown(browser, spent)

    (table,) = [table for table in page.every("table") if table.every("tfoot")]
    assert [row.words for row in table.one("tbody").every("tr")] == [
        "3 × Basic API call3 × 13",
        "Complexity: standard× 1.5+1.5",
        "Priority: high× 1.5+2.25",
        "Rounded upto the next 0.1+0.05",
    ]
    assert table.one("tfoot").words == "Total6.8"
    assert facts(page)["Price"] == "6.8 credits, as belowRate card 2026-11"
    assert page.one("pre").words == '{ "job": 7 }'


@pytest.mark.both_databases
def test_a_charge_and_what_was_given_back_of_it_lead_to_each_other(browser: FlaskClient, account: int) -> None:
    charged, other = spend(account, 30), spend(account, 5)
    with transaction():
        reversals = [ledger.reverse(account, charged, Decimal(part), key=None).id for part in (10, 20)]

    page = shown(browser, charged)
    assert facts(page)["Given back"] == "+10 on 24 Nov 2026 +20 on 24 Nov 2026"
    leads_to = [link["href"] for link in page.every("a")]
    assert [f"/credits/{reversal}" in leads_to for reversal in reversals] == [True, True]
    for reversal in reversals:
        back = shown(browser, reversal)
        assert facts(back)["Was charged"] == "with this operation"
        assert f"/credits/{charged}" in [link["href"] for link in back.every("a")]
    assert "Given back" not in facts(shown(browser, other))


@pytest.mark.both_databases
def test_a_purchase_names_what_was_taken_back_of_it_owed_credits_too(browser: FlaskClient, account: int) -> None:
    bought = grant(account, 500).id
    spend(account, 550)
    with transaction():
        ledger.claw_back(
            account, Decimal(500), purchase_id=bought, key="r", description="refund", polar_order_id="order-1"
        )

    assert facts(shown(browser, bought))["Taken back"] == "−500 on 24 Nov 2026"
