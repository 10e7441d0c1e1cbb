"""The numbered migrations: up, equal to the models, down to nothing, and up again, on both databases."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import inspect, text

from creditapp.config import ROOT
from creditapp.db import db
from tests.databases import Databases, app_on

pytestmark = pytest.mark.both_databases

FOLDER = str(ROOT / "migrations")
VERSIONS = sorted((ROOT / "migrations" / "versions").glob("[0-9]*.py"))
APPEND_ONLY = ("credit_transactions", "usage_records", "audit_events", "rate_cards")
TRIGGERS = {
    "sqlite": {f"{table}_no_{change}" for table in APPEND_ONLY for change in ("update", "delete")}
    | {"accounts_no_delete"},
    "postgresql": {f"{table}_{what}" for table in APPEND_ONLY for what in ("rows_stay", "table_stays")}
    | {"accounts_stay", "accounts_table_stays"},
}
TRIGGERS_OF = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}
LONGEST_NAME = 63  # bytes, on PostgreSQL
NOON = "2026-11-20 12:00:00+00:00"
FUNCTIONS_OF = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"


@pytest.fixture
def empty(databases: Databases, database_kind: str, tmp_path: Path) -> Iterator[Flask]:
    """The app on a database without any table."""
    url = databases.empty(database_kind)
    made = app_on(url, tmp_path)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()
    databases.forget(url)


def upgrade(revision: str = "head") -> None:
    flask_migrate.upgrade(directory=FOLDER, revision=revision)


def downgrade(revision: str) -> None:
    flask_migrate.downgrade(directory=FOLDER, revision=revision)


def names(query: str) -> set[str]:
    with db.engine.connect() as connection:
        return set(connection.execute(text(query)).scalars())


def triggers() -> set[str]:
    return names(TRIGGERS_OF[db.engine.dialect.name])


def functions() -> set[str]:
    return names(FUNCTIONS_OF) if db.engine.dialect.name == "postgresql" else set()


def shape() -> dict[str, object]:
    """Every table with its columns, keys, indexes and checks, as the database has them."""
    seen = inspect(db.engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)],
            seen.get_pk_constraint(table),
            *(
                sorted(in_words(found) for found in look(table))
                for look in (
                    seen.get_indexes,
                    seen.get_unique_constraints,
                    seen.get_foreign_keys,
                    seen.get_check_constraints,
                )
            ),
        )
        for table in seen.get_table_names()
    }


def in_words(found: object) -> str:
    """A thing of the database as text; the conditions in it are objects that know only their own address."""
    if isinstance(found, Mapping):
        return str({name: in_words(value) for name, value in found.items()})
    return str(found)


def test_an_empty_database_is_brought_to_what_the_models_say(empty: Flask) -> None:
    upgrade()

    flask_migrate.check(directory=FOLDER)  # raises where a model and its table differ
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version", *db.metadata.tables}


def test_at_head_the_database_guards_the_ledger_and_charges_in_one_call(empty: Flask) -> None:
    upgrade()

    assert triggers() == TRIGGERS[db.engine.dialect.name]
    if db.engine.dialect.name == "postgresql":
        assert functions() == {
            "any_key_used_elsewhere",
            "local_day",
            "refuse_change",
            "spend_credits",
            "spend_credits_together",
        }


def test_all_the_way_down_nothing_is_left_and_up_again_it_is_the_same(empty: Flask) -> None:
    upgrade()
    before = shape(), triggers(), functions()

    downgrade("base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    assert triggers() == functions() == set()

    upgrade()
    assert (shape(), triggers(), functions()) == before


def test_each_step_can_be_taken_down_and_up_again(empty: Flask) -> None:
    for _ in VERSIONS:
        upgrade("+1")
        once = shape(), triggers(), functions()
        downgrade("-1")
        upgrade("+1")
        assert (shape(), triggers(), functions()) == once


def test_migrating_twice_changes_nothing(empty: Flask) -> None:
    upgrade()
    before = shape()

    upgrade()

    assert shape() == before


def test_names_that_the_database_would_cut_off_are_not_used(empty: Flask) -> None:
    upgrade()

    seen = inspect(db.engine)
    for table in seen.get_table_names():
        looks = (seen.get_indexes, seen.get_unique_constraints, seen.get_check_constraints, seen.get_foreign_keys)
        named = [str(found["name"] or "") for look in looks for found in look(table)]
        assert [name for name in named if len(name.encode()) > LONGEST_NAME] == []


def test_migrations_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in VERSIONS] == [f"{number:04}" for number in range(1, len(VERSIONS) + 1)]


def test_a_commented_out_downgrade_is_no_downgrade() -> None:
    for path in VERSIONS:
        body = path.read_text().partition("def downgrade() -> None:")[2]
        assert body.strip() not in {"", "pass"}, path.name


def write(*statements: str) -> None:
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def accounts(*ids: int, zone: str = "UTC") -> list[str]:
    """Empty accounts, as the first migrations had them."""
    return [
        f"""INSERT INTO accounts (id, balance, reserved, debt, consumed, settled, last_number, total_purchased,
            total_reversed, time_zone, opened_at, updated_at)
            VALUES ({account}, 0, 0, 0, 0, 0, 0, 0, 0, '{zone}', '{NOON}', '{NOON}')"""
        for account in ids
    ]


def test_who_was_recharged_before_there_were_watch_levels_is_watched(empty: Flask) -> None:
    upgrade("0010")
    write(
        *accounts(7, 8, 9),
        """INSERT INTO credit_packages (id, key, name, description, credits, price_cents, currency, active, featured,
           sort_order) VALUES (1, 'starter', 'Starter', '', 1, 1, 'usd', true, false, 1)""",
        *(
            f"""INSERT INTO recharge_plans (account_id, enabled, threshold, package_id, quantity, notify, failures,
                created_at, updated_at) VALUES ({account}, {on}, 500, 1, 1, 'always', 0, '{NOON}', '{NOON}')"""
            for account, on in ((7, "true"), (8, "false"))
        ),
    )

    upgrade()

    with db.engine.connect() as connection:
        levels = connection.execute(text("SELECT id, watch_level FROM accounts ORDER BY id")).all()
        wanted = connection.execute(text("SELECT * FROM watch_levels")).all()
    assert [tuple(row) for row in levels] == [(7, 500), (8, None), (9, None)]
    assert [tuple(row) for row in wanted] == [(7, "recharge", 500)]


def test_usage_from_before_the_roll_ups_is_rolled_up(empty: Flask) -> None:
    upgrade("0012")
    evening, midnight = "2026-11-20 18:14:59+00:00", "2026-11-20 18:15:00+00:00"  # in Kathmandu
    write(
        *accounts(7, zone="Asia/Kathmandu"),
        *(
            f"""INSERT INTO credit_transactions (account_id, number, transaction_type, amount, debt_change,
                balance_before, balance_after, reserved_after, reference_id, metadata, processed_at)
                VALUES (7, {number}, 'reversal', {credits}, 0, 0, {credits}, 0, '{charge}', '{{}}', '{midnight}')"""
            for number, credits, charge in ((4, 30, 12), (5, 5, 13))
        ),
        *(
            f"""INSERT INTO usage_records (credit_transaction_id, account_id, operation_type, credits_consumed,
                cost_per_unit, units_consumed, operation_details, api_key_id, status, created_at)
                VALUES ({charge}, 7, {operation}, {credits}, 1, 2, '{{}}', {key}, 'completed', '{at}')"""
            for charge, operation, credits, key, at in (
                (11, "'ai_analysis'", 10, "NULL", evening),
                (12, "'ai_analysis'", 30, "NULL", evening),
                (13, "NULL", 20, "3", midnight),
            )
        ),
    )

    upgrade()

    with db.engine.connect() as connection:
        found = connection.execute(text("SELECT * FROM usage_buckets ORDER BY used_on")).all()
    assert [(row[0], str(row[1]), *row[2:]) for row in found] == [
        (7, "2026-11-20", "ai_analysis", "", 0, 2, 4, 40, 1, 30),
        (7, "2026-11-21", "", "", 3, 1, 2, 20, 0, 5),
    ]
