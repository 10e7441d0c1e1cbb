"""Keys of programs: shown once, kept as a hash, good for what they were made for and no longer than they were."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from creditapp import clock, identity
from creditapp.db import db, transaction
from creditapp.errors import InvalidInput

pytestmark = pytest.mark.both_databases

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def account(app: Flask) -> int:
    with transaction():
        user = identity.sign_up("ada@example.com", "four plain words together", identity.Welcome(0, None))
        return identity.account_id_of(user)


def make(account: int | None, *, scopes: tuple[str, ...] = ("read",), name: str = "tests", live: bool = False) -> str:
    with transaction():
        return identity.create_key(account, name=name, scopes=scopes, live=live)


def the_row() -> identity.ApiKey:
    return db.session.scalars(select(identity.ApiKey)).one()


def test_a_key_acts_for_its_account_within_its_scopes(account: int) -> None:
    caller = identity.caller(make(account, scopes=("consume", "read", "read")))

    assert caller.account_id == account
    assert caller.scopes == {"read", "consume"}
    assert the_row().scopes == ["read", "consume"]
    caller.must("consume")
    with pytest.raises(identity.InsufficientScope) as refused:
        caller.must("purchase")
    assert (refused.value.code, refused.value.status) == ("insufficient_scope", 403)


def test_a_service_key_acts_for_any_account(app: Flask) -> None:
    caller = identity.caller(make(None, scopes=identity.SCOPES))

    assert caller.account_id is None
    assert caller.scopes == set(identity.SCOPES)


def test_only_a_hash_of_the_key_is_kept(account: int) -> None:
    key = make(account)

    row = the_row()
    assert key not in str(vars(row))
    assert row.secret_hash == identity.token_hash(key)
    assert key.startswith(row.prefix)
    assert len(key) - len(row.prefix) == 32
    with pytest.raises(identity.BadKey):
        identity.caller(row.prefix)


def test_a_key_says_whether_it_moves_real_money(account: int) -> None:
    assert make(account, live=True).startswith("ck_live_")
    assert make(account, live=False).startswith("ck_test_")


def test_two_keys_are_never_the_same(account: int) -> None:
    assert len({make(account) for _ in range(20)}) == 20


def test_a_key_with_one_letter_changed_is_refused(account: int) -> None:
    key = make(account)

    for position in range(len(key)):
        changed = key[:position] + ("A" if key[position] != "A" else "B") + key[position + 1 :]
        with pytest.raises(identity.BadKey):
            identity.caller(changed)


@pytest.mark.parametrize("key", ["", "ck_test_", "x" * 31, "x" * 32, "x" * 5_000, "ck_test_größer" + "x" * 32, "'--"])
def test_what_is_no_key_is_refused_with_the_same_words(account: int, key: str) -> None:
    make(account)

    with pytest.raises(identity.BadKey) as refused:
        identity.caller(key)

    assert (refused.value.code, refused.value.status) == ("unauthorized", 401)
    assert refused.value.sentence.startswith("The API key is missing, wrong, expired or revoked.")


def test_a_key_is_good_until_the_instant_it_expires(account: int) -> None:
    key, now = make(account), clock.now()
    with transaction():
        the_row().expires_at = now + timedelta(days=1)

    with clock.at(now + timedelta(days=1) - INSTANT):
        assert identity.caller(key).account_id == account
    with clock.at(now + timedelta(days=1)), pytest.raises(identity.BadKey):
        identity.caller(key)


def test_a_revoked_key_is_refused(account: int) -> None:
    key = make(account)
    with transaction():
        the_row().revoked_at = clock.now()

    with pytest.raises(identity.BadKey):
        identity.caller(key)


@pytest.mark.parametrize("scopes", [(), ("write",), ("read", "everything")])
def test_a_key_for_nothing_or_for_an_unknown_scope_is_refused_in_words(account: int, scopes: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"[Ss]cope"):
        make(account, scopes=scopes)

    assert db.session.scalars(select(identity.ApiKey)).all() == []


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_key_without_a_name_or_with_an_endless_one_is_refused(account: int, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        make(account, name=name)
