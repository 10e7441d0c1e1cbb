"""Keys of programs on their page: made, shown once, replaced, revoked; and the password asked again."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from creditapp import clock, identity
from tests.browsing import Api, csrf_token
from tests.conftest import PASSWORD
from tests.web.tree import tree


@pytest.fixture
def browser(client: FlaskClient, alice: identity.User, sign_in: Callable[..., None]) -> FlaskClient:
    sign_in(client, alice)
    return client


def makes(browser: FlaskClient, **fields: Any) -> Any:
    form = {"name": "nightly-import", "scopes": ["read", "consume"], "expires_in": "", **fields}
    return browser.post("/credits/keys", data={**form, "csrf_token": csrf_token(browser.get("/credits/keys"))})


def presses(browser: FlaskClient, what: str, key_id: int) -> Any:
    token = csrf_token(browser.get("/credits/keys"))
    return browser.post(f"/credits/keys/{key_id}/{what}", data={"csrf_token": token})


def shown(page: Any) -> str:
    found = re.search(r"ck_test_\w{40}", page.text)
    assert found
    return found.group()


def test_a_key_is_shown_once_and_works(browser: FlaskClient, account: int, api: Callable[[str], Api]) -> None:
    made = makes(browser)
    key = shown(made)
    assert "shown only this once" in tree(made).with_id("main").words
    assert made.headers["Cache-Control"] == "no-store"
    assert key not in browser.get("/credits/keys").text

    program = api(key)
    assert program.get("/balance").get_json()["available"] == 100
    assert program.post("/consume", {"amount": 1}).status_code == 201
    assert program.post("/purchase", {"package": "starter"}).status_code == 403
    row = tree(browser.get("/credits/keys")).with_id("main").words
    assert "nightly-import" in row
    assert "never" not in row


def test_a_revoked_key_opens_nothing_any_more(browser: FlaskClient, account: int, api: Callable[[str], Api]) -> None:
    program = api(shown(makes(browser)))
    assert program.get("/balance").status_code == 200
    assert presses(browser, "revoke", identity.keys_of(account)[0].id).status_code == 303

    assert program.get("/balance").status_code == 401
    assert "Revoked" in tree(browser.get("/credits/keys")).with_id("main").words


def test_a_rotated_key_has_a_second_secret_and_both_work(
    browser: FlaskClient, account: int, api: Callable[[str], Api]
) -> None:
    old = shown(makes(browser))
    new = shown(presses(browser, "rotate", identity.keys_of(account)[0].id))

    assert old != new
    assert {api(key).get("/balance").status_code for key in (old, new)} == {200}


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "scope"),
        ({"scopes": ["everything"]}, "Scopes are"),
        ({"expires_in": "7"}, "how long"),
        ({"expires_in": "-1"}, "how long"),
    ],
)
def test_what_can_t_be_a_key_is_refused_in_words_and_keeps_what_was_typed(
    browser: FlaskClient, account: int, fields: dict[str, Any], word: str
) -> None:
    refused = makes(browser, **fields)

    page = tree(refused, 422).with_id("main")
    assert word in page.words
    if "name" not in fields:
        assert page.with_id("name")["value"] == "nightly-import"
    assert identity.keys_of(account) == []


def test_after_a_quarter_of_an_hour_the_password_is_asked_again(
    browser: FlaskClient, alice: identity.User, account: int
) -> None:
    with clock.at(clock.now() + timedelta(minutes=16)):
        asked = makes(browser)
        assert asked.status_code == 303
        assert asked.location.startswith("/confirm")
        assert identity.keys_of(account) == []

        wrong = {"password": "not this one", "csrf_token": csrf_token(browser.get(asked.location))}
        assert "not your password" in tree(browser.post(asked.location, data=wrong), 422).with_id("main").words
        right = {"password": PASSWORD, "csrf_token": csrf_token(browser.get(asked.location))}
        assert browser.post(asked.location, data=right).location == "/credits/keys"
        assert makes(browser).status_code == 200


def test_confirming_leads_to_no_other_site(browser: FlaskClient) -> None:
    form = {"password": PASSWORD, "csrf_token": csrf_token(browser.get("/confirm"))}

    for elsewhere in ("https://evil.example", "//evil.example", "//[x", "/\\evil.example"):
        assert browser.post("/confirm", query_string={"next": elsewhere}, data=form).location == "/credits"


def test_guessing_the_password_there_is_throttled(browser: FlaskClient) -> None:
    form = {"password": "wrong", "csrf_token": csrf_token(browser.get("/confirm"))}
    answers = [browser.post("/confirm", data=form).status_code for _ in range(12)]

    assert answers[:10] == [422] * 10
    assert answers[-1] == 429
