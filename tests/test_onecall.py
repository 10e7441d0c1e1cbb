"""A write that is one call: what failed is done again only where it is sure that nothing was written."""

import sqlite3

import psycopg
import pytest
from flask import Flask
from psycopg.errors import LockNotAvailable, UniqueViolation
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from creditapp import ledger
from creditapp.db import db, transaction
from creditapp.onecall import at_once, may_be_tried_again, only_in_a_transaction

FAILURES = {
    "the database refused it": (UniqueViolation("refused"), True),
    "the driver could not say it": (psycopg.DataError("a NUL"), True),
    "SQLite refused it": (sqlite3.IntegrityError("refused"), True),
    "the connection broke": (psycopg.OperationalError("consuming input failed"), False),
    "others held what it needed": (LockNotAvailable("waited"), False),
}


@pytest.mark.parametrize(("cause", "again"), FAILURES.values(), ids=FAILURES)
def test_who_went_together_goes_again_alone_only_where_nothing_was_written(cause: Exception, again: bool) -> None:
    assert may_be_tried_again(DBAPIError.instance(None, None, cause, type(cause))) is again


def test_no_free_connection_is_no_reason_for_all_to_ask_for_one() -> None:
    assert not may_be_tried_again(PoolTimeoutError("none left"))
    assert may_be_tried_again(OverflowError("too large for SQLite"))


@pytest.mark.both_databases
def test_what_turns_out_to_be_more_is_done_again_in_a_transaction(app: Flask, account: int) -> None:
    tries = []

    def work() -> str:
        tries.append(len(tries))
        only_in_a_transaction()
        ledger.grant(account, ledger.LARGEST_AMOUNT, transaction_type="bonus", key="more")
        return "granted"

    assert at_once(work) == "granted"
    assert tries == [0, 1]
    db.session.rollback()
    assert ledger.balance(account).available == 100 + ledger.LARGEST_AMOUNT


@pytest.mark.both_databases
def test_one_call_inside_a_transaction_is_refused_before_it_could_undo_it(app: Flask, account: int) -> None:
    with pytest.raises(RuntimeError), transaction():
        ledger.grant(account, ledger.LARGEST_AMOUNT, transaction_type="bonus", key="more")
        at_once(lambda: ledger.spend(account, ledger.Charge(amount=ledger.LARGEST_AMOUNT)))

    assert ledger.balance(account).available == 100
