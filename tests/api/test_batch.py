"""Many charges in one call: each under its own key, in order; or all of them or none."""

from collections.abc import Callable
from typing import Any

import pytest

from creditapp import checkout, ledger, packages
from creditapp.db import transaction
from tests.browsing import Api

pytestmark = pytest.mark.both_databases


@pytest.fixture
def program(account: int, make_key: Callable[..., str], api: Callable[[str], Api]) -> Api:
    return api(make_key(account))


def item(number: int, **fields: Any) -> dict[str, Any]:
    return {"operation_type": "basic_api_call", "key": f"k{number}", **fields}


def sends(program: Api, items: list[Any], **more: Any) -> Any:
    return program.post("/consume/batch", {"items": items, **more})


def available(program: Api) -> Any:
    return program.get("/balance").get_json()["available"]


def test_every_item_is_charged_and_told_in_order(program: Api) -> None:
    answer = sends(program, [item(n, quantity=n + 1) for n in range(5)])

    results = answer.get_json()["results"]
    assert answer.status_code == 200
    assert [one["key"] for one in results] == ["k0", "k1", "k2", "k3", "k4"]
    assert {one["status"] for one in results} == {201}
    assert [one["amount"] for one in results] == [1, 2, 3, 4, 5]
    assert [one["available"] for one in results] == [99, 97, 94, 90, 85]
    assert available(program) == 85


def test_the_same_batch_again_charges_nothing_again(program: Api) -> None:
    items = [item(n) for n in range(3)]
    first, again = sends(program, items), sends(program, items)

    told = [[{**one, "replayed": None} for one in answer.get_json()["results"]] for answer in (first, again)]
    assert told[0] == told[1]
    assert {one["replayed"] for one in again.get_json()["results"]} == {True}
    assert available(program) == 97


def test_an_item_is_the_same_request_as_a_call_of_its_own(program: Api) -> None:
    alone = program.post("/consume", {"operation_type": "basic_api_call"}, key="k0")
    [result] = sends(program, [item(0)]).get_json()["results"]

    assert result["transaction_id"] == alone.get_json()["transaction_id"]
    assert program.post("/consume", {"operation_type": "basic_api_call"}, key="k0").headers["Idempotent-Replayed"]
    assert available(program) == 99


def test_a_refused_item_leaves_the_others_as_they_are(program: Api) -> None:
    items = [item(0), item(1, operation_type="nonsense"), item(2, amount=1_000), item(0, quantity=2), item(3)]
    results = sends(program, items).get_json()["results"]

    assert [one["status"] for one in results] == [201, 422, 402, 422, 201]
    assert [one.get("code") for one in results] == [
        None, "unknown_operation", "insufficient_credits", "idempotency_mismatch", None,
    ]  # fmt: skip
    assert (results[2]["shortfall"], results[2]["available"]) == (901, 99)
    assert available(program) == 98


def test_all_or_nothing_charges_all(program: Api) -> None:
    answer = sends(program, [item(n, amount=20) for n in range(5)], mode="all")

    assert answer.status_code == 200
    assert available(program) == 0


@pytest.mark.parametrize(
    ("last", "status", "code"),
    [
        ({"amount": 41}, 402, "insufficient_credits"),
        ({"operation_type": "nonsense"}, 422, "unknown_operation"),
    ],
)
def test_all_or_nothing_charges_nothing_where_one_does_not_fit(
    program: Api, account: int, last: dict[str, Any], status: int, code: str
) -> None:
    refused = sends(program, [item(0, amount=30), item(1, amount=30), item(2, **last)], mode="all")

    assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    assert available(program) == 100
    assert ledger.entries(account, ledger.Filters(transaction_type="consumption")) == []
    assert sends(program, [item(0, amount=30)]).get_json()["results"][0]["status"] == 201


def test_all_or_nothing_names_the_key_that_was_used_before(program: Api) -> None:
    sends(program, [item(0)])
    refused = sends(program, [item(1), item(0, quantity=2)], mode="all")

    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_mismatch")
    assert "The idempotency key 'k0' was used before" in refused.get_json()["detail"]


def test_the_key_of_a_purchase_charges_nothing(program: Api, account: int, shelf: dict[str, Any]) -> None:
    with transaction():
        checkout.request(account, packages.by_key("starter").key, key="api:k0")
    [result] = sends(program, [item(0)]).get_json()["results"]

    assert (result["status"], result["code"]) == (422, "idempotency_mismatch")
    assert available(program) == 100


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": []},
        {"items": [{"operation_type": "basic_api_call"}]},
        {"items": [item(0, key="")]},
        {"items": [item(0, key="k" * 256)]},
        {"items": [item(0, key="\u00e9")]},
        {"items": [item(0, account="1")]},
        {"items": [item(0, quantity=0)]},
        {"items": [item(0), item(1, amount=True)]},
        {"items": [item(n) for n in range(1_001)]},
        {"items": [item(0)], "mode": "some"},
        {"items": "all"},
        {"items": [item(0)], "extra": 1},
    ],
    ids=lambda body: str(body)[:60],
)
def test_a_batch_that_is_not_as_described_charges_nothing(program: Api, body: Any) -> None:
    refused = program.post("/consume/batch", body)

    assert refused.status_code == 422
    assert refused.content_type == "application/problem+json"
    assert available(program) == 100


def test_a_thousand_items_fit_into_one_call(program: Api, account: int) -> None:
    answer = sends(program, [{"amount": 0.1, "key": f"k{n}"} for n in range(1_000)])

    assert {one["status"] for one in answer.get_json()["results"]} == {201}
    assert available(program) == 0
    assert [*ledger.verify(), *checkout.verify()] == []


def test_a_service_key_names_the_account_at_the_top(
    account: int, make_key: Callable[..., str], api: Callable[[str], Api]
) -> None:
    service = api(make_key(None))

    assert sends(service, [item(0)]).status_code == 422
    assert sends(service, [item(0)], account=str(account)).status_code == 200
    assert sends(service, [item(1)], account="alice@example.com").get_json()["results"][0]["available"] == 98
