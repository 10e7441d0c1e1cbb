import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from creditapp import checkout, identity, ledger
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from tests.browsing import Api

Shelf = dict[str, CreditPackage]


@pytest.fixture
def program(account: int, shelf: Shelf, make_key: Callable[..., str], api: Callable[..., Api]) -> Api:
    """A program of Alice's, with every scope."""
    return api(make_key(account))


def rows(account: int) -> list[ledger.CreditTransaction]:
    return list(ledger.entries(account, ledger.Filters(transaction_type="consumption"), limit=100))


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("operation", "price"),
    [
        ("basic_api_call", 1),
        ("api_call", 1),
        ("advanced_api_call", 5),
        ("image_processing", 10),
        ("ai_analysis", 25),
        ("large_file_processing", 50),
        ("data_export", 15),
    ],
)
def test_each_operation_costs_what_the_rate_card_says(program: Api, account: int, operation: str, price: int) -> None:
    answer = program.post("/consume", {"operation_type": operation})

    assert answer.status_code == 201
    assert answer.json["amount"] == price
    assert answer.headers["X-Credits-Charged"] == str(price)
    assert answer.headers["X-Credits-Available"] == str(100 - price)
    assert ledger.balance(account).available == 100 - price
    assert rows(account)[0].price_version == "2026-11"


def test_a_quantity_is_charged_at_once(program: Api, account: int) -> None:
    assert program.post("/consume", {"operation_type": "ai_analysis", "quantity": 3}).json["amount"] == 75
    usage = ledger.usage_of(rows(account)[0])
    assert usage is not None
    assert (usage.units_consumed, usage.cost_per_unit, usage.credits_consumed) == (3, 25, 75)


@pytest.mark.parametrize(("told", "kept"), [("req-7", "req-7"), ("", None), ("x" * 65, None), ("caf\u00e9", None)])
def test_what_the_caller_calls_its_request_is_kept_with_the_usage(
    program: Api, account: int, told: str, kept: str | None
) -> None:
    program.post("/consume", {"amount": 1}, headers={"X-Request-Id": told})
    batch = {"items": [{"amount": 1, "key": "a"}, {"amount": 1, "key": "b"}]}
    program.post("/consume/batch", batch, headers={"X-Request-Id": told})
    held = program.post("/holds", {"amount": 1}).json["hold_id"]
    program.post(f"/holds/{held}/capture", {}, headers={"X-Request-Id": told})

    found = [ledger.usage_of(row) for row in rows(account) if row.transaction_type == "consumption"]
    assert [record and record.request_id for record in found] == [kept] * 4


def test_the_answer_says_what_was_and_what_is(program: Api, account: int) -> None:
    answer = program.post("/consume", {"amount": 0.1, "operation_type": "own label"})

    assert answer.json == {
        "transaction_id": str(rows(account)[0].id),
        "operation_type": "own label",
        "amount": 0.1,
        "balance": 99.9,
        "available": 99.9,
        "balance_before": 100,
        "balance_after": 99.9,
    }
    assert '"balance_before":100,' in answer.text


@pytest.mark.parametrize(("amount", "text"), [("0.000001", "0.000001"), ("12.50", "12.5"), ("3.0", "3"), (7, "7")])
def test_amounts_are_exact_and_plainly_written(program: Api, amount: Any, text: str) -> None:
    assert f'"amount":{text},' in program.post("/consume", {"amount": amount}).text


@pytest.mark.both_databases
def test_everything_said_of_an_operation_is_kept(program: Api, account: int) -> None:
    body = {
        "operation_type": "data_export",
        "operation_id": "job-7",
        "description": "Nightly export",
        "metadata": {"rows": 5, "nested": {"ok": True}, "share": 0.5},
        "api_endpoint": "/v1/export",
        "started_at": "2026-11-23T14:21:00Z",
        "completed_at": "2026-11-23T15:21:05+01:00",
    }
    found = program.get(f"/{program.post('/consume', body).json['transaction_id']}").json

    assert {name: found[name] for name in ("operation_type", "operation_id", "description", "metadata")} == {
        name: body[name] for name in ("operation_type", "operation_id", "description", "metadata")
    }
    usage = ledger.usage_of(rows(account)[0])
    assert usage is not None
    assert usage.api_endpoint == "/v1/export"
    assert usage.started_at is not None
    assert usage.completed_at is not None
    assert (usage.completed_at - usage.started_at).total_seconds() == 5


@pytest.mark.both_databases
def test_a_repetition_gets_the_first_answer_and_charges_nothing(program: Api, account: int) -> None:
    first = program.post("/consume", {"operation_type": "ai_analysis"}, key="k")
    program.post("/consume", {"amount": 1})
    again = program.post("/consume", {"quantity": 1, "operation_type": "ai_analysis", "parameters": {}}, key="k")

    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert ledger.balance(account).available == 74


