from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, update

from creditapp import clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.identity import ApiKey
from creditapp.packages import CreditPackage
from tests.browsing import Api

MakeKey = Callable[..., str]
MakeApi = Callable[[str | None], Api]


def test_an_account_key_acts_for_its_account_and_may_say_so(account: int, make_key: MakeKey, api: MakeApi) -> None:
    program = api(make_key(account))

    assert program.get("/balance").json["account"] == str(account)
    assert program.get(f"/balance?account={account}").json["account"] == str(account)
    assert program.get("/balance?account=alice@example.com").json["account"] == str(account)


def test_an_account_key_sees_nothing_of_another_account(
    account: int, charlie: identity.User, make_key: MakeKey, api: MakeApi
) -> None:
    program = api(make_key(identity.account_id_of(charlie)))

    for name in (str(account), "alice@example.com", "nobody@example.com", "4711"):
        assert program.get(f"/balance?account={name}").status_code == 404
        assert program.post("/consume", {"amount": 1, "account": name}).status_code == 404


def test_a_service_key_acts_for_whom_it_names(account: int, make_key: MakeKey, api: MakeApi) -> None:
    service = api(make_key())

    assert service.get("/balance?account=Alice@Example.com").json["available"] == 100
    assert service.post("/consume", {"amount": 1, "account": str(account)}).status_code == 201
    assert service.get("/balance").status_code == 422
    assert service.post("/consume", {"amount": 1}).status_code == 422
    assert service.get("/balance?account=nobody@example.com").status_code == 404


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer ck_test_" + "a" * 40,
        "Basic dXNlcjpwYXNz",
        "Bearer \xe9\xe9",
        "ck_test_abc",
    ],
)
def test_without_a_good_key_nothing_is_answered(api: MakeApi, account: int, header: str | None) -> None:
    answer = api(None).get("/balance", headers={"Authorization": header} if header is not None else {})

    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_whose_secret_is_off_by_one_letter_is_refused(account: int, make_key: MakeKey, api: MakeApi) -> None:
    key = make_key(account)
    forged = key[:-1] + ("a" if key[-1] != "a" else "b")

    assert api(forged).get("/balance").status_code == 401


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_key_that_ended_is_refused_at_once(account: int, make_key: MakeKey, api: MakeApi, ended: str) -> None:
    program = api(make_key(account))
    assert program.get("/balance").status_code == 200
    with transaction():
        db.session.execute(update(ApiKey).values({ended: clock.now() - timedelta(seconds=1)}))

    assert program.get("/balance").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [(("read",), {"read"}), (("consume",), {"consume"}), (("purchase",), {"purchase"}), (("manage",), set())],
)
def test_a_key_does_only_what_its_scopes_allow(
    account: int,
    shelf: dict[str, CreditPackage],
    make_key: MakeKey,
    api: MakeApi,
    scopes: tuple[str, ...],
    allowed: set[str],
) -> None:
    program = api(make_key(account, scopes=scopes))
    answers = {
        "read": program.get("/balance"),
        "consume": program.post("/consume", {"amount": 1}),
        "purchase": program.post("/purchase", {"package": "platinum"}),
    }
    for scope, answer in answers.items():
        refused = answer.status_code == 403 and answer.json["code"] == "insufficient_scope"
        assert refused == (scope not in allowed), scope


def test_an_address_that_does_not_exist_is_a_problem_and_not_a_page(api: MakeApi) -> None:
    answer = api(None).get("/nothing-here")

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.both_databases
def test_a_charge_looks_a_key_up_once_and_a_revoked_key_charges_nothing_all_the_same(
    app: Flask, account: int, make_key: Callable[..., str], api: Callable[[str | None], Api]
) -> None:
    program = api(make_key(account))
    looked_up: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "api_keys" in statement and "last_used_at" not in statement and "spend_credits" not in statement:
            looked_up.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert [program.post("/consume", {"amount": 1}).status_code for _ in range(3)] == [201] * 3
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len([one for one in looked_up if "secret_hash" in one]) == 1

    with transaction():
        identity.revoke_key(account, identity.keys_of(account)[0].id)
    good, unpriceable = {"amount": 1}, {"operation_type": "nonsense"}
    asked: list[tuple[str, dict[str, Any]]] = [("/consume", good), ("/consume", unpriceable), ("/consume", {})]
    for item in (good, unpriceable):
        items = [{**item, "key": "k"}, {**item, "key": "l"}]
        asked += [("/consume/batch", {"items": items, "mode": mode}) for mode in ("each", "all")]
    for path, body in asked:
        refused = program.post(path, body)
        assert (refused.status_code, refused.get_json()["code"]) == (401, "unauthorized")
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert ledger.balance(account).available == 97
