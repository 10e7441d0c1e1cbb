"""The database itself refuses to change or delete what was booked, whoever asks and however."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from creditapp import identity, ledger
from creditapp.db import db, is_postgres, transaction
from tests.ledger import door

pytestmark = pytest.mark.both_databases

STAYS = {"credit_transactions": "id", "usage_records": "credit_transaction_id", "audit_events": "id"}
REFUSAL = "the ledger is append-only"


@pytest.fixture
def account(app: Flask) -> int:
    """An account with a row in each table."""
    account = door.open_account(holding=10)
    door.spend(account, 1, operation_type="basic_api_call")
    with transaction():
        identity.audit.record("bob@example.com", "grant", account_id=account, reason="a test")
    return account


def refused(statement: str, **parameters: object) -> str:
    """The database's own words."""
    with pytest.raises(DBAPIError) as error, transaction():
        db.session.execute(text(statement), parameters)
    return str(error.value.orig)


@pytest.mark.parametrize("table", STAYS)
@pytest.mark.parametrize("change", ["UPDATE {table} SET account_id = account_id", "DELETE FROM {table}"])
def test_no_row_is_ever_changed_or_deleted(account: int, table: str, change: str) -> None:
    with door.nothing_written():
        assert REFUSAL in refused(change.format(table=table) + " WHERE account_id = :account", account=account)


@pytest.mark.parametrize("table", [*STAYS, "accounts"])
def test_no_table_is_ever_emptied(account: int, table: str) -> None:
    with door.nothing_written():
        assert REFUSAL in refused(f"TRUNCATE {table} CASCADE" if is_postgres() else f"DELETE FROM {table}")


@pytest.mark.parametrize("table", STAYS)
def test_no_row_is_ever_replaced(account: int, table: str) -> None:
    upsert = f"ON CONFLICT ({STAYS[table]}) DO UPDATE SET account_id = EXCLUDED.account_id"
    verb, ending = ("INSERT", upsert) if is_postgres() else ("REPLACE", "")

    with door.nothing_written():
        said = refused(
            f"{verb} INTO {table} SELECT * FROM {table} WHERE account_id = :account {ending}", account=account
        )

    assert REFUSAL in said


def test_no_account_is_ever_deleted(account: int) -> None:
    with door.nothing_written():
        assert REFUSAL in refused("DELETE FROM accounts WHERE id = :account", account=account)


def test_changing_a_row_through_the_models_is_refused_too(account: int) -> None:
    def change() -> None:
        with transaction():
            ledger.entries(account)[0].description = "something else"

    with door.nothing_written(), pytest.raises(DBAPIError, match=REFUSAL):
        change()


BROKEN_ACCOUNTS = {
    "a negative balance": "balance = -1",
    "a negative debt": "debt = -1",
    "a negative reservation": "reserved = -1",
    "more reserved than there is": "reserved = balance + 1",
    "more settled than consumed": "settled = consumed + 1",
}


@pytest.mark.parametrize("change", BROKEN_ACCOUNTS.values(), ids=BROKEN_ACCOUNTS.keys())
def test_an_account_can_not_even_be_written_with(account: int, change: str) -> None:
    with door.nothing_written():
        said = refused(f"UPDATE accounts SET {change} WHERE id = :account", account=account)
    assert "ck_accounts_" in said


BROKEN_ROWS = {
    "that does not add up": ("number, 'bonus', 5, 0, 0, 6", "adds_up"),
    "of an unknown type": ("number, 'gift', 5, 0, 0, 5", "known_type"),
    "with a number that was given": ("number - 1, 'bonus', 5, 0, 0, 5", "number"),
}


@pytest.mark.parametrize(("values", "rule"), BROKEN_ROWS.values(), ids=BROKEN_ROWS.keys())
def test_no_row_can_be_written(account: int, values: str, rule: str) -> None:
    with door.nothing_written():
        said = refused(
            "INSERT INTO credit_transactions (account_id, number, transaction_type, amount, debt_change, "
            "balance_before, balance_after, reserved_after, metadata, processed_at) "
            f"SELECT account_id, {values.replace('number', 'max(number) + 1')}, 0, '{{}}', CURRENT_TIMESTAMP "
            "FROM credit_transactions WHERE account_id = :account GROUP BY account_id",
            account=account,
        )
    assert rule in said


def test_a_key_can_not_be_written_twice(account: int) -> None:
    door.spend(account, 1, key="taken")

    with door.nothing_written():
        said = refused(
            "INSERT INTO credit_transactions (account_id, number, transaction_type, amount, debt_change, "
            "balance_before, balance_after, reserved_after, key, metadata, processed_at) "
            "SELECT account_id, 999, 'bonus', 0, 0, 0, 0, 0, 'taken', '{}', CURRENT_TIMESTAMP "
            "FROM credit_transactions WHERE account_id = :account GROUP BY account_id",
            account=account,
        )
    assert "key" in said


BROKEN_LOTS = {
    "a negative rest": ("UPDATE credit_lots SET remaining = -1 WHERE account_id = :account", "remaining_not_negative"),
    "an unknown source": ("UPDATE credit_lots SET source = 'gift' WHERE account_id = :account", "known_source"),
    "an empty range": (
        (
            "INSERT INTO credit_lot_ranges (account_id, lot_id, axis_from, axis_to) "
            "SELECT account_id, id, 5, 5 FROM credit_lots WHERE account_id = :account"
        ),
        "not_empty",
    ),
}


@pytest.mark.parametrize(("change", "rule"), BROKEN_LOTS.values(), ids=BROKEN_LOTS.keys())
def test_a_lot_can_not_be_written_with(account: int, change: str, rule: str) -> None:
    with door.nothing_written():
        assert rule in refused(change, account=account)


def test_a_row_with_metadata_of_any_script_comes_back_as_it_was_written(account: int) -> None:
    details = {"note": "größer 日本 🎉", "list": [1, {"deep": None}], "quote": 'a "quoted" word'}

    granted = door.grant(account, 1, details=details)

    assert ledger.entry(account, granted.id).details == details
