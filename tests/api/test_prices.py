"""Prices, for programs: the rate card, parameters of a charge, and what a charge would cost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from creditapp import clock, ledger, pricing
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from tests.browsing import Api

COMPLEX = {"operation_type": "ai_analysis", "quantity": 2, "parameters": {"complexity": "complex", "priority": "low"}}


@pytest.fixture
def program(
    account: int, shelf: dict[str, CreditPackage], make_key: Callable[..., str], api: Callable[..., Api]
) -> Api:
    """A program of Alice's, with every scope."""
    return api(make_key(account))


@pytest.mark.both_databases
def test_a_charge_with_parameters_costs_what_they_make_of_it(program: Api, account: int) -> None:
    answer = program.post("/consume", COMPLEX)

    assert (answer.status_code, answer.json["amount"]) == (201, 100)
    (charged,) = ledger.entries(account, ledger.Filters(transaction_type="consumption"))
    record = ledger.usage_of(charged)
    assert record is not None
    assert (charged.price_version, record.units_consumed, record.cost_per_unit) == ("2026-11", 2, 50)


@pytest.mark.both_databases
def test_the_lines_of_a_price_are_kept_and_the_callers_metadata_stays_its_own(program: Api) -> None:
    charged = program.post("/consume", {**COMPLEX, "metadata": {"job": 7}}).json

    found = program.get(f"/{charged['transaction_id']}").json

    assert found["metadata"] == {"job": 7}
    assert found["price_version"] == "2026-11"
    assert found["price_lines"] == [
        {"label": "2 × AI analysis", "rule": "2 × 25", "credits": 50},
        {"label": "Complexity: complex", "rule": "× 2.5", "credits": 75},
        {"label": "Priority: low", "rule": "× 0.8", "credits": -25},
    ]


def test_a_plain_price_needs_no_lines(program: Api, account: int) -> None:
    charged = program.post("/consume", {"operation_type": "ai_analysis"}).json

    found = program.get(f"/{charged['transaction_id']}").json

    assert (found["price_version"], found["price_lines"], found["metadata"]) == ("2026-11", [], {})


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"colour": "red"}, "bad_parameter", "It takes: complexity, priority, file_size."),
        ({"complexity": "hard"}, "bad_parameter", "complexity must be one of"),
        ({"complexity": 1.5}, "bad_parameter", "complexity must be one of"),
        ({"file_size": 10_000_000}, "bad_parameter", "is for more than 10 MB"),
        ({"file_size": 1.5}, "bad_parameter", "whole number of bytes"),
        ({"file_size": True}, "invalid_request", "must be a word or a number"),
        ({"file_size": None}, "invalid_request", "must be a word or a number"),
        ({"complexity": ["complex"]}, "invalid_request", "must be a word or a number"),
        ({"complexity": "x" * 101}, "invalid_request", "at most 100 characters"),
        ({"complexity": "\ud800"}, "invalid_request", "can't be stored"),
        ({"\ud800": "complex"}, "invalid_request", "can't be stored"),
        ({"": "complex"}, "invalid_request", "parameters"),
        ({f"p{number}": 1 for number in range(21)}, "invalid_request", "parameters"),
        (["complexity"], "invalid_request", "parameters"),
    ],
)
@pytest.mark.parametrize("path", ["/consume", "/estimate"])
def test_a_wrong_parameter_is_refused_in_words_and_charges_nothing(
    program: Api, account: int, path: str, parameters: Any, code: str, words: str
) -> None:
    answer = program.post(path, {"operation_type": "large_file_processing", "parameters": parameters}, key="k")

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert words in answer.json["detail"]
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"]
    assert ledger.balance(account).available == 100


def test_an_amount_of_ones_own_takes_no_parameters(program: Api) -> None:
    body = {"amount": 5, "operation_type": "ai_analysis", "parameters": {"complexity": "simple"}}

    assert program.post("/consume", body).status_code == 422


def test_nobody_writes_price_lines_of_their_own(program: Api, account: int) -> None:
    answer = program.post("/consume", {"amount": 5, "metadata": {"_price": {"lines": [["Gift", "", "0"]]}}})

    assert answer.status_code == 422
    assert ledger.balance(account).available == 100


@pytest.mark.both_databases
def test_other_parameters_under_the_same_key_are_another_request(program: Api, account: int) -> None:
    body = {"operation_type": "image_processing", "parameters": {"complexity": "simple"}}
    first = program.post("/consume", body, key="k")
    again = program.post("/consume", body, key="k")
    other = program.post("/consume", {**body, "parameters": {"complexity": "standard"}}, key="k")

    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")
    assert ledger.balance(account).available == 90


@pytest.mark.both_databases
def test_a_repetition_after_a_change_of_prices_is_still_the_first_charge(program: Api, account: int) -> None:
    first = program.post("/consume", {"operation_type": "api_call"}, key="k")
    later = clock.now() + timedelta(days=1)
    rate = pricing.Rate(key="basic_api_call", name="Basic API call", description="Simple", credits=Decimal(3))
    with transaction():
        card = pricing.RateCard(version="dearer", operations=(rate,), aliases={"api_call": "basic_api_call"})
        pricing.publish(card, holds_from=later)

    with clock.at(later):
        again = program.post("/consume", {"operation_type": "api_call"}, key="k")
        fresh = program.post("/consume", {"operation_type": "api_call"})

    assert again.json == first.json
    assert (first.json["amount"], fresh.json["amount"]) == (1, 3)


