"""Keys managed by a program: it hands on no more than it may do itself, and a secret is told once."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, current_app
from sqlalchemy import text

from creditapp import identity
from creditapp.db import db
from creditapp.identity.keys import KEYS_LIMIT
from tests.browsing import Api
from tests.racing import Racers

pytestmark = pytest.mark.both_databases

MakeKey = Callable[..., str]
MakeApi = Callable[[str | None], Api]


def test_a_program_makes_a_key_that_works_at_once(account: int, make_key: MakeKey, api: MakeApi) -> None:
    made = api(make_key(account)).post("/keys", {"name": "nightly", "scopes": ["read"], "expires_in_days": 30})

    assert made.status_code == 201, made.json
    assert made.json["key"].startswith(made.json["prefix"])
    assert (made.json["name"], made.json["scopes"], made.json["works"]) == ("nightly", ["read"], True)
    nightly = api(made.json["key"])
    assert nightly.get("/balance").json["account"] == str(account)
    assert nightly.post("/consume", {"amount": 1}).json["code"] == "insufficient_scope"


def test_a_secret_is_in_the_first_answer_and_in_no_other_and_in_no_row(
    account: int, make_key: MakeKey, api: MakeApi
) -> None:
    program = api(make_key(account))
    secret = program.post("/keys", {"name": "nightly", "scopes": ["read"]}, key="once").json["key"]

    assert secret not in program.get("/keys").text
    kept = db.session.execute(text("SELECT * FROM idempotent_answers")).all()
    kept += db.session.execute(text("SELECT * FROM api_keys")).all()
    assert secret not in str(kept)


def test_a_program_hands_on_no_more_than_it_may_do_itself(account: int, make_key: MakeKey, api: MakeApi) -> None:
    strong = api(make_key(account)).post("/keys", {"name": "strong", "scopes": list(identity.SCOPES)}).json
    weak = api(make_key(account, scopes=("read", "manage")))

    assert weak.post("/keys", {"name": "x", "scopes": ["read", "consume"]}).status_code == 403
    assert weak.post(f"/keys/{strong['id']}/rotate").status_code == 403
    assert weak.post("/keys", {"name": "x", "scopes": ["read"]}).status_code == 201
    assert [key["name"] for key in weak.get("/keys").json["items"]] == ["x", "tests", "strong", "tests"]


def test_a_key_without_the_scope_manages_nothing(account: int, make_key: MakeKey, api: MakeApi) -> None:
    program = api(make_key(account, scopes=("read", "consume", "purchase")))

    for answer in (program.get("/keys"), program.post("/keys", {"name": "x", "scopes": ["read"]})):
        assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    for deed in ("rotate", "revoke"):
        assert program.post(f"/keys/1/{deed}").status_code == 403


def test_both_secrets_work_after_a_rotation_and_neither_after_it_is_revoked(
    account: int, make_key: MakeKey, api: MakeApi
) -> None:
    program = api(make_key(account))
    first = program.post("/keys", {"name": "nightly", "scopes": ["read"]}).json
    second = program.post(f"/keys/{first['id']}/rotate").json

    assert second["scopes"] == ["read"]
    assert [api(key["key"]).get("/balance").status_code for key in (first, second)] == [200, 200]
    listed = {key["id"]: key for key in program.get("/keys").json["items"]}
    assert listed[first["id"]]["expires_at"] is not None
    for key in (first, second):
        assert program.post(f"/keys/{key['id']}/revoke").json["works"] is False
        assert program.post(f"/keys/{key['id']}/revoke").status_code == 200
    assert [api(key["key"]).get("/balance").status_code for key in (first, second)] == [401, 401]
    assert program.post(f"/keys/{first['id']}/rotate").status_code == 422


def test_no_key_that_comes_of_another_works_for_longer(account: int, make_key: MakeKey, api: MakeApi) -> None:
    scopes = ["read", "manage"]
    short = api(make_key(account)).post("/keys", {"name": "short", "scopes": scopes, "expires_in_days": 1}).json
    program = api(short["key"])

    for days in (None, 30):
        made = program.post("/keys", {"name": "x", "scopes": scopes, "expires_in_days": days}).json
        assert made["expires_at"] <= short["expires_at"]
    assert program.post(f"/keys/{short['id']}/rotate").json["expires_at"] <= short["expires_at"]


def test_the_keys_of_others_do_not_exist(account: int, charlie: identity.User, make_key: MakeKey, api: MakeApi) -> None:
    theirs = api(make_key(identity.account_id_of(charlie)))
    charlies = theirs.get("/keys").json["items"][0]["id"]
    program = api(make_key(account))

    assert charlies not in [key["id"] for key in program.get("/keys").json["items"]]
    for path in (f"/keys/{charlies}/rotate", f"/keys/{charlies}/revoke", "/keys/999999999999/revoke"):
        assert program.post(path).status_code == 404
    assert program.get("/keys?account=charlie@example.com").status_code == 404
    assert theirs.get("/keys").status_code == 200


def test_a_service_key_manages_the_keys_of_whom_it_names(account: int, make_key: MakeKey, api: MakeApi) -> None:
    service = api(make_key())

    made = service.post("/keys", {"account": "alice@example.com", "name": "hers", "scopes": ["read"]})
    assert api(made.json["key"]).get("/balance").json["account"] == str(account)
    assert service.post("/keys", {"name": "whose", "scopes": ["read"]}).status_code == 422
    ended = service.post(f"/keys/{made.json['id']}/revoke", {"account": str(account)})
    assert ended.json["works"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "", "scopes": ["read"]},
        {"name": "x" * 101, "scopes": ["read"]},
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "x", "scopes": "read"},
        {"name": "x", "scopes": ["read"], "expires_in_days": 0},
        {"name": "x", "scopes": ["read"], "expires_in_days": True},
        {"name": "x", "scopes": ["read"], "admin": True},
    ],
)
def test_a_key_that_can_not_be_is_refused_in_words(
    account: int, make_key: MakeKey, api: MakeApi, body: dict[str, Any]
) -> None:
    program = api(make_key(account))
    answer = program.post("/keys", body)

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json["detail"]
    assert len(program.get("/keys").json["items"]) == 1


def test_the_limit_of_keys_holds_when_many_are_made_at_once(
    account: int, app: Flask, make_key: MakeKey, racers: Racers
) -> None:
    secret = make_key(account)
    for _ in range(KEYS_LIMIT - 6):
        make_key(account)

    answers = racers.race(str(app.config["SQLALCHEMY_DATABASE_URI"]), _makes_one, [(secret,)] * 12)

    assert sorted(answers) == [201] * 5 + [422] * 7


def _makes_one(secret: str) -> int:
    program = Api(current_app.test_client(), secret)
    return program.post("/keys", {"name": "x", "scopes": ["read"]}).status_code
