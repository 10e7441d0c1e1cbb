"""All data of an account as one archive: complete, of nobody else, without a secret, made again if a worker dies."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from creditapp import clock, exports, identity, jobs, ledger, letters, schedule
from creditapp.config import Settings
from creditapp.db import Model, db, transaction
from creditapp.exports import LEFT_OUT, PARTS, DataExport, parts
from creditapp.exports.desk import ATTEMPTS_LIMIT, CLAIM, KEPT
from creditapp.identity import audit
from tests.dev.conftest import eventually
from tests.ledger import door

pytestmark = pytest.mark.both_databases

SECOND = timedelta(seconds=1)
PATIENCE_SECONDS = 30
FORMULA = "=HYPERLINK(1)"
# Columns that no archive holds, in tables of which it holds the rest.
NOT_TOLD = {
    "accounts": {"settled", "next_expiry_at", "last_number", "watch_level", "counted_in"},  # how far the lots know
    "alert_rules": {"account_id", "armed", "fires_at", "rearms_above"},  # where a rule stands at the moment
    "api_keys": {"account_id", "secret_hash"},
    "audit_events": {"id", "actor", "account_id", "details"},  # staff are people too
    "checkouts": {"account_id", "package_id", "request", "url", "looked_at"},
    "credit_alerts": {"account_id", "subject", "letter_id"},
    "credit_holds": {"account_id", "request"},
    "credit_lots": {"account_id"},
    "credit_transactions": {"account_id", "axis_from", "request"},
    "disputes": {"id", "recorded_at"},
    "letters": {"id", "key", "account_id", "facts", "reason", "attempts", "next_attempt_at"},  # facts may hold links
    "memberships": {"user_id", "account_id"},
    "orders": {"id", "account_id", "package_id", "polar_customer_id", "notice", "polar_modified_at", "recorded_at"},
    "polar_customers": {"account_id", "default_payment_method_id"},
    "recharge_attempts": {
        "account_id",
        "package_id",
        "payment_method_id",
        "polar_customer_id",
        "tries",
        "next_at",
    },
    "recharge_plans": {"account_id", "package_id", "considered_at"},
    "refunds": {"id", "moved", "recorded_at"},
    "usage_records": {"account_id"},
    "user_sessions": {"id", "token_hash"},
    "users": {"id", "password_hash", "is_operator", "created_at"},
}
# What a killed worker was doing: it has claimed the export and waits for somebody to read what it writes.
WORKER = """
import sys
from pathlib import Path
from creditapp import jobs
from tests.databases import app_on
with app_on(sys.argv[1], Path(sys.argv[2])).app_context():
    jobs.export_data(int(sys.argv[3]))
"""


@pytest.fixture
def busy(account: int) -> int:
    """Alice's account with something in every corner."""
    door.grant(account, 1_000, description="Starter package", polar_order_id="order-1")
    spent = door.spend(account, "0.000001", operation_type="api_call", description=FORMULA, details={"a": [1, "ü"]})
    door.spend(account, 25, operation_type="ai_analysis", api_endpoint="/v1/analyses")
    door.reverse(account, spent.transaction_id)
    door.hold(account, 5)
    with transaction():
        identity.create_key(account, name=FORMULA, scopes=("read",), live=False)
        audit.record("bob@example.com", "grant", account_id=account, reason="Goodwill")
    return account


@pytest.fixture
def folder(app: Flask) -> Path:
    settings: Settings = app.extensions["settings"]
    return settings.exports


def asked(account: int) -> int:
    with transaction():
        return exports.request(account, identity.owner_of(account).id).id


def row(export_id: int) -> DataExport:
    db.session.rollback()
    return db.session.get_one(DataExport, export_id, populate_existing=True)


def made(account: int, folder: Path) -> dict[str, str]:
    """The files of the account's archive, as text."""
    export_id = asked(account)
    jobs.export_data(export_id)
    assert row(export_id).state == "ready"
    with zipfile.ZipFile(exports.file_of(folder, export_id, row(export_id).attempts)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def table(files: dict[str, str], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"{name}.csv"], newline="")))


def objects(files: dict[str, str], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files[f"{name}.json"], parse_float=Decimal)
    return found


