"""The database as doors use it: together or not at all, bells after the commit."""

import threading
from decimal import Decimal

import pytest
from flask import Flask
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from sqlalchemy.exc import DBAPIError

from creditapp import ledger
from creditapp.db import after_commit, db, from_millionths, retrying, row_id, to_millionths, transaction
from tests.ledger import door

pytestmark = pytest.mark.both_databases


def test_what_is_written_together_is_there_together_or_not_at_all(app: Flask) -> None:
    def half() -> None:
        with transaction():
            ledger.open_account(welcome=5)
            raise ZeroDivisionError

    with door.nothing_written(), pytest.raises(ZeroDivisionError):
        half()


def test_a_transaction_inside_a_transaction_is_a_mistake(app: Flask) -> None:
    with transaction():
        with pytest.raises(RuntimeError, match="inside a transaction"), transaction():
            pass
        account = ledger.open_account(welcome=5).id

    assert door.available(account) == 5


def test_inside_a_transaction_rows_are_as_they_are_now_not_as_they_were_read(app: Flask) -> None:
    account = door.open_account(holding=10)
    read = db.session.get_one(ledger.Account, account)
    assert read.balance == 10

    def elsewhere() -> None:
        with app.app_context():
            door.spend(account, 4)

    other = threading.Thread(target=elsewhere)
    other.start()
    other.join()

    with transaction():
        assert read.balance == 6


def test_bells_ring_after_the_commit_in_their_order_and_not_without_one(app: Flask) -> None:
    heard: list[object] = []
    with transaction():
        account = ledger.open_account(welcome=5).id
        after_commit(lambda: heard.append(door.available(account)))
        after_commit(lambda: heard.append("second"))
        assert heard == []
    assert heard == [Decimal(5), "second"]

    with pytest.raises(ZeroDivisionError), transaction():
        after_commit(lambda: heard.append("never"))
        raise ZeroDivisionError
    assert "never" not in heard


def test_a_bell_that_breaks_takes_neither_the_commit_nor_the_other_bells_with_it(app: Flask) -> None:
    heard: list[str] = []
    with transaction():
        account = ledger.open_account(welcome=5).id
        after_commit(lambda: 1 / 0)
        after_commit(lambda: heard.append("second"))

    assert heard == ["second"]
    assert door.available(account) == 5


@pytest.mark.parametrize("broken_off", [SerializationFailure, DeadlockDetected])
def test_work_that_was_broken_off_for_anothers_sake_is_done_once_more(broken_off: type[Exception]) -> None:
    tries: list[int] = []

    def work() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise DBAPIError("UPDATE", {}, broken_off())
        return 7

    assert retrying(work) == 7
    assert len(tries) == 2


def test_work_that_broke_for_its_own_sake_is_not_done_again() -> None:
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise DBAPIError("INSERT", {}, UniqueViolation())

    with pytest.raises(DBAPIError):
        retrying(work)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("0", 0),
        ("42", 42),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("9" * 1_000, None),
        ("042", None),
        ("-1", None),
        ("+1", None),
        ("1.0", None),
        ("1e3", None),
        ("²", None),
        ("٣", None),
        ("", None),
        (" 1", None),
    ],
)
def test_an_id_from_outside_is_one_only_as_we_write_it(said: str, meant: int | None) -> None:
    assert row_id(said) == meant


def test_credits_are_whole_millionths_and_anything_finer_is_a_mistake_of_ours() -> None:
    assert to_millionths(Decimal("1.000001")) == 1_000_001
    assert from_millionths(1_000_001) == Decimal("1.000001")
    with pytest.raises(ValueError, match="more than six decimals"):
        to_millionths(Decimal("0.0000001"))
