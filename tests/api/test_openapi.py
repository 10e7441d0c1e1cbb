"""The description of the API: it is complete, it is valid, and every answer keeps it."""

import contextvars
import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as sized
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from werkzeug.test import TestResponse

from creditapp.api.calls import CALLS
from creditapp.api.openapi import PROBLEM, ROOT
from creditapp.packages import CreditPackage
from tests.browsing import Api
from tests.web.tree import tree

Shelf = dict[str, CreditPackage]
WITHOUT_A_KEY = {"/api/openapi.json", "/api/docs"}
CASES, CASES_IN_FULL = 5, 60  # of each call, right and wrong, and once more with ids that exist
# A shape can't say everything that is asked of a value; every case is given a key, and ids, that may have been what was
# wrong with it; and in these tests Polar is away.
NOT_CHECKED = ("positive_data_acceptance", "negative_data_rejection", "not_a_server_error")
BROKEN = 500


@pytest.fixture
def program(account: int, shelf: Shelf, make_key: Callable[..., str], api: Callable[..., Api]) -> Api:
    return api(make_key(account))


@pytest.fixture
def described(client: FlaskClient) -> Mapping[str, Any]:
    answer = client.get("/api/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: Mapping[str, Any] = answer.json
    return found


def ids(program: Api) -> dict[str, str]:
    """A charge, an open hold and a key of the account."""
    charge = program.post("/consume", {"amount": 5}).json["transaction_id"]
    hold = program.post("/holds", {"amount": 5}).json["hold_id"]
    key = program.post("/keys", {"name": "another", "scopes": ["read"]}).json["id"]
    return {"transaction_id": charge, "hold_id": hold, "key_id": key}


def keeps(described: Mapping[str, Any], answer: TestResponse, method: str, path: str) -> None:
    """The answer is one that the description tells of."""
    response = described["paths"][ROOT + path][method.lower()]["responses"][str(answer.status_code)]
    schema = response["content"][answer.mimetype]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(json.loads(answer.text))


def test_every_route_of_the_api_is_described_and_nothing_else(app: Flask) -> None:
    there = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule)))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if str(rule).startswith("/api/")
    }

    assert {(call.method, ROOT + call.path) for call in CALLS} == {
        (method, path) for method, path in there if path not in WITHOUT_A_KEY
    }
    assert {f"api.{call.name}" for call in CALLS} <= {rule.endpoint for rule in app.url_map.iter_rules()}