def test_an_archive_holds_every_part_as_csv_and_as_json(busy: int, folder: Path) -> None:
    files = made(busy, folder)

    assert set(files) == {"README.txt"} | {f"{part.name}.{kind}" for part in PARTS for kind in ("csv", "json")}
    assert "staff_actions" in files["README.txt"]
    for part in PARTS:
        assert files[f"{part.name}.csv"].splitlines()[0] == ",".join(part.header)
        assert len(objects(files, part.name)) == len(table(files, part.name))
    assert [one["number"] for one in table(files, "credit_transactions")] == ["1", "2", "3", "4", "5"]
    assert [one["amount"] for one in objects(files, "credit_transactions")] == [
        100,
        1_000,
        Decimal("-0.000001"),
        -25,
        Decimal("0.000001"),
    ]
    assert objects(files, "account")[0]["id"] == str(busy)
    assert [one["email"] for one in table(files, "people")] == ["alice@example.com"]
    assert table(files, "api_keys")[0]["scopes"] == '["read"]'
    assert objects(files, "credit_transactions")[2]["details"] == {"a": [1, "ü"]}
    assert [one["reason"] for one in table(files, "staff_actions")] == ["Goodwill"]
    assert table(files, "holds")[0]["state"] == "open"


def test_the_archive_adds_up_to_the_balance(busy: int, folder: Path) -> None:
    files = made(busy, folder)

    balance = Decimal(table(files, "account")[0]["balance"])
    assert sum(one["amount"] for one in objects(files, "credit_transactions")) == balance
    assert sum(Decimal(one["remaining"]) for one in table(files, "lots")) >= balance - 26  # lots are settled later
    assert sum(one["credits_consumed"] for one in objects(files, "usage_records")) == Decimal("25.000001")


def test_no_spreadsheet_runs_what_somebody_wrote(busy: int, folder: Path) -> None:
    files = made(busy, folder)

    assert table(files, "credit_transactions")[2]["description"] == f"'{FORMULA}"
    assert objects(files, "credit_transactions")[2]["description"] == FORMULA
    assert table(files, "api_keys")[0]["name"] == f"'{FORMULA}"


def test_no_secret_and_no_hash_of_one_is_in_it(app: Flask, busy: int, alice: identity.User, folder: Path) -> None:
    with transaction():
        token = identity.open_session(alice, user_agent="Firefox", address="10.0.0.9")
        key = identity.create_key(busy, name="tests", scopes=("read",), live=False)

    everything = "".join(made(busy, folder).values())

    assert "10.0.0.9" in everything
    hashes = [one.secret_hash for one in identity.keys_of(busy)]
    for secret in (alice.password_hash, token, identity.token_hash(token), key, *hashes):
        assert secret not in everything


def test_nothing_of_a_stranger_is_in_it(busy: int, charlie: identity.User, folder: Path) -> None:
    stranger = identity.account_id_of(charlie)
    door.spend(stranger, 7, description="a stranger's work")
    with transaction():
        identity.create_key(stranger, name="a stranger's key", scopes=("read",), live=False)
        identity.open_session(charlie, user_agent="A stranger's browser", address="10.9.9.9")

    everything = "".join(made(busy, folder).values()).lower()

    assert "stranger" not in everything
    assert "charlie" not in everything
    assert str(stranger) not in everything


def test_every_column_of_every_table_is_told_or_left_out_for_a_reason() -> None:
    told: dict[str, set[str]] = {}
    for part in PARTS:
        for column in part.columns:
            [base] = column.base_columns
            told.setdefault(base.table.name, set()).add(base.name)
    personal = {
        name: set(found.columns.keys())
        for name, found in Model.metadata.tables.items()
        if {"account_id", "user_id"} & set(found.columns.keys()) or name in {"accounts", "users"}
    }

    assert set(personal) - set(told) == set(LEFT_OUT)
    for name, columns in NOT_TOLD.items():
        whole = set(Model.metadata.tables[name].columns.keys())
        assert told[name] | columns == whole, name
        assert not told[name] & columns, name
    assert set(told) - set(NOT_TOLD) == {"credit_packages"}


