"""People: signing up with welcome credits, signing in, being found, and the profile."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from creditapp import clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.errors import InvalidInput, NotFound
from tests.racing import CALLERS, Racers

pytestmark = pytest.mark.both_databases

PASSWORD = "four plain words together"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WELCOME = identity.Welcome(100, 90)


def sign_up(email: str = "ada@example.com", password: str = PASSWORD, **more: object) -> identity.User:
    with transaction():
        return identity.sign_up(email, password, WELCOME, **more)  # type: ignore[arg-type]


def sign_up_at_once(email: str) -> str:
    """One of many callers."""
    try:
        sign_up(email)
    except identity.EmailTaken:
        return "taken"
    return "signed up"


def test_a_newcomer_owns_an_account_with_the_welcome_credits_as_a_bonus(app: Flask) -> None:
    with clock.at(NOON):
        user = sign_up()
    account = identity.account_id_of(user)

    assert (user.email, user.name, user.is_operator) == ("ada@example.com", "", False)
    assert [membership.role for membership in identity.members(account)] == ["owner"]
    (row,) = ledger.entries(account)
    assert (row.transaction_type, row.amount, row.description) == ("bonus", 100, "Welcome credits")
    with clock.at(NOON):
        (lot,) = ledger.lots_left(account)
        assert ledger.balance(account).total_purchased == 0
    assert (lot.source, lot.remaining, lot.expires_at) == ("bonus", 100, NOON + timedelta(days=90))


def test_without_welcome_credits_or_expiry_there_are_none(app: Flask) -> None:
    with transaction():
        none = identity.sign_up("none@example.com", PASSWORD, identity.Welcome(0, 90))
        kept = identity.sign_up("kept@example.com", PASSWORD, identity.Welcome(50, None))

    assert ledger.entries(identity.account_id_of(none)) == []
    assert [lot.expires_at for lot in ledger.lots_left(identity.account_id_of(kept))] == [None]


def test_two_people_have_two_accounts(app: Flask) -> None:
    one, other = sign_up("one@example.com"), sign_up("other@example.com")

    assert identity.account_id_of(one) != identity.account_id_of(other)


@pytest.mark.parametrize("again", ["ada@example.com", "Ada@Example.COM", "  ADA@example.com "])
def test_an_email_signs_up_once_however_it_is_written(app: Flask, again: str) -> None:
    sign_up("ada@example.com")

    with pytest.raises(identity.EmailTaken) as refused:
        sign_up(again)

    assert refused.value.sentence == "There is already an account with this email. Sign in instead."
    assert len(db.session.scalars(select(ledger.Account.id)).all()) == 1


def test_one_email_signed_up_sixty_four_times_at_once_is_one_person(app: Flask, racers: Racers) -> None:
    answers = racers.race(str(app.config["SQLALCHEMY_DATABASE_URI"]), sign_up_at_once, [("ada@example.com",)] * CALLERS)

    assert answers.count("signed up") == 1
    assert answers.count("taken") == CALLERS - 1
    assert len(db.session.scalars(select(ledger.Account.id)).all()) == 1


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "ada@example", "a da@example.com", "ada@-.com"])
def test_what_no_letter_could_reach_is_refused_in_words(app: Flask, email: str) -> None:
    with pytest.raises(identity.InvalidEmail) as refused:
        sign_up(email)

    assert refused.value.sentence == "Enter an email address such as ada@example.com."


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "Use at least 8 characters"),
        ("seven77", "Use at least 8 characters"),
        ("x" * 257, "Use at most 256 characters"),
        ("password123", "every attacker's list"),
        ("PassWord123", "every attacker's list"),
    ],
)
def test_a_password_that_protects_nobody_is_refused_in_words(app: Flask, password: str, words: str) -> None:
    with pytest.raises(identity.UnacceptablePassword, match=words):
        sign_up(password=password)

    assert db.session.scalars(select(identity.User.id)).all() == []


@pytest.mark.parametrize("password", ["8 chars!", "x" * 256, "пароль 日本語 🎉", "  leading and trailing  "])
def test_a_password_of_any_script_signs_in_exactly_as_it_was_chosen(app: Flask, password: str) -> None:
    user = sign_up(password=password)

    assert identity.by_credentials("ada@example.com", password) is user
    assert identity.by_credentials("ada@example.com", password + " ") is None
    assert identity.by_credentials("ada@example.com", password.swapcase() + "x") is None


def test_an_address_signs_in_however_its_accent_was_typed(app: Flask) -> None:
    user = sign_up("zoe\u0301@example.com")  # e, then an accent

    assert identity.by_credentials("zo\u00e9@example.com", PASSWORD) is user
    assert identity.by_credentials("zoe\u0301@example.com", PASSWORD) is user


def test_only_a_hash_of_the_password_is_kept(app: Flask) -> None:
    user = sign_up()

    assert user.password_hash.startswith("$argon2id$")
    assert PASSWORD not in user.password_hash


def test_signing_in_forgives_how_the_email_is_written_and_nothing_else(app: Flask) -> None:
    user = sign_up()

    assert identity.by_credentials(" Ada@Example.com ", PASSWORD) is user
    assert identity.by_credentials("ada@example.com", PASSWORD.upper()) is None
    assert identity.by_credentials("ada@example.com", "") is None
    assert identity.by_credentials("nobody@example.com", PASSWORD) is None


def test_an_account_is_found_by_its_id_and_by_its_owners_email(app: Flask) -> None:
    account = identity.account_id_of(sign_up())

    assert identity.account_named(str(account)) == account
    with pytest.raises(NotFound):
        identity.account_named(f"0{account}")
    assert identity.account_named(" ADA@example.com") == account
    assert identity.owner_of(account).email == "ada@example.com"


@pytest.mark.parametrize(
    "name",
    ["", "0", "-1", "12345", "9223372036854775808", "9" * 19, "9" * 400, "²", "1.0", "nobody@example.com", "' OR '1"],
)
def test_an_account_that_does_not_exist_is_not_found_whatever_it_is_called(app: Flask, name: str) -> None:
    sign_up()

    with pytest.raises(NotFound):
        identity.account_named(name)


def test_an_account_without_an_owner_is_not_found(app: Flask) -> None:
    with transaction():
        account = ledger.open_account().id

    with pytest.raises(NotFound):
        identity.owner_of(account)


def test_an_account_takes_any_time_zone_there_is_and_no_other(app: Flask) -> None:
    account = identity.account_id_of(sign_up())
    with transaction():
        identity.set_time_zone(account, "Asia/Kathmandu")
    assert db.session.get_one(ledger.Account, account).time_zone == "Asia/Kathmandu"

    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(InvalidInput), transaction():
            identity.set_time_zone(account, name)


def test_a_name_is_kept_without_idle_spaces_and_has_a_limit(app: Flask) -> None:
    user = sign_up()
    with transaction():
        identity.rename(user, "  Ada \n Lovelace ")
    assert user.name == "Ada Lovelace"

    with pytest.raises(InvalidInput), transaction():
        identity.rename(user, "x" * 101)


def test_what_the_staff_did_is_written_down_with_its_reason(app: Flask) -> None:
    account = identity.account_id_of(sign_up())
    with clock.at(NOON), transaction():
        identity.audit.record("bob@example.com", "grant", account_id=account, reason="an apology", amount="5")

    (event,) = db.session.scalars(select(identity.AuditEvent)).all()
    assert (event.actor, event.action, event.account_id, event.reason) == (
        "bob@example.com",
        "grant",
        account,
        "an apology",
    )
    assert (event.details, event.at) == ({"amount": "5"}, NOON)