@pytest.mark.both_databases
def test_a_key_used_for_another_request_is_refused(program: Api, account: int) -> None:
    program.post("/consume", {"operation_type": "ai_analysis"}, key="k")
    answer = program.post("/consume", {"operation_type": "ai_analysis", "quantity": 2}, key="k")

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")
    assert len(rows(account)) == 1


def test_a_key_is_free_on_another_account(
    program: Api, charlie: identity.User, make_key: Callable[..., str], api: Callable[..., Api]
) -> None:
    other = api(make_key(identity.account_id_of(charlie)))
    first = program.post("/consume", {"amount": 5}, key="k").json
    second = other.post("/consume", {"amount": 6}, key="k").json

    assert first["transaction_id"] != second["transaction_id"]


@pytest.mark.both_databases
def test_a_refused_key_works_after_a_top_up(program: Api, account: int) -> None:
    assert program.post("/consume", {"amount": 500}, key="k").status_code == 402
    with transaction():
        ledger.grant(account, Decimal(1_000), transaction_type="bonus", key="top-up")

    assert program.post("/consume", {"amount": 500}, key="k").status_code == 201


@pytest.mark.both_databases
def test_a_repetition_beats_a_refusal(program: Api) -> None:
    first = program.post("/consume", {"amount": 100}, key="k")

    assert program.post("/consume", {"amount": 100}, key="k").json == first.json


def test_a_key_that_opened_a_purchase_can_not_charge(program: Api, account: int) -> None:
    with transaction():
        checkout.request(account, "starter", key="api:k")
    answer = program.post("/consume", {"amount": 1}, key="k")

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_mismatch")
    assert rows(account) == []


def test_too_little_is_refused_with_what_to_do_about_it(program: Api, account: int) -> None:
    answer = program.post("/consume", {"amount": 2_500})

    assert answer.status_code == 402
    assert answer.mimetype == "application/problem+json"
    assert answer.json == {
        "type": "urn:credits:problem:insufficient_credits",
        "title": "Not enough credits",
        "status": 402,
        "detail": "2,500 credits are needed and 100 are available.",
        "code": "insufficient_credits",
        "required": 2_500,
        "available": 100,
        "reserved": 0,
        "shortfall": 2_400,
        "limit": "balance",
        "package": "professional",
        "checkout_url": "http://127.0.0.1:5000/credits/packages?package=professional",
        "recharge_in_progress": False,
    }
    assert rows(account) == []


def test_a_shortfall_beyond_the_largest_package_names_the_largest(program: Api) -> None:
    assert program.post("/consume", {"amount": 10**8}).json["package"] == "enterprise"


def test_an_unknown_operation_is_never_one_credit(program: Api, account: int) -> None:
    answer = program.post("/consume", {"operation_type": "nonsense"})

    assert (answer.status_code, answer.json["code"]) == (422, "unknown_operation")
    assert rows(account) == []


WRONG_BODIES: list[Any] = [
    {},
    [],
    None,
    "text",
    {"amount": 0},
    {"amount": -5},
    {"amount": -0.0},
    {"amount": True},
    {"amount": None},
    {"amount": "NaN"},
    {"amount": "Infinity"},
    {"amount": "1e3"},
    {"amount": "٥"},
    {"amount": " 5"},
    {"amount": ""},
    {"amount": [5]},
    {"amount": 0.0000001},
    {"amount": "0.0000001"},
    {"amount": 2**63},
    {"amount": 10**30},
    {"amount": 1_000_000_001},
    {"amount": 5, "surprise": 1},
    {"operation_type": "basic_api_call", "quantity": 0},
    {"operation_type": "basic_api_call", "quantity": -1},
    {"operation_type": "basic_api_call", "quantity": 1.5},
    {"operation_type": "basic_api_call", "quantity": True},
    {"operation_type": "basic_api_call", "quantity": "2"},
    {"operation_type": "basic_api_call", "quantity": 10**12},
    {"operation_type": "basic_api_call", "parameters": []},
    {"operation_type": "basic_api_call", "parameters": {"complexity": "huge"}},
    {"operation_type": ""},
    {"operation_type": 5},
    {"operation_type": "x" * 101},
    {"operation_type": "large_file_processing", "quantity": 1_000_000, "amount": 0},
    {"amount": 5, "operation_id": "x" * 256},
    {"amount": 5, "operation_id": "nul\x00"},
    {"amount": 5, "description": "\ud800"},
    {"amount": 5, "description": "x" * 1_001},
    {"amount": 5, "metadata": []},
    {"amount": 5, "metadata": {"k": "x" * 9_000}},
    {"amount": 5, "metadata": {"k": "nul\x00"}},
    {"amount": 5, "metadata": {"\ud800": 1}},
    {"amount": 5, "started_at": 5},
    {"amount": 5, "started_at": "yesterday"},
    {"amount": 5, "started_at": "2026-11-23T14:21:00"},
    {"amount": 5, "started_at": "0001-01-01T00:00:00+14:00"},
    {"amount": 5, "account": ""},
]