def test_much_is_read_page_by_page_and_nothing_twice(busy: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        for _ in range(40):
            ledger.spend(busy, ledger.Charge(amount=Decimal(1)))
    whole = made(busy, folder)
    monkeypatch.setattr(parts, "PAGE_ROWS", 3)

    paged = made(busy, folder)

    for name in ("credit_transactions.csv", "usage_records.json", "lots.json"):
        assert paged[name] == whole[name]
    sizes = [len(page) for part in PARTS for page in part.pages(busy, clock.now())]
    assert max(sizes) == 3


def test_what_comes_while_it_is_made_is_not_in_it(busy: int, folder: Path) -> None:
    export_id = asked(busy)
    with transaction():
        claimed = exports.claim(export_id)
    assert claimed
    with clock.at(clock.now() + SECOND):
        door.spend(busy, 1, description="too late")

    exports.write(claimed, folder / "one.zip", lambda _done, _total: None)

    with zipfile.ZipFile(folder / "one.zip") as archive:
        assert b"too late" not in archive.read("credit_transactions.csv") + archive.read("credit_transactions.json")


def test_one_is_made_at_a_time_and_a_new_one_replaces_the_last(busy: int, folder: Path) -> None:
    first = asked(busy)
    assert asked(busy) == first
    jobs.export_data(first)

    second = asked(busy)

    assert second != first
    assert row(first).state == "gone"
    schedule.delete_exports()
    assert exports.files(folder) == []


def test_its_owner_is_told_when_it_is_ready(busy: int) -> None:
    export_id = asked(busy)
    jobs.export_data(export_id)
    jobs.export_data(export_id)

    told = db.session.scalars(db.select(letters.Letter).where(letters.Letter.kind == "export_ready")).all()
    assert [one.recipient for one in told] == ["alice@example.com"]


def test_only_we_may_read_the_file(busy: int, folder: Path) -> None:
    made(busy, folder)

    [file] = exports.files(folder)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_day_later_the_file_is_deleted(busy: int, folder: Path) -> None:
    export_id = asked(busy)
    jobs.export_data(export_id)

    with clock.at(clock.now() + KEPT - SECOND):
        schedule.delete_exports()
        assert exports.is_ready(row(export_id))
        assert len(exports.files(folder)) == 1
    with clock.at(clock.now() + KEPT + SECOND):
        assert not exports.is_ready(row(export_id))
        schedule.delete_exports()
    assert row(export_id).state == "gone"
    assert exports.files(folder) == []


def test_without_redis_the_clock_makes_it(busy: int) -> None:
    export_id = asked(busy)

    schedule.make_exports()
    assert row(export_id).state == "requested"  # a worker may still hear its bell
    with clock.at(clock.now() + schedule.UNHEARD_EXPORT + SECOND):
        schedule.make_exports()

    assert row(export_id).state == "ready"


def test_an_export_whose_worker_was_killed_is_made_by_another(
    busy: int, folder: Path, database: str, tmp_path: Path
) -> None:
    export_id = asked(busy)
    folder.mkdir(parents=True)
    os.mkfifo(exports.file_of(folder, export_id, 1))  # writing waits here for a reader, who never comes
    worker = subprocess.Popen([sys.executable, "-c", WORKER, database, str(tmp_path / "data"), str(export_id)])
    try:
        assert eventually(lambda: row(export_id).rows_total, PATIENCE_SECONDS)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    assert row(export_id).state == "working"
    jobs.export_data(export_id)
    assert row(export_id).state == "working"  # its claim may still be good
    with clock.at(clock.now() + CLAIM + schedule.UNHEARD_EXPORT + SECOND):
        schedule.make_exports()
    assert (row(export_id).state, row(export_id).attempts) == ("ready", 2)
    schedule.delete_exports()
    assert exports.files(folder) == [exports.file_of(folder, export_id, 2)]


def test_who_was_overtaken_stops_and_spoils_nothing(busy: int, folder: Path) -> None:
    export_id = asked(busy)
    with transaction():
        slow = exports.claim(export_id)
    assert slow
    with clock.at(clock.now() + CLAIM + SECOND):
        jobs.export_data(export_id)

    with pytest.raises(exports.TakenOver), transaction():
        exports.note(slow, 1, 2)
    with pytest.raises(exports.TakenOver), transaction():
        exports.finished(slow, 5)
    assert (row(export_id).state, row(export_id).attempts) == ("ready", 2)


def test_where_nothing_can_be_written_it_is_tried_again_and_given_up_with_the_reason(busy: int, folder: Path) -> None:
    export_id = asked(busy)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    moment = clock.now()
    for _ in range(ATTEMPTS_LIMIT):
        assert row(export_id).state in {"requested", "working"}
        moment += timedelta(hours=1)
        with clock.at(moment):
            schedule.make_exports()

    assert row(export_id).state == "failed"
    assert "FileExistsError" in str(row(export_id).reason)
    folder.unlink()
    again = asked(busy)
    jobs.export_data(again)
    assert row(again).state == "ready"


def test_one_that_kills_every_worker_is_given_up(busy: int) -> None:
    export_id, moment = asked(busy), clock.now()
    for _ in range(ATTEMPTS_LIMIT + 1):
        with clock.at(moment), transaction():
            exports.claim(export_id)  # and then its worker dies
        moment += CLAIM + SECOND

    assert (row(export_id).state, row(export_id).reason) == ("failed", "It could not be finished.")


def test_charges_of_the_same_moment_are_all_in_it(busy: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PAGE_ROWS", 2)
    with clock.at(clock.now() + SECOND), transaction():
        for _ in range(5):
            ledger.spend(busy, ledger.Charge(amount=Decimal(1)))

    with clock.at(clock.now() + 2 * SECOND):
        assert len(table(made(busy, folder), "usage_records")) == 7
