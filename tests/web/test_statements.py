"""The monthly statement: it says what moved, it ties out, and only its owner sees it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import checkout, clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from tests.web.seeing import DAY, NOON, grant, set_account, signed_up, spend, spend_at
from tests.web.tree import Node, tree

ADDRESS = "/credits/statements"
NO_DEBT_SHOWN = 3  # tables: movements, usage, purchases

on_both = pytest.mark.both_databases


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


@pytest.fixture
def october(account: int, shelf: dict[str, CreditPackage]) -> int:
    """An October with everything in it, after a September with the welcome alone."""
    with clock.at(datetime(2026, 10, 3, 9, tzinfo=UTC)):
        bought = grant(account, 5_000, description="Professional package", polar_order_id="order-1")
        _ordered(account, bought)
    with clock.at(datetime(2026, 10, 5, 9, tzinfo=UTC)):
        grant(account, 40, transaction_type="bonus", expires_at=datetime(2026, 10, 20, tzinfo=UTC))
        failed = spend(account, 25, "ai_analysis")
        spend(account, 25, "ai_analysis")
        spend(account, 10, "image_processing")
        with transaction():
            ledger.reverse(account, failed, key=None)
            ledger.adjust(account, Decimal("-0.5"), reason="Counted twice", key="adjust:1")
    with clock.at(datetime(2026, 10, 21, tzinfo=UTC)), transaction():
        ledger.expire(account)
    with clock.at(datetime(2026, 10, 25, tzinfo=UTC)), transaction():
        ledger.claw_back(
            account,
            Decimal(1_000),
            purchase_id=bought.id,
            key="refund:1",
            description="Refund",
            polar_order_id="order-1",
        )
    return account


def _ordered(account: int, bought: ledger.CreditTransaction) -> None:
    amounts = {"subtotal_amount": 4_000, "discount_amount": 0, "net_amount": 4_000, "refunded_amount": 0}
    order: dict[str, Any] = {**amounts, "tax_amount": 760, "total_amount": 4_760, "currency": "usd"}
    with transaction():
        db.session.add(
            checkout.Order(
                polar_order_id="order-1",
                state="credited",
                account_id=account,
                credit_transaction_id=bought.id,
                credits=bought.amount,
                invoice_number="CRED-0001",
                ordered_at=clock.now(),
                recorded_at=clock.now(),
                **order,
            )
        )


def statement(browser: FlaskClient, month: str, status: int = 200) -> Node:
    return tree(browser.get(f"{ADDRESS}/{month}"), status)


def rows(table: Node) -> list[str]:
    """The cells of each row, in words."""
    cells = [[cell.words for cell in row.inside if isinstance(cell, Node)] for row in table.every("tr")]
    return [" ".join(filter(None, row)) for row in cells[1:]]


@on_both
def test_a_month_says_what_moved_and_ties_out(browser: FlaskClient, october: int) -> None:
    shown = statement(browser, "2026-10")
    moved, used, bought = shown.every("table")

    assert rows(moved) == [
        "Opening balance, 1 Oct 100",
        "Purchased 1 +5,000",
        "Bonuses 1 +40",
        "Used 3 \u221260",
        "Given back after failures 1 +25",
        "Refunded 1 \u22121,000",
        "Expired 1 \u221224.5",
        "Adjusted 1 \u22120.5",
        "Closing balance, 31 Oct 9 4,080",
    ]
    assert "Opening and every movement make closing. Transactions 2 to 10, none missing." in shown.words
    assert rows(used) == ["AI analysis 2 50", "Image processing 1 10", "Total 3 60"]
    professional = "3 Oct 2026 Professional package3 Oct 2026 Receipt of 3 Oct 2026Invoice CRED-0001order-1"
    assert rows(bought) == [
        f"{professional} 5,000 $47.60with $7.60 tax",
        "Total 5,000 $47.60",
    ]


@on_both
def test_what_is_owed_stands_apart(browser: FlaskClient, account: int, shelf: dict[str, CreditPackage]) -> None:
    with clock.at(NOON - 20 * DAY):
        bought = grant(account, 1_000, polar_order_id="order-1")
        spend(account, 1_080)
    with clock.at(NOON - 19 * DAY), transaction():
        ledger.claw_back(
            account, Decimal(1_000), purchase_id=bought.id, key="r", description="Refund", polar_order_id="order-1"
        )
    with clock.at(NOON - 18 * DAY):
        grant(account, 500)

    shown = statement(browser, "2026-11")
    moved, owed, *_ = shown.every("table")

    assert rows(owed) == [
        "Owed on 1 Nov 0",
        "Owed after refunds +980",
        "Adjusted or forgiven 0",
        "Repaid \u2212500",
        "Owed now 480",
    ]
    assert "Taken to repay debt 1 \u2212500" in rows(moved)
    assert rows(moved)[-1] == "Balance so far 5 0"
    assert "Opening and every movement make the balance." in shown.words


def test_without_debt_there_is_no_word_of_it(browser: FlaskClient, october: int) -> None:
    shown = statement(browser, "2026-10")

    assert len(shown.every("table")) == NO_DEBT_SHOWN
    assert "repay" not in shown.words


def test_days_are_those_of_the_account(browser: FlaskClient, account: int) -> None:
    spend_at(datetime(2026, 10, 31, 18, 14, tzinfo=UTC), account, 1)
    spend_at(datetime(2026, 10, 31, 18, 15, tzinfo=UTC), account, 2)

    set_account(account, time_zone="Asia/Kathmandu")

    assert "Used 1 \u22121" in rows(statement(browser, "2026-10").every("table")[0])
    assert "Used 1 \u22122" in rows(statement(browser, "2026-11").every("table")[0])


def test_a_month_in_which_nothing_moved_says_so(browser: FlaskClient, october: int) -> None:
    shown = statement(browser, "2026-11")

    assert "Nothing moved in this month." in shown.words
    assert "Balance so far 0 4,080" in rows(shown.every("table")[0])
    assert "Nothing was used." in shown.words
    assert "Nothing was bought." in shown.words


def test_the_list_has_every_month_with_movements_the_latest_first(browser: FlaskClient, october: int) -> None:
    shown = tree(browser.get(ADDRESS))

    assert rows(shown.one("table")) == ["October 2026 9 4,080", "September 2026 1 100"]
    spend(october, 1)
    assert rows(tree(browser.get(ADDRESS)).one("table"))[0] == "November 2026so far 1 4,079"


def test_months_lead_to_their_neighbours(browser: FlaskClient, october: int) -> None:
    links = [link["href"] for link in statement(browser, "2026-10").one("nav", aria_label="Statements").every("a")]

    assert links == [ADDRESS, f"{ADDRESS}/2026-09", f"{ADDRESS}/2026-11"]


@pytest.mark.parametrize("month", ["2026-08", "2026-12", "2026-13", "2026-1", "november", "9999-12", "0001-01"])
def test_a_month_that_is_not_there_is_answered_in_words(browser: FlaskClient, account: int, month: str) -> None:
    shown = statement(browser, month, 404)

    assert f"No statement of \u201c{month}\u201d" in shown.words
    assert "from September 2026 to November 2026" in shown.words


def test_strangers_see_their_own_and_visitors_sign_in(
    app: Flask, client: FlaskClient, october: int, sign_in: Callable[[FlaskClient, identity.User], None]
) -> None:
    assert client.get(f"{ADDRESS}/2026-10").status_code == 303
    with clock.at(NOON):
        sign_in(client, signed_up(app, "charlie@example.com"))
        shown = statement(client, "2026-10")

    assert "Opening balance, 1 Oct 100" in rows(shown.every("table")[0])
    assert "alice@example.com" not in shown.words
    assert "Professional" not in shown.words


def test_each_line_leads_to_its_movements(browser: FlaskClient, october: int) -> None:
    shown = statement(browser, "2026-10")

    for link in shown.every("table")[0].every("a"):
        page = tree(browser.get(link["href"].replace("&amp;", "&")))
        assert len(page.with_id("rows").one("tbody").every("tr")) == (3 if "consumption" in link["href"] else 1)
