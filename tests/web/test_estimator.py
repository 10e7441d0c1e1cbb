"""The estimator: live and without a script, and never another price than the charge's."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import ledger
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from tests.browsing import Api
from tests.web.tree import Node, tree

ADDRESS = "/credits/estimate"


def asked(browser: FlaskClient, status: int = 200, **typed: str) -> Node:
    """The page for what was typed."""
    return tree(browser.get(ADDRESS, query_string=typed), status).with_id("main")


def stated(page: Node) -> dict[str, str]:
    """What the estimate states, by its label."""
    return {term.words: definition.words for term, definition in zip(page.every("dt"), page.every("dd"), strict=True)}


def lines(page: Node) -> list[list[str]]:
    return [[cell.words for cell in row.every("th") + row.every("td")] for row in page.one("tbody").every("tr")]


def call(page: Node, language: str) -> str:
    """The call to copy."""
    (button,) = page.every("button", aria_label=f"Copy the call in {language}")
    return button["data-copy"]


@pytest.mark.both_databases
def test_it_tells_the_lines_whether_it_can_be_afforded_and_what_is_left(browser: FlaskClient) -> None:
    page = asked(browser, operation_type="ai_analysis", quantity="2", complexity="standard", priority="low")

    assert lines(page) == [
        ["2 × AI analysis", "2 × 25", "50"],
        ["Complexity: standard", "× 1.5", "+25"],
        ["Priority: low", "× 0.8", "−15"],
    ]
    assert page.one("tfoot").words == "Total60"
    assert "You can afford this" in page.words
    assert stated(page) == {"Available now": "100", "Available after this": "40", "Price list": "2026-11"}


def test_the_first_visit_shows_one_of_the_first_operation(browser: FlaskClient) -> None:
    page = asked(browser)

    assert page.one("tfoot").words == "Total1"
    assert "1 credit" in page.words


def test_what_is_typed_stays_in_its_field(browser: FlaskClient) -> None:
    page = asked(browser, operation_type="data_export", quantity="1,000", priority="high", file_size_mb="12.5")

    chosen = {option["value"] for option in page.every("option") if "selected" in option.attributes}
    assert chosen == {"data_export", "high"}
    assert [page.with_id(name)["value"] for name in ("quantity", "file_size_mb")] == ["1,000", "12.5"]
    assert page.one("tfoot").words == "Total112,500"


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"quantity": "0"}, "quantity", "Enter a whole number from 1 to 1,000,000."),
        ({"quantity": "-3"}, "quantity", "Enter a whole number"),
        ({"quantity": "1.5"}, "quantity", "Enter a whole number"),
        ({"quantity": "many"}, "quantity", "Enter a whole number"),
        ({"quantity": "٣"}, "quantity", "Enter a whole number"),
        ({"quantity": "1000001"}, "quantity", "Enter a whole number"),
        ({"operation_type": "teleportation"}, "operation_type", "This is not on the price list."),
        ({"complexity": "hard"}, "complexity", "Choose one of: simple, standard, complex, advanced."),
        ({"file_size_mb": "huge"}, "file_size_mb", "Enter a size in MB, such as 12.5."),
        ({"file_size_mb": "-1"}, "file_size_mb", "Enter a size in MB"),
        ({"file_size_mb": "NaN"}, "file_size_mb", "Enter a size in MB"),
        ({"file_size_mb": "1e39"}, "file_size_mb", "Enter a size in MB"),
        ({"file_size_mb": "1e999999"}, "file_size_mb", "Enter a size in MB"),
        (
            {"operation_type": "large_file_processing", "file_size_mb": "1000000001"},
            "file_size_mb",
            "Enter a size in MB",
        ),
        (
            {"operation_type": "large_file_processing", "file_size_mb": "10"},
            "file_size_mb",
            "Large file processing is for more than 10 MB.",
        ),
        (
            {
                "operation_type": "large_file_processing",
                "quantity": "1000000",
                "file_size_mb": "5000",
                "complexity": "advanced",
                "priority": "urgent",
            },
            "quantity",
            "This is more than can be charged at once.",
        ),
    ],
)
def test_what_can_not_be_read_is_said_beside_its_field(
    browser: FlaskClient, typed: dict[str, str], field: str, words: str
) -> None:
    page = asked(browser, 422, **typed)

    assert words in page.with_id(f"{field}-error").words
    assert page.with_id(field)["aria-invalid"] == "true"
    assert "There is no price for this yet." in page.words


def test_what_can_not_be_afforded_leads_to_the_package_that_makes_it_so(
    browser: FlaskClient, shelf: dict[str, CreditPackage]
) -> None:
    page = asked(browser, operation_type="ai_analysis", quantity="50")

    assert "You can’t afford this yet" in page.words
    assert stated(page)["You are short"] == "1,150"
    assert "/credits/packages?package=professional" in {link["href"] for link in page.every("a")}


def test_who_owes_credits_is_told_so(browser: FlaskClient, account: int) -> None:
    with transaction():
        db.session.get_one(ledger.Account, account).debt = Decimal(7)

    page = asked(browser)

    assert (stated(page)["You are short"], stated(page)["Your account owes"]) == ("7", "7")


def test_htmx_gets_the_estimator_alone(browser: FlaskClient) -> None:
    answer = browser.get(ADDRESS, query_string={"quantity": "3"}, headers={"HX-Target": "div#estimator"})

    assert answer.text.lstrip().startswith('<div class="grid" id="estimator">')
    assert tree(answer).one("tfoot").words == "Total3"


def test_the_calls_to_copy_charge_exactly_the_estimate(
    app: Flask, browser: FlaskClient, account: int, make_key: Callable[..., str], api: Callable[[str | None], Api]
) -> None:
    page = asked(browser, operation_type="image_processing", quantity="2", complexity="standard", file_size_mb="0.5")
    curl, python = call(page, "curl"), call(page, "Python")

    shell_body = json.loads(re.findall(r"-d '(.*)'", curl, re.DOTALL)[0])
    python_body: Any = json.loads(re.findall(r"json=(.*),\n    timeout", python, re.DOTALL)[0])
    compile(python, "the call", "exec")
    charged = api(make_key(account)).post("/consume", shell_body)

    assert shell_body == python_body
    assert shell_body["parameters"] == {"complexity": "standard", "file_size": 500_000}
    assert f"{charged.json['amount']}" == page.one("tfoot").words.removeprefix("Total") == "30"
    assert "/api/credits/consume" in curl


def test_it_is_in_the_navigation(browser: FlaskClient) -> None:
    (item,) = [link for link in tree(browser.get("/credits")).one("nav").every("a") if link.words == "Estimator"]

    assert item["href"] == ADDRESS


def test_half_a_number_is_no_error_while_one_types(browser: FlaskClient) -> None:
    answer = browser.get(ADDRESS, query_string={"quantity": ""}, headers={"HX-Target": "div#estimator"})
    half = browser.get(ADDRESS, query_string={"file_size_mb": "."}, headers={"HX-Target": "div#estimator"})

    assert (answer.status_code, half.status_code) == (200, 200)
    assert "Enter a size in MB" in tree(half).with_id("file_size_mb-error").words
