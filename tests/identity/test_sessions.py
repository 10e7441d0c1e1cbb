"""A session is a row: it ends at sign-out, at a new password, after two weeks, and then its token is worth nothing."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from creditapp import clock, identity
from creditapp.db import db, transaction

pytestmark = pytest.mark.both_databases

PASSWORD = "four plain words together"
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def ada(app: Flask) -> identity.User:
    with transaction():
        return identity.sign_up("ada@example.com", PASSWORD, identity.Welcome(0, None))


def sign_in(user: identity.User, **about: str) -> str:
    facts = {"user_agent": "a browser", "address": "192.0.2.7", **about}
    with transaction():
        return identity.open_session(user, **facts)


def sign_out(token: str) -> None:
    with transaction():
        identity.close_session(token)


def test_a_token_says_who_is_signed_in(ada: identity.User) -> None:
    token = sign_in(ada)

    assert identity.by_session(token) is ada


@pytest.mark.parametrize("token", ["", "x", "0" * 43])
def test_a_token_that_was_never_given_out_is_nobody(ada: identity.User, token: str) -> None:
    sign_in(ada)

    assert identity.by_session(token) is None


def test_only_a_hash_of_the_token_is_kept(ada: identity.User) -> None:
    token = sign_in(ada)

    (session,) = db.session.scalars(select(identity.UserSession)).all()
    assert token not in str(vars(session))
    assert session.token_hash == identity.token_hash(token)
    assert identity.by_session(session.token_hash) is None


def test_a_session_ends_after_two_weeks_to_the_instant(ada: identity.User) -> None:
    now = clock.now()
    with clock.at(now):
        token = sign_in(ada)

    with clock.at(now + timedelta(days=14) - INSTANT):
        assert identity.by_session(token) is ada
    with clock.at(now + timedelta(days=14)):
        assert identity.by_session(token) is None
        assert identity.open_sessions(ada) == []


def test_signing_out_ends_this_session_alone(ada: identity.User) -> None:
    here, there = sign_in(ada), sign_in(ada)

    sign_out(here)

    assert identity.by_session(here) is None
    assert identity.by_session(there) is ada


def test_a_new_password_signs_out_everywhere(ada: identity.User) -> None:
    here, there = sign_in(ada), sign_in(ada)

    with transaction():
        identity.change_password(ada, "another four plain words")

    assert identity.by_session(here) is None
    assert identity.by_session(there) is None
    assert identity.by_credentials("ada@example.com", PASSWORD) is None
    assert identity.by_credentials("ada@example.com", "another four plain words") is ada


def test_a_new_password_that_is_refused_signs_nobody_out(ada: identity.User) -> None:
    here = sign_in(ada)

    with pytest.raises(identity.UnacceptablePassword), transaction():
        identity.change_password(ada, "short")

    assert identity.by_session(here) is ada
    assert identity.by_credentials("ada@example.com", PASSWORD) is ada


def test_one_persons_new_password_leaves_others_signed_in(ada: identity.User) -> None:
    with transaction():
        charlie = identity.sign_up("charlie@example.com", PASSWORD, identity.Welcome(0, None))
    his = sign_in(charlie)

    with transaction():
        identity.change_password(ada, "another four plain words")

    assert identity.by_session(his) is charlie


def test_signing_out_everywhere_else_keeps_this_session(ada: identity.User) -> None:
    here, there = sign_in(ada), sign_in(ada)

    with transaction():
        identity.close_other_sessions(ada, keep_token=here)

    assert identity.by_session(here) is ada
    assert identity.by_session(there) is None


def test_the_open_sessions_are_shown_the_latest_first(ada: identity.User) -> None:
    now = clock.now()
    tokens = []
    for minutes, browser in enumerate(["one", "two", "three"]):
        with clock.at(now + timedelta(minutes=minutes)):
            tokens.append(sign_in(ada, user_agent=browser))
    sign_out(tokens[1])

    assert [session.user_agent for session in identity.open_sessions(ada)] == ["three", "one"]


def test_an_endless_browser_name_is_cut(ada: identity.User) -> None:
    sign_in(ada, user_agent="x" * 10_000, address="y" * 10_000)

    (session,) = identity.open_sessions(ada)
    assert (len(session.user_agent), len(session.address)) == (255, 64)