@pytest.mark.both_databases
def test_an_estimate_is_what_the_charge_will_be_and_charges_nothing(program: Api, account: int) -> None:
    estimated = program.post("/estimate", COMPLEX)

    assert estimated.status_code == 200
    assert estimated.json == {
        "operation_type": "ai_analysis",
        "quantity": 2,
        "cost": 100,
        "breakdown": [
            {"label": "2 × AI analysis", "rule": "2 × 25", "credits": 50},
            {"label": "Complexity: complex", "rule": "× 2.5", "credits": 75},
            {"label": "Priority: low", "rule": "× 0.8", "credits": -25},
        ],
        "price_version": "2026-11",
        "can_afford": True,
        "available": 100,
        "balance_after": 0,
        "shortfall": 0,
    }
    assert ledger.balance(account).available == 100
    charged = program.post("/consume", COMPLEX).json
    assert (charged["amount"], charged["balance_after"]) == (100, 0)


def test_what_can_not_be_afforded_says_how_much_is_missing(program: Api) -> None:
    answer = program.post("/estimate", {"operation_type": "ai_analysis", "quantity": 5}).json

    assert (answer["cost"], answer["can_afford"], answer["balance_after"]) == (125, False, None)
    assert answer["shortfall"] == 25


def test_an_estimate_of_an_explicit_amount_is_that_amount(program: Api) -> None:
    answer = program.post("/estimate", {"amount": "12.5", "operation_type": "own label"}).json

    assert (answer["cost"], answer["balance_after"], answer["price_version"]) == (12.5, 87.5, None)
    assert answer["breakdown"] == [{"label": "own label", "rule": "as given", "credits": 12.5}]


@pytest.mark.parametrize(("spend_in_debt", "can_afford"), [(False, False), (True, True)])
def test_whether_debt_stands_in_the_way_is_the_sellers_policy(
    program: Api, account: int, spend_in_debt: bool, can_afford: bool, app: Any
) -> None:
    app.extensions["ledger_policy"] = ledger.Policy(spend_in_debt=spend_in_debt)
    with transaction():
        db.session.get_one(ledger.Account, account).debt = Decimal(7)

    answer = program.post("/estimate", {"operation_type": "api_call"}).json

    assert (answer["can_afford"], answer["shortfall"]) == (can_afford, 0 if can_afford else 7)


@pytest.mark.parametrize("quantity", [1_000_000])
def test_a_price_that_nobody_could_pay_at_once_is_refused(program: Api, quantity: int) -> None:
    body = {
        "operation_type": "large_file_processing",
        "quantity": quantity,
        "parameters": {"complexity": "advanced", "priority": "urgent", "file_size": 10**12},
    }

    for path in ("/estimate", "/consume"):
        assert (program.post(path, body).status_code, program.post(path, body).json["code"]) == (422, "invalid_amount")


def test_an_estimate_of_an_unknown_operation_is_refused(program: Api) -> None:
    assert program.post("/estimate", {"operation_type": "teleportation"}).json["code"] == "unknown_operation"
    assert program.post("/estimate", {}).status_code == 422


def test_an_estimate_and_the_prices_need_a_key_that_may_read(
    account: int, make_key: Callable[..., str], api: Callable[..., Api]
) -> None:
    spender, reader = api(make_key(account, scopes=("consume",))), api(make_key(account, scopes=("read",)))
    body = {"operation_type": "api_call"}

    assert (spender.post("/estimate", body).status_code, spender.get("/prices").status_code) == (403, 403)
    assert (reader.post("/estimate", body).status_code, reader.get("/prices").status_code) == (200, 200)
    assert (api(None).post("/estimate", body).status_code, api(None).get("/prices").status_code) == (401, 401)


def test_the_price_list_names_every_operation_with_its_price(program: Api) -> None:
    answer = program.get("/prices").json

    assert (answer["version"], answer["holds_from"], answer["coming"]) == ("2026-11", None, [])
    assert {item["operation_type"]: item["credits"] for item in answer["items"]} == {
        "basic_api_call": 1,
        "advanced_api_call": 5,
        "image_processing": 10,
        "ai_analysis": 25,
        "large_file_processing": 50,
        "data_export": 15,
    }
    assert answer["aliases"] == {"api_call": "basic_api_call"}
    basic, large = answer["items"][0], answer["items"][4]
    assert basic["parameters"]["complexity"] == {
        "choices": {"simple": 1, "standard": 1.5, "complex": 2.5, "advanced": 4}
    }
    assert (basic["rounding"], basic["minimum"], basic["steps"]) == (0.1, None, [])
    assert large["parameters"]["file_size"]["above"] == 10_000_000


def test_the_price_list_says_from_when_another_holds(program: Api) -> None:
    later = datetime(2090, 1, 1, tzinfo=UTC)
    with transaction():
        pricing.publish(pricing.FIRST_CARD.model_copy(update={"version": "2090"}), holds_from=later)

    assert program.get("/prices").json["coming"] == [{"version": "2090", "holds_from": "2090-01-01T00:00:00Z"}]
    with clock.at(later):
        answer = program.get("/prices").json
    assert (answer["version"], answer["holds_from"]) == ("2090", "2090-01-01T00:00:00Z")