def test_it_is_openapi_3_1(described: Mapping[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(described).iter_errors()) == []


def test_every_field_and_parameter_is_explained(described: Mapping[str, Any]) -> None:
    unexplained = [
        f"{shape}.{name}"
        for shape, schema in described["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if not field.get("description")
    ]
    unexplained += [
        f"{path} {parameter['name']}"
        for path, methods in described["paths"].items()
        for operation in methods.values()
        for parameter in operation["parameters"]
        if not parameter["description"]
    ]

    assert unexplained == []


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_call_needs_a_key_of_the_scope_that_is_told(
    call: Any, account: int, make_key: Callable[..., str], api: Callable[..., Api], described: Mapping[str, Any]
) -> None:
    path = re.sub(r"{\w+}", "1", call.path)
    others = tuple(scope for scope in ("read", "consume", "purchase", "manage") if scope != call.scope)
    body = dict(call.example) if call.body else None

    for key, status in ((None, 401), (make_key(account, scopes=others), 403)):
        answer = api(key).call(call.method, path, body)
        assert answer.status_code == status
        keeps(described, answer, call.method, call.path)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_the_example_of_a_call_works_and_its_answer_is_as_described(
    call: Any, program: Api, described: Mapping[str, Any]
) -> None:
    path = call.path.format(**ids(program)) if "{" in call.path else call.path
    answer = program.call(call.method, path, dict(call.example) if call.body else None)

    # Nobody sells anything here: Polar is away.
    assert answer.status_code == (503 if call.name == "purchase" else call.status), answer.text
    keeps(described, answer, call.method, call.path)
    for header in described["paths"][ROOT + call.path][call.method.lower()]["responses"][str(call.status)]["headers"]:
        assert answer.status_code >= 400 or header == "Idempotent-Replayed" or header in answer.headers


def test_an_account_with_a_history_answers_as_described_too(program: Api, described: Mapping[str, Any]) -> None:
    there = ids(program)
    program.post(
        "/consume", {"operation_type": "ai_analysis", "parameters": {"priority": "high"}, "metadata": {"a": 1}}
    )
    program.post(f"/transactions/{there['transaction_id']}/reverse", {"amount": 1})
    program.put("/auto_recharge", {"enabled": True, "threshold": 5, "package": "professional"})

    for call in CALLS:
        if call.method == "GET":
            answer = program.get(call.path.format(**there))
            assert answer.status_code == 200
            keeps(described, answer, call.method, call.path)


def test_a_batch_answers_as_described_whatever_becomes_of_its_items(program: Api, described: Mapping[str, Any]) -> None:
    items = [{"key": "a", "amount": 1}, {"key": "b", "operation_type": "teleport"}, {"key": "c", "amount": 1_000_000}]
    each = program.post("/consume/batch", {"items": items})
    together = program.post("/consume/batch", {"items": items[:1] + items[2:], "mode": "all"})

    assert [result["status"] for result in each.json["results"]] == [201, 422, 402]
    assert together.status_code == 402
    for answer in (each, together):
        keeps(described, answer, "POST", "/consume/batch")


def test_whatever_is_sent_is_answered_as_described(
    app: Flask, account: int, make_key: Callable[..., str], program: Api, full: bool
) -> None:
    there, bearer = ids(program), {"Authorization": f"Bearer {make_key(account)}"}
    size = sized(
        max_examples=CASES_IN_FULL if full else CASES,
        deadline=None,
        database=None,
        derandomize=not full,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    def ask_everything() -> int:
        schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
        sent = 0

        unchecked = [CHECKS.get_one(name) for name in NOT_CHECKED]

        def ask(case: schemathesis.Case) -> None:
            nonlocal sent
            answer = case.call(headers=bearer)
            sent += 1
            assert answer.status_code != BROKEN, case.as_curl_command()
            case.validate_response(answer, headers=bearer, excluded_checks=unchecked)

        def ask_about_something_there(case: schemathesis.Case) -> None:
            case.path_parameters = {name: there[name] for name in case.path_parameters}
            ask(case)

        for operation in (result.ok() for result in schema.get_all_operations()):
            for mode in GenerationMode:
                cases = operation.as_strategy(generation_mode=mode)
                size(given(cases)(ask))()
                if "{" in operation.path:
                    size(given(cases)(ask_about_something_there))()
        return sent

    sent = contextvars.Context().run(ask_everything)  # from outside, as a real one comes

    assert sent >= (2_000 if full else 150)


def test_people_read_of_every_call_with_its_fields_and_refusals(
    client: FlaskClient, described: Mapping[str, Any]
) -> None:
    answer = client.get("/api/docs")
    page = tree(answer)

    assert answer.status_code == 200
    for call in CALLS:
        section = page.with_id(call.name)
        operation = described["paths"][ROOT + call.path][call.method.lower()]
        assert f"{call.method} {call.path}" in section.words
        for shape in filter(None, (call.body, call.answer)):
            for field in described["components"]["schemas"][shape.__name__]["properties"]:
                assert field in section.words
        for status, response in operation["responses"].items():
            assert status in section.words
            assert (
                PROBLEM not in response["content"]
                or re.findall(r"`(\w+)`", response["description"])[-1] in section.words
            )


def test_the_page_asks_nothing_of_anybody_else(client: FlaskClient) -> None:
    text = client.get("/api/docs").text

    assert set(re.findall(r'(?:src|href)="(https?://[^"]+)"', text)) == set()
    assert "style=" not in text


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_the_line_for_a_shell_does_what_the_page_says(call: Any, client: FlaskClient, program: Api) -> None:
    section = tree(client.get("/api/docs")).with_id(call.name)
    written = section.one("pre").words.replace("\\ ", " ")
    for name, id in ids(program).items():
        written = written.replace(f"${name.upper()}", id)
    words = shlex.split(written)
    address = next(word for word in words if word.startswith("http"))
    body = words[words.index("-d") + 1] if "-d" in words else None
    headers = [word.partition(": ") for word in words if ": " in word and word != body]

    answer = program.call(
        words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET",
        address.partition(ROOT)[2],
        json.loads(body) if body else None,
        headers={name: value for name, _, value in headers if name != "Authorization"},
    )

    assert ("Authorization", ": ", "Bearer $CREDITS_KEY") in headers
    assert answer.status_code == (503 if call.name == "purchase" else call.status), answer.text
