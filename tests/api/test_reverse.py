"""A failed operation is given back: as much as is left of it, once per key, to nobody but its account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from creditapp import checkout, identity, ledger
from creditapp.db import db
from tests.browsing import Api

pytestmark = pytest.mark.both_databases


@pytest.fixture
def program(account: int, make_key: Callable[..., str], api: Callable[[str], Api]) -> Api:
    return api(make_key(account))


@pytest.fixture
def charge(program: Api) -> str:
    """60 of Alice's 100 credits are spent; the id of the charge."""
    answer = program.post("/consume", {"operation_type": "report", "amount": 60}, key="charge")
    return str(answer.get_json()["transaction_id"])


def reverse(program: Api, charge: str, body: dict[str, Any] | None = None, *, key: str | None = None) -> Any:
    return program.post(f"/transactions/{charge}/reverse", body, key=key)


def available(program: Api) -> Any:
    return program.get("/balance").get_json()["available"]


def test_a_charge_is_given_back_whole_without_a_body(program: Api, charge: str) -> None:
    answer = reverse(program, charge)

    told = answer.get_json()
    assert answer.status_code == 201
    assert (told["transaction_type"], told["amount"], told["reference_id"]) == ("reversal", 60, charge)
    assert (told["balance_before"], told["balance_after"], told["operation_type"]) == (40, 100, "report")
    assert available(program) == 100
    assert program.get("/balance").get_json()["total_consumed"] == 0
    assert program.get(f"/{charge}").get_json()["status"] == "reversed"


def test_parts_are_given_back_until_nothing_is_left(program: Api, charge: str) -> None:
    assert reverse(program, charge, {"amount": 25, "reason": "half of the images failed"}).status_code == 201
    assert available(program) == 65
    assert reverse(program, charge, {"amount": 35}).status_code == 201
    nothing = reverse(program, charge)

    assert (nothing.status_code, nothing.get_json()["code"]) == (409, "already_reversed")
    assert available(program) == 100


def test_one_key_gives_back_once(program: Api, charge: str) -> None:
    first = reverse(program, charge, {"amount": 10}, key="k")
    again = reverse(program, charge, {"amount": 10}, key="k")

    assert first.get_json() == again.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert available(program) == 50


@pytest.mark.parametrize("body", [{"amount": 11}, {}, {"amount": 10, "reason": "another"}])
def test_the_key_of_another_request_is_refused(program: Api, charge: str, body: dict[str, Any]) -> None:
    reverse(program, charge, {"amount": 10}, key="k")
    refused = reverse(program, charge, body, key="k")

    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_mismatch")
    assert reverse(program, charge, key="charge").status_code == 422  # the key of the charge itself
    assert available(program) == 50


def test_more_than_is_left_is_refused(program: Api, charge: str) -> None:
    refused = reverse(program, charge, {"amount": 60.000001})

    assert refused.status_code == 422
    assert available(program) == 40


@pytest.mark.parametrize("amount", [0, -1, True, "٥", "1e3", 1e400, 0.0000001])
def test_what_is_no_amount_is_refused(program: Api, charge: str, amount: Any) -> None:
    refused = program.post(f"/transactions/{charge}/reverse", {"amount": amount})

    assert refused.status_code in {400, 422}
    assert available(program) == 40


def test_only_a_consumption_is_given_back(program: Api, account: int, charge: str) -> None:
    welcome = ledger.entries(account, ledger.Filters(transaction_type="bonus"))[0].id
    given = reverse(program, charge).get_json()["id"]

    for other in (str(welcome), given):
        refused = reverse(program, other)
        assert (refused.status_code, refused.get_json()["code"]) == (422, "not_a_consumption")


def test_a_strangers_charge_and_one_that_does_not_exist_look_the_same(
    charge: str, charlie: identity.User, make_key: Callable[..., str], api: Callable[[str], Api]
) -> None:
    stranger = api(make_key(identity.account_id_of(charlie)))
    theirs, nobodys = reverse(stranger, charge), reverse(stranger, "999999")
    assert reverse(stranger, str(2**80)).status_code == 404

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.get_json()["code"] == nobodys.get_json()["code"] == "not_found"


def test_a_key_that_may_only_read_gives_nothing_back(
    account: int, charge: str, make_key: Callable[..., str], api: Callable[[str], Api]
) -> None:
    assert reverse(api(make_key(account, scopes=("read",))), charge).status_code == 403


def test_many_at_once_give_back_no_more_than_was_taken(
    app: Flask, account: int, charge: str, make_key: Callable[..., str], api: Callable[[str], Api]
) -> None:
    key = make_key(account)
    db.session.rollback()

    def one(number: int) -> int:
        return int(reverse(api(key), charge, {"amount": 7}, key=f"k{number % 12}").status_code)

    with ThreadPoolExecutor(8) as callers:
        statuses = list(callers.map(one, range(24)))

    assert statuses.count(201) == 16  # eight parts of seven, each asked for twice
    assert ledger.balance(account).available == 40 + 56
    assert [*ledger.verify(), *checkout.verify()] == []
