"""Keys of programs: shown once, kept as a hash, good for what they were made for and no longer than they were."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from creditapp import clock, identity
from creditapp.db import db, transaction
from creditapp.errors import InvalidInput, NotFound
from creditapp.identity import keys
from creditapp.identity.keys import KEYS_LIMIT

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


def test_a_rotated_key_works_beside_the_new_one_for_a_day(account: int) -> None:
    old, now = make(account, scopes=("consume",), name="nightly"), clock.now()
    with transaction():
        new = identity.rotate_key(account, the_row().id, live=False)

    with clock.at(now + timedelta(hours=23)):
        assert identity.caller(old).scopes == identity.caller(new).scopes == {"consume"}
    with clock.at(now + timedelta(hours=25)):
        assert identity.caller(new).account_id == account
        with pytest.raises(identity.BadKey):
            identity.caller(old)
    assert [key.name for key in identity.keys_of(account)] == ["nightly", "nightly"]


def test_rotating_never_prolongs_a_key(account: int) -> None:
    make(account)
    soon = clock.now() + timedelta(hours=1)
    with transaction():
        the_row().expires_at = soon
        identity.rotate_key(account, the_row().id, live=False)

    assert min(str(key.expires_at) for key in identity.keys_of(account)) == str(soon)


def test_a_key_that_works_no_more_is_not_rotated(account: int) -> None:
    make(account)
    with transaction():
        identity.revoke_key(account, the_row().id)

    with pytest.raises(InvalidInput, match="works no more"), transaction():
        identity.rotate_key(account, the_row().id, live=False)


def test_nobody_revokes_or_rotates_anothers_key(account: int) -> None:
    key = make(account)
    with transaction():
        stranger = identity.account_id_of(
            identity.sign_up("charlie@example.com", "four plain words together", identity.Welcome(0, None))
        )
    for attempt in (identity.revoke_key, lambda *ids: identity.rotate_key(*ids, live=False)):
        with pytest.raises(NotFound), transaction():
            attempt(stranger, the_row().id)

    assert identity.caller(key).account_id == account


def test_an_account_has_a_limit_of_keys_that_work(account: int) -> None:
    for _ in range(KEYS_LIMIT):
        make(account)
    with pytest.raises(InvalidInput, match="Revoke one first"):
        make(account)
    with transaction():
        identity.revoke_key(account, identity.keys_of(account)[0].id)
    make(account)


def test_a_key_is_made_to_end(account: int) -> None:
    with transaction():
        key = identity.create_key(
            account, name="a", scopes=("read",), live=False, works_until=clock.now() + timedelta(days=30)
        )

    with clock.at(clock.now() + timedelta(days=31)), pytest.raises(identity.BadKey):
        identity.caller(key)


def test_the_last_use_is_noted_to_the_minute(account: int) -> None:
    make(account)
    noon = clock.now()
    for seconds, noted in ((0, 0), (30, 0), (90, 90)):
        with clock.at(noon + timedelta(seconds=seconds)), transaction():
            identity.note_use(the_row().id)
        assert the_row().last_used_at == noon + timedelta(seconds=noted)
        db.session.rollback()


def test_a_key_that_works_is_listed_however_many_came_and_went_after_it(
    account: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "KEYS_SHOWN", 3)
    make(account, name="oldest")
    for number in range(4):
        make(account, name=f"gone {number}")
        with transaction():
            identity.revoke_key(account, identity.keys_of(account)[0].id)
    make(account, name="newest")

    assert [key.name for key in identity.keys_of(account)] == ["newest", "oldest", "gone 3"]
