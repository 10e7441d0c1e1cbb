"""Holds for programs: set aside, captured, released, extended; each once per key, each refusal in words."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, current_app

from creditapp import checkout, clock, identity, ledger
from tests.browsing import Api
from tests.racing import CALLERS, Racers

pytestmark = pytest.mark.both_databases


@pytest.fixture
def program(account: int, make_key: Callable[..., str], api: Callable[[str], Api]) -> Api:
    return api(make_key(account))


def opens(program: Api, body: dict[str, Any], **named: Any) -> Any:
    answer = program.post("/holds", body, **named)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def captures(program: Api, hold: Any, body: dict[str, Any] | None = None, **named: Any) -> Any:
    return program.post(f"/holds/{hold['hold_id']}/capture", body, **named)


def standing(program: Api) -> tuple[Any, Any, Any]:
    told = program.get("/balance").get_json()
    return told["balance"], told["reserved"], told["available"]


def test_a_hold_is_opened_captured_in_parts_and_released(program: Api) -> None:
    hold = opens(program, {"amount": 60, "description": "nightly"})
    assert (hold["amount"], hold["captured"], hold["remaining"], hold["state"]) == (60, 0, 60, "open")
    assert standing(program) == (100, 60, 40)

    part = captures(program, hold, {"amount": 25, "operation_id": "job-1", "metadata": {"page": 1}})
    told = part.get_json()
    assert part.status_code == 201
    assert (told["captured"], told["remaining"], told["state"], told["charged"]) == (25, 35, "open", 25)
    charge = program.get(f"/{told['transaction_id']}").get_json()
    assert (charge["transaction_type"], charge["amount"], charge["operation_id"]) == ("consumption", -25, "job-1")

    released = program.post(f"/holds/{hold['hold_id']}/release", {})
    assert (released.status_code, released.get_json()["state"]) == (200, "released")
    assert standing(program) == (75, 0, 75)
    assert program.get(f"/holds/{hold['hold_id']}").get_json() == released.get_json()


def test_an_operation_of_the_rate_card_is_held_at_its_price(program: Api) -> None:
    hold = opens(program, {"operation_type": "ai_analysis", "quantity": 3})

    assert (hold["amount"], hold["operation_type"]) == (75, "ai_analysis")
    told = captures(program, hold).get_json()
    assert (told["captured"], told["remaining"], told["state"]) == (75, 0, "captured")


def test_the_same_key_is_the_same_answer_for_every_call(program: Api) -> None:
    first = program.post("/holds", {"amount": 60}, key="h")
    hold = first.get_json()
    calls = [
        ("/holds", {"amount": 60}, "h", first),
        (f"/holds/{hold['hold_id']}/capture", {"amount": 10}, "c", None),
        (f"/holds/{hold['hold_id']}/extend", {"expires_in": 600}, "e", None),
        (f"/holds/{hold['hold_id']}/release", {}, "r", None),
    ]
    for path, body, key, answer in calls:
        once = answer or program.post(path, body, key=key)
        again = program.post(path, body, key=key)
        assert once.status_code < 300, once.text
        assert (again.status_code, again.get_json()) == (once.status_code, once.get_json())
        assert "Idempotent-Replayed" not in once.headers
        assert again.headers["Idempotent-Replayed"] == "true"
    assert program.post("/holds", {"amount": 60}, key="h").get_json() == hold  # closed meanwhile
    assert standing(program) == (90, 0, 90)


def test_one_space_of_keys_over_all_writes(program: Api, shelf: dict[str, Any]) -> None:
    hold = opens(program, {"amount": 10}, key="h")
    captures(program, hold, {"amount": 1}, key="c")
    program.post("/consume", {"amount": 1}, key="s")

    for path, body in (
        ("/consume", {"amount": 2}),
        ("/holds", {"amount": 3}),
        (f"/holds/{hold['hold_id']}/capture", {"amount": 2}),
        (f"/holds/{hold['hold_id']}/extend", {"expires_in": 60}),
        ("/purchase", {"package": "starter"}),
    ):
        for key in ("h", "c", "s"):
            refused = program.post(path, body, key=key)
            assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_mismatch"), (path, key)
    assert standing(program)[0] == 98


def test_one_key_sent_at_once_for_different_writes_does_one_of_them(
    app: Flask, account: int, make_key: Callable[..., str], racers: Racers, program: Api
) -> None:
    secret = make_key(account)
    writes = ["/consume", "/holds"] * (CALLERS // 2)

    answers = racers.race(str(app.config["SQLALCHEMY_DATABASE_URI"]), _writes, [(secret, path) for path in writes])

    done = {path for path, status in answers if status == 201}
    refused = {path for path, status in answers if status == 422}
    assert {status for _, status in answers} == {201, 422}
    assert (len(done), len(refused), done & refused) == (1, 1, set())
    assert standing(program) == ((90, 0, 90) if done == {"/consume"} else (100, 10, 90))


def _writes(secret: str, path: str) -> tuple[str, int]:
    return path, Api(current_app.test_client(), secret).post(path, {"amount": 10}, key="one").status_code


def test_a_closed_hold_is_a_conflict(program: Api) -> None:
    hold = opens(program, {"amount": 10})
    captures(program, hold)
    for path in ("capture", "extend", "release"):
        refused = program.post(f"/holds/{hold['hold_id']}/{path}", {})
        assert (refused.status_code, refused.get_json()["code"]) == (409, "hold_closed")
    released = opens(program, {"amount": 10})
    for _ in range(2):
        assert program.post(f"/holds/{released['hold_id']}/release").status_code == 200


def test_an_expired_hold_says_so_before_anything_booked_it(program: Api) -> None:
    hold = opens(program, {"amount": 60, "expires_in": 60})
    with clock.at(clock.now() + timedelta(seconds=61)):
        told = program.get(f"/holds/{hold['hold_id']}").get_json()
        assert (told["state"], told["remaining"]) == ("expired", 0)
        assert captures(program, hold).status_code == 409
        assert standing(program) == (100, 0, 100)


def test_too_few_credits_say_what_to_do(program: Api, shelf: dict[str, Any]) -> None:
    opens(program, {"amount": 60})
    refused = program.post("/holds", {"amount": 41})

    told = refused.get_json()
    assert (refused.status_code, told["code"]) == (402, "insufficient_credits")
    assert (told["required"], told["available"], told["reserved"], told["shortfall"]) == (41, 40, 60, 1)
    assert told["package"] == "starter"


def test_more_than_is_held_takes_from_what_is_available_else_is_refused(program: Api) -> None:
    hold = opens(program, {"amount": 60})
    assert captures(program, hold, {"amount": 101}).status_code == 402
    assert standing(program) == (100, 60, 40)
    assert captures(program, hold, {"amount": 100}).status_code == 201
    assert standing(program) == (0, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"amount": 0},
        {"amount": -1},
        {"amount": True},
        {"amount": 10, "expires_in": 0},
        {"amount": 10, "expires_in": 86_401},
        {"amount": 10, "expires_in": 1.5},
        {"amount": 10, "extra": 1},
        {"operation_type": "nonsense"},
    ],
    ids=str,
)
def test_what_is_not_as_described_holds_nothing(program: Api, body: dict[str, Any]) -> None:
    refused = program.post("/holds", body)

    assert refused.status_code == 422
    assert standing(program) == (100, 0, 100)


def test_a_strangers_hold_does_not_exist(
    program: Api, charlie: identity.User, make_key: Callable[..., str], api: Callable[[str], Api]
) -> None:
    hold = opens(program, {"amount": 60})
    stranger = api(make_key(identity.account_id_of(charlie)))

    assert stranger.get(f"/holds/{hold['hold_id']}").status_code == 404
    for path in ("capture", "extend", "release"):
        assert stranger.post(f"/holds/{hold['hold_id']}/{path}", {}).status_code == 404
        assert program.post(f"/holds/{2**80}/{path}", {}).status_code == 404
    assert standing(program) == (100, 60, 40)
    assert [*ledger.verify(), *checkout.verify()] == []
