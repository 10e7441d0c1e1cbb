"""Who forgot their password gets back in, and nobody else does."""

import email
import email.policy
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import clock, identity
from creditapp.db import db
from creditapp.identity import PasswordReset, UserSession
from creditapp.wiring import settings
from tests.browsing import csrf_token
from tests.conftest import PASSWORD
from tests.web.tree import tree

pytestmark = pytest.mark.both_databases

NEW = "quite another password"
SignIn = Callable[..., None]
RunJobs = Callable[[], None]


def asks(client: FlaskClient, address: str) -> Any:
    return client.post("/forgot-password", data={"email": address, "csrf_token": csrf_token(client.get("/sign-in"))})


def letters() -> list[str]:
    """The text of every letter that went, in their order."""
    files = sorted((settings().data / "mail").glob("*.eml"))
    messages = [email.message_from_bytes(Path(file).read_bytes(), policy=email.policy.default) for file in files]
    return [message.get_body(("plain",)).get_content() for message in messages]  # type: ignore[union-attr]


def link() -> str:
    found = re.search(r"/reset-password\?token=\S+", letters()[-1])
    assert found
    return found.group()


@pytest.fixture
def mailed(client: FlaskClient, alice: identity.User, run_jobs: RunJobs) -> str:
    """Alice asked for a link, and got it."""
    asks(client, alice.email)
    run_jobs()
    return link()


def sets(client: FlaskClient, password: str) -> Any:
    page = client.get("/reset-password")
    return client.post("/reset-password", data={"password": password, "csrf_token": csrf_token(page)})


def test_a_link_sets_a_new_password_once_and_signs_out_everywhere(
    app: Flask, client: FlaskClient, alice: identity.User, mailed: str, sign_in: SignIn, run_jobs: RunJobs
) -> None:
    elsewhere = app.test_client()
    sign_in(elsewhere, alice)
    opened = client.get(mailed)
    assert (opened.status_code, opened.location) == (303, "/reset-password")

    assert sets(client, NEW).location == "/sign-in"
    run_jobs()
    assert identity.by_credentials(alice.email, PASSWORD) is None
    assert identity.by_credentials(alice.email, NEW) is not None
    assert elsewhere.get("/credits").status_code == 303
    assert "was changed" in letters()[-1]

    again = app.test_client()
    again.get(mailed)
    assert again.get("/reset-password").status_code == 410


def test_the_answer_is_the_same_whether_there_is_an_account_or_not(
    client: FlaskClient, alice: identity.User, run_jobs: RunJobs
) -> None:
    known, unknown = asks(client, alice.email), asks(client, "nobody@example.com")
    run_jobs()

    assert known.status_code == unknown.status_code == 200
    assert known.text.replace(alice.email, "X") == unknown.text.replace("nobody@example.com", "X").replace(
        "nobody%40example.com", "alice%40example.com"
    )
    assert len(letters()) == 1


def test_a_link_ends_after_half_an_hour(client: FlaskClient, alice: identity.User, mailed: str) -> None:
    with clock.at(clock.now() + timedelta(minutes=31)):
        client.get(mailed)
        assert client.get("/reset-password").status_code == 410
    assert identity.by_credentials(alice.email, PASSWORD) is not None


def test_a_newer_link_replaces_the_older(
    app: Flask, client: FlaskClient, alice: identity.User, mailed: str, run_jobs: RunJobs
) -> None:
    with clock.at(clock.now() + timedelta(minutes=5)):
        asks(client, alice.email)
        run_jobs()
        newer = link()
        old, new = app.test_client(), app.test_client()
        old.get(mailed)
        new.get(newer)
        assert old.get("/reset-password").status_code == 410
        assert new.get("/reset-password").status_code == 200


def test_a_link_that_was_mailed_before_ends_when_the_password_is_changed(
    app: Flask, client: FlaskClient, alice: identity.User, mailed: str, sign_in: SignIn
) -> None:
    sign_in(client, alice)
    form = {
        "current_password": PASSWORD,
        "new_password": NEW,
        "csrf_token": csrf_token(client.get("/credits/settings")),
    }
    assert client.post("/credits/settings/password", data=form).status_code == 303

    stranger = app.test_client()
    stranger.get(mailed)

    assert stranger.get("/reset-password").status_code == 410


def test_one_address_gets_a_letter_in_a_while_however_often_it_is_asked_for(
    client: FlaskClient, alice: identity.User, run_jobs: RunJobs
) -> None:
    with clock.at(clock.now().replace(minute=0, second=5)):
        for _ in range(4):
            assert asks(client, alice.email).status_code == 200
        run_jobs()
        assert len(letters()) == 1


def test_too_many_questions_from_one_address_wait(client: FlaskClient) -> None:
    answers = [asks(client, f"somebody{number}@example.com") for number in range(21)]

    assert {answer.status_code for answer in answers[:20]} == {200}
    assert answers[20].status_code == 429
    assert int(answers[20].headers["Retry-After"]) > 0


def test_a_password_that_everybody_knows_is_refused_and_the_link_still_works(
    client: FlaskClient, alice: identity.User, mailed: str
) -> None:
    client.get(mailed)
    refused = sets(client, "password1")
    assert refused.status_code == 422
    assert tree(refused, 422).with_id("password-error").words

    assert sets(client, NEW).status_code == 303
    assert identity.by_credentials(alice.email, NEW) is not None


@pytest.mark.parametrize("token", ["", "made-up", "x" * 5_000, "%00", "é"])
def test_a_made_up_token_opens_nothing(client: FlaskClient, alice: identity.User, token: str) -> None:
    client.get(f"/reset-password?token={token}")
    assert client.get("/reset-password").status_code == 410
    form = {"password": NEW, "csrf_token": csrf_token(client.get("/sign-in"))}
    assert client.post("/reset-password", data=form).status_code == 410
    assert identity.by_credentials(alice.email, PASSWORD) is not None


def test_of_a_token_only_the_hash_is_kept(mailed: str) -> None:
    token = mailed.partition("token=")[2]
    [row] = db.session.scalars(select(PasswordReset)).all()

    assert row.token_hash == identity.token_hash(token)


def test_an_address_that_is_none_is_refused_beside_the_field(client: FlaskClient) -> None:
    refused = asks(client, "not an address")

    assert refused.status_code == 422
    assert tree(refused, 422).with_id("email-error").words


def test_a_changed_password_gives_this_browser_a_new_session_and_ends_all_others(
    app: Flask, client: FlaskClient, alice: identity.User, sign_in: SignIn, run_jobs: RunJobs
) -> None:
    elsewhere = app.test_client()
    for browser in (client, elsewhere):
        sign_in(browser, alice)
    before = {row.token_hash for row in db.session.scalars(select(UserSession))}
    page = client.get("/credits/settings")
    form = {"current_password": PASSWORD, "new_password": NEW, "csrf_token": csrf_token(page)}
    assert client.post("/credits/settings/password", data=form).status_code == 303
    run_jobs()

    assert client.get("/credits").status_code == 200
    assert elsewhere.get("/credits").status_code == 303
    open_now = {row.token_hash for row in identity.open_sessions(alice)}
    assert len(open_now) == 1
    assert not open_now & before
    assert "was changed" in letters()[-1]