@pytest.mark.both_databases
@pytest.mark.parametrize("body", WRONG_BODIES, ids=lambda body: json.dumps(body)[:60])
def test_a_body_that_is_not_as_described_is_refused_in_words_and_changes_nothing(
    program: Api, account: int, body: Any
) -> None:
    answer = program.post("/consume", data=json.dumps(body), content_type="application/json", key="k")

    assert answer.status_code in {404, 422} if isinstance(body, dict) and "account" in body else 422
    assert answer.mimetype == "application/problem+json"
    assert answer.json["detail"]
    assert rows(account) == []
    assert ledger.balance(account).balance == 100


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"amount": NaN}',
        b'{"amount": Infinity}',
        b'{"amount": -Infinity}',
        b'{"amount": 5, "amount": 6}',
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'{"metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b', "amount": 1}',
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_what_is_not_json_is_refused_as_such(program: Api, account: int, raw: bytes) -> None:
    answer = program.post("/consume", data=raw, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (400, "not_json")
    assert rows(account) == []


@pytest.mark.parametrize(
    "number",
    [b"1e400", b"1E-400", b"123456789012345678901234567890", b"9223372036854775808", b"50.00000000000000000001"],
)
def test_a_number_out_of_all_range_is_refused(program: Api, account: int, number: bytes) -> None:
    answer = program.post("/consume", data=b'{"amount": %s}' % number, content_type="application/json")

    assert answer.status_code == 422
    assert rows(account) == []


@pytest.mark.both_databases
@pytest.mark.parametrize("number", [b"1e400", b"9" * 5_000])
def test_metadata_with_a_number_out_of_range_is_refused(program: Api, account: int, number: bytes) -> None:
    raw = b'{"amount": 1, "metadata": {"n": %s}}' % number

    assert program.post("/consume", data=raw, content_type="application/json").status_code == 422
    assert rows(account) == []


@pytest.mark.parametrize("number", ["1e5000", "1e3000000", "1e9999999999999999999999", "9" * 9_000])
@pytest.mark.parametrize(
    "body",
    [
        '{"operation_type": "api_call", "parameters": {"complexity": %s}}',
        '{"amount": %s}',
        '{"amount": 1, "metadata": {"n": %s}}',
        '{"amount": 1, "quantity": %s}',
    ],
)
def test_a_short_word_for_an_endless_number_is_refused_at_once(
    program: Api, account: int, body: str, number: str
) -> None:
    for path in ("/consume", "/estimate", "/holds", "/consume/batch"):
        raw = f'{{"items": [{body[:-1]}, "key": "k"}}]}}' if path == "/consume/batch" else body
        answer = program.post(path, data=(raw % number).encode(), content_type="application/json")
        assert answer.status_code in {400, 422}, (path, answer.text[:200])
        assert answer.mimetype == "application/problem+json"
    assert rows(account) == []


@pytest.mark.both_databases
@pytest.mark.parametrize("year", ["0001", "0999", "1969", "2200", "9999"])
def test_a_time_of_another_age_is_refused(program: Api, account: int, year: str) -> None:
    answer = program.post("/consume", {"amount": 1, "started_at": f"{year}-06-01T00:00:00Z"})

    assert answer.status_code == 422
    assert rows(account) == []


def test_only_json_is_read(program: Api) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
        answer = program.post("/consume", data=b'{"amount": 1}', content_type=content_type)
        assert (answer.status_code, answer.json["code"]) == (415, "wrong_content_type")


def test_two_megabytes_are_too_large(program: Api) -> None:
    answer = program.post("/consume", data=b" " * 2_000_000, content_type="application/json")

    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "é"])
def test_a_key_that_can_not_be_one_is_refused(program: Api, account: int, key: str) -> None:
    answer = program.post("/consume", {"amount": 1}, key=key)

    assert answer.status_code == 422
    assert rows(account) == []


def test_other_methods_are_refused_as_a_problem(program: Api) -> None:
    answer = program.get("/consume")

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "POST" in answer.headers["Allow"]


def test_charging_needs_no_cookie_and_no_form_token(
    client: FlaskClient, account: int, make_key: Callable[..., str]
) -> None:
    answer = client.post(
        "/api/credits/consume", json={"amount": 1}, headers={"Authorization": f"Bearer {make_key(account)}"}
    )

    assert answer.status_code == 201
    assert "Set-Cookie" not in answer.headers


def test_nothing_is_left_in_the_session_after_a_refusal(program: Api, account: int) -> None:
    program.post("/consume", {"amount": 5_000})
    db.session.rollback()

    assert ledger.balance(account).available == 100
