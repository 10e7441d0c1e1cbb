"""Signing up, signing in and out; strangers who guess passwords."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from creditapp import identity, ledger
from creditapp.web import auth
from creditapp.wiring import limiter
from tests.browsing import Client, csrf_token
from tests.conftest import PASSWORD
from tests.databases import app_on
from tests.valkey import Valkey
from tests.web.tree import tree

FAILURES = int(auth.FAILURES_FOR_ONE_EMAIL.split()[0])
FAILURES_OF_AN_ADDRESS = int(auth.FAILURES_FROM_ONE_ADDRESS.split()[0])
HOME, CAFE = "192.0.2.10", "198.51.100.7"


def submit(client: FlaskClient, path: str, address: str = HOME, **fields: str) -> TestResponse:
    """Fill in the form of *path* and send it from *address*."""
    token = csrf_token(client.get(path))
    return client.post(path, data={**fields, "csrf_token": token}, environ_overrides={"REMOTE_ADDR": address})


def guess(app: Flask, email: str, times: int, address: str = HOME) -> TestResponse:
    """Try wrong passwords from one address; the last answer."""
    client = app.test_client()
    for number in range(times):
        answer = submit(client, "/sign-in", address, email=email, password=f"guess number {number}")
    return answer


def test_a_newcomer_signs_up_and_has_the_welcome_credits(client: FlaskClient) -> None:
    assert "100 welcome credits" in tree(client.get("/sign-up")).words

    answer = submit(client, "/sign-up", email="Dora@Example.com", password=PASSWORD)

    assert (answer.status_code, answer.location) == (303, "/credits")
    overview = tree(client.get("/credits"))
    assert "Your account is ready, with 100 welcome credits." in overview.words
    assert "dora@example.com" in overview.words
    assert ledger.balance(identity.account_named("dora@example.com")).available == 100


@pytest.mark.settings(welcome_credits=1_250)
def test_the_welcome_credits_are_as_many_as_the_settings_say(client: FlaskClient) -> None:
    assert "1,250 welcome credits" in tree(client.get("/sign-up")).words
    assert "1,250 welcome credits" in tree(client.get("/sign-in")).words


@pytest.mark.settings(welcome_credits=0)
def test_without_welcome_credits_none_are_promised(client: FlaskClient) -> None:
    assert "welcome credits" not in client.get("/sign-up").text + client.get("/sign-in").text
    submit(client, "/sign-up", email="dora@example.com", password=PASSWORD)
    assert "Your account is ready." in tree(client.get("/credits")).words


@pytest.mark.parametrize(
    ("email", "password", "field", "words"),
    [
        ("not an address", PASSWORD, "email", "Enter an email address such as"),
        ("", PASSWORD, "email", "Enter an email address such as"),
        ("alice@example.com", PASSWORD, "email", "There is already an account with this email."),
        ("dora@example.com", "short", "password", "Use at least 8 characters."),
        ("dora@example.com", "password1", "password", "on every attacker's list"),
    ],
)
def test_what_is_wrong_with_a_sign_up_stands_beside_its_field_and_nothing_typed_is_lost(
    client: FlaskClient, alice: identity.User, email: str, password: str, field: str, words: str
) -> None:
    answer = submit(client, "/sign-up", email=email, password=password)

    page = tree(answer, 422)
    assert words in page.with_id(f"{field}-error").words
    wrong = page.with_id(field)
    assert wrong["aria-invalid"] == "true"
    assert f"{field}-error" in wrong["aria-describedby"].split()
    assert page.with_id("email").attributes.get("value", "") == email
    assert "value" not in page.with_id("password").attributes


def test_a_nul_in_a_field_is_refused_like_any_other_wrong_word(client: FlaskClient) -> None:
    assert submit(client, "/sign-in", email="alice\x00@example.com", password="x\x00y").status_code == 422
    assert submit(client, "/sign-up", email="\x00", password=PASSWORD).status_code == 422


def test_a_person_signs_in_however_they_write_their_email(client: FlaskClient, alice: identity.User) -> None:
    answer = submit(client, "/sign-in", email="  ALICE@example.COM ", password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/credits")
    assert client.get("/credits").status_code == 200


def test_a_wrong_password_and_an_unknown_email_get_the_same_words(client: FlaskClient, alice: identity.User) -> None:
    answers = [
        submit(client, "/sign-in", email=email, password="not the password")
        for email in ("alice@example.com", "nobody@example.com")
    ]
    alice_reads, nobody_reads = (tree(answer, 422) for answer in answers)
    assert "Email and password do not match." in alice_reads.words
    assert alice_reads.words == nobody_reads.words
    assert alice_reads.with_id("email")["value"] == "alice@example.com"


def test_after_signing_in_a_person_is_where_they_wanted_to_go(client: FlaskClient, alice: identity.User) -> None:
    asked = client.get("/credits/history?type=purchase")
    assert asked.status_code == 303

    answer = submit(client, asked.location, email=alice.email, password=PASSWORD)

    assert answer.location == "/credits/history?type=purchase"


def test_who_is_signed_in_needs_no_sign_in_page(browser: FlaskClient) -> None:
    for path in ("/sign-in", "/sign-up"):
        answer = browser.get(path, query_string={"next": "/credits/packages"})
        assert (answer.status_code, answer.location) == (303, "/credits/packages")


def test_the_front_door_leads_to_the_overview_and_a_visitor_to_the_sign_in_page(
    client: FlaskClient, browser: FlaskClient
) -> None:
    assert browser.get("/", follow_redirects=True).request.path == "/credits"
    assert client.get("/", follow_redirects=True).request.path == "/sign-in"


def test_signing_out_says_so_and_ends_the_session(browser: FlaskClient) -> None:
    answer = browser.post("/sign-out", data={"csrf_token": csrf_token(browser.get("/credits"))}, follow_redirects=True)

    assert "You are signed out." in tree(answer).words
    assert browser.get("/credits").status_code == 303


def test_a_poll_in_an_old_tab_sends_the_whole_page_to_the_sign_in_page(client: FlaskClient) -> None:
    answer = client.get("/credits", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/sign-in")


def test_who_guesses_passwords_must_wait_and_is_told_how_long(app: Flask, alice: identity.User) -> None:
    assert guess(app, alice.email, FAILURES).status_code == 422

    answer = guess(app, alice.email, 1)

    page = tree(answer, 429)
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "Too many tries that failed. Wait " in page.words
    assert " minute" in page.words
    assert page.with_id("email")["value"] == alice.email
    right = submit(app.test_client(), "/sign-in", email=alice.email, password=PASSWORD)
    assert right.status_code == 429


def test_a_stranger_elsewhere_can_not_lock_the_owner_out(app: Flask, alice: identity.User) -> None:
    assert guess(app, alice.email, FAILURES + 1, address=CAFE).status_code == 429

    answer = submit(app.test_client(), "/sign-in", HOME, email=alice.email, password=PASSWORD)

    assert answer.status_code == 303


def test_who_guesses_for_one_person_does_not_stop_another_at_the_same_address(
    app: Flask, alice: identity.User, charlie: identity.User
) -> None:
    assert guess(app, alice.email, FAILURES + 1).status_code == 429
    assert submit(app.test_client(), "/sign-in", email=charlie.email, password=PASSWORD).status_code == 303


def test_trying_one_password_with_many_emails_is_stopped_too(app: Flask, alice: identity.User) -> None:
    client = app.test_client()
    for number in range(FAILURES_OF_AN_ADDRESS):
        answer = submit(client, "/sign-in", email=f"person{number}@example.com", password="summer of 2026")
        assert answer.status_code == 422
    assert submit(client, "/sign-in", email=alice.email, password=PASSWORD).status_code == 429
    assert submit(client, "/sign-in", CAFE, email=alice.email, password=PASSWORD).status_code == 303


def test_signing_in_successfully_is_never_limited(app: Flask, alice: identity.User) -> None:
    for _ in range(FAILURES_OF_AN_ADDRESS + 2):
        answer = submit(app.test_client(), "/sign-in", email=alice.email, password=PASSWORD)
        assert answer.status_code == 303


class TestWithRedis:
    """The count is kept where every web process sees it."""

    @pytest.fixture
    def more_settings(self, valkey: Valkey) -> dict[str, Any]:
        limiter._storage_dead = False  # what the apps of other tests found out about their Redis
        return {"redis_url": valkey.url}

    def test_failures_at_one_web_process_count_at_the_others(
        self, app: Flask, valkey: Valkey, database: str, alice: identity.User, tmp_path: Path
    ) -> None:
        assert guess(app, alice.email, FAILURES).status_code == 422

        other = app_on(database, tmp_path / "other", redis_url=valkey.url)
        other.test_client_class = Client

        assert guess(other, alice.email, 1).status_code == 429
