import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from creditapp import identity, ledger
from creditapp.config import ROOT
from creditapp.db import db, transaction
from creditapp.identity import AuditEvent

Run = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Run:
    """Run ``flask <arguments>`` and give what it said."""

    def run(*arguments: str, **named: object) -> Result:
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=list(arguments), **named)  # type: ignore[arg-type]
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def refused(result: Result) -> str:
    """What the command said when it refused: words, and nothing of Python's."""
    assert result.exit_code != 0
    assert "Traceback" not in result.output
    return result.output


def test_a_person_is_created_with_the_welcome_credits(flask: Run) -> None:
    assert flask("users", "create", "New@Example.com", "--password", "four plain words").exit_code == 0

    assert ledger.balance(identity.account_named("new@example.com")).available == 100
    assert identity.by_credentials("new@example.com", "four plain words") is not None


def test_an_operator_is_created_when_asked_for(flask: Run) -> None:
    flask("users", "create", "staff@example.com", "--password", "four plain words", "--operator")

    person = identity.by_credentials("staff@example.com", "four plain words")
    assert person is not None
    assert person.is_operator


@pytest.mark.parametrize(
    ("email", "password", "word"),
    [
        ("not an address", "four plain words", "email address"),
        ("alice@example.com", "four plain words", "already an account"),
        ("new@example.com", "short", "at least 8"),
        ("new@example.com", "password1", "attacker"),
    ],
)
def test_a_person_that_can_not_be_created_is_refused_in_words(
    flask: Run, account: int, email: str, password: str, word: str
) -> None:
    assert word in refused(flask("users", "create", email, "--password", password))


def test_a_key_is_printed_alone_and_works(flask: Run, account: int) -> None:
    printed = flask("keys", "create", "--account", "alice@example.com", "--scopes", "read, consume").output

    assert re.fullmatch(r"ck_test_\w{40}\n", printed)
    caller = identity.caller(printed.strip())
    assert (caller.account_id, caller.scopes) == (account, {"read", "consume"})


def test_a_service_key_may_act_for_any_account(flask: Run) -> None:
    caller = identity.caller(flask("keys", "create", "--service").output.strip())

    assert caller.account_id is None
    assert caller.scopes == set(identity.SCOPES)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--service", "--account", "alice@example.com"),
        ("--account", "nobody@example.com"),
        ("--account", "alice@example.com", "--scopes", "everything"),
        ("--account", "alice@example.com", "--scopes", ""),
        ("--account", "alice@example.com", "--name", ""),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(flask: Run, account: int, arguments: tuple[str, ...]) -> None:
    refused(flask("keys", "create", *arguments))


def test_granted_credits_are_a_bonus_with_its_reason_and_an_audit_row(flask: Run, account: int) -> None:
    said = flask("credits", "grant", "alice@example.com", "250.5", "--reason", "Sorry for Monday", "--expires-in", "30")

    assert "The balance is 350.5" in said.output
    newest = ledger.entries(account, limit=1)[0]
    assert (newest.transaction_type, newest.amount, newest.description) == ("bonus", 250.5, "Sorry for Monday")
    assert ledger.balance(account).expiring == 250.5
    audit = db.session.scalars(select(AuditEvent)).one()
    assert (audit.action, audit.account_id, audit.reason) == ("grant", account, "Sorry for Monday")


@pytest.mark.parametrize(
    "arguments",
    [
        ("alice@example.com", "lots", "--reason", "x"),
        ("alice@example.com", "0", "--reason", "x"),
        ("alice@example.com", "NaN", "--reason", "x"),
        ("alice@example.com", "1_0", "--reason", "x"),
        ("alice@example.com", "0.0000001", "--reason", "x"),
        ("alice@example.com", "1e30", "--reason", "x"),
        ("alice@example.com", "5"),
        ("alice@example.com", "5", "--reason", "  "),
        ("alice@example.com", "5", "--reason", "x", "--expires-in", "0"),
        ("nobody@example.com", "5", "--reason", "x"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused_and_changes_nothing(
    flask: Run, account: int, arguments: tuple[str, ...]
) -> None:
    refused(flask("credits", "grant", *arguments))

    assert ledger.balance(account).available == 100


def test_a_negative_grant_is_refused(flask: Run, account: int) -> None:
    refused(flask("credits", "grant", "--reason", "x", "--", "alice@example.com", "-5"))

    assert ledger.balance(account).available == 100


def test_an_account_is_shown_with_what_its_credits_consist_of(flask: Run, account: int) -> None:
    said = flask("credits", "show", "alice@example.com").output

    assert f"Account {account}" in said
    assert re.search(r"available +100\n", said)
    assert "Welcome credits" in said
    assert "There is no such account" in refused(flask("credits", "show", "nobody@example.com"))


def test_books_that_tie_out_are_proved(flask: Run, account: int) -> None:
    assert flask("credits", "verify").output == "The books tie out.\n"
    assert json.loads(flask("credits", "verify", "--json").output) == {"differences": []}


def test_books_that_differ_are_an_error_that_names_the_account(flask: Run, account: int) -> None:
    with transaction():
        db.session.execute(text("UPDATE accounts SET balance = balance + 1"))

    assert str(account) in refused(flask("credits", "verify"))
    found = json.loads(refused(flask("credits", "verify", "--json")))["differences"]
    assert {difference["account"] for difference in found} == {str(account)}


def test_seeding_again_changes_nothing(flask: Run) -> None:
    assert "5 packages" in flask("seed").output
    with transaction():
        db.session.execute(text("UPDATE credit_packages SET price_cents = 900 WHERE key = 'starter'"))
    flask("seed")

    assert db.session.scalar(text("SELECT price_cents FROM credit_packages WHERE key = 'starter'")) == 900
    assert db.session.scalar(text("SELECT count(*) FROM credit_packages")) == 5


@pytest.mark.parametrize(
    "command", [[], ["users"], ["keys"], ["credits"], ["credits", "grant"], ["credits", "verify"], ["seed"], ["db"]]
)
def test_every_command_explains_itself(flask: Run, command: list[str]) -> None:
    said = flask(*command, "--help")

    assert said.exit_code == 0
    assert "Usage:" in said.output


def started(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as a person starts it."""
    given = {"PATH": os.environ["PATH"], "HOME": str(data), "CREDITAPP_DATA": str(data), **environment}
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=given, text=True, capture_output=True, timeout=60, check=False
    )


VERIFY = ("-m", "flask", "credits", "verify")
GOOD_KEY = "k" * 40


@pytest.mark.parametrize(
    ("program", "environment", "variable"),
    [
        (VERIFY, {}, "SECRET_KEY"),
        (("worker.py",), {"SECRET_KEY": "short"}, "SECRET_KEY"),
        (("worker.py", "clock"), {"SECRET_KEY": GOOD_KEY, "DATABASE_URL": "mysql://somewhere"}, "DATABASE_URL"),
        (VERIFY, {"SECRET_KEY": GOOD_KEY, "APP_URL": "example.com"}, "APP_URL"),
        (VERIFY, {"SECRET_KEY": GOOD_KEY, "POLAR_SERVER": "sandbx"}, "POLAR_SERVER"),
        (VERIFY, {"SECRET_KEY": GOOD_KEY, "MAIL_URL": "http://mail"}, "MAIL_URL"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_setting_refuses_to_start_and_names_the_variable(
    tmp_path: Path, program: tuple[str, ...], environment: dict[str, str], variable: str
) -> None:
    ended = started(tmp_path, *program, **environment)

    assert ended.returncode != 0
    assert variable in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_worker_is_asked_for_in_one_of_two_ways(tmp_path: Path) -> None:
    ended = started(tmp_path, "worker.py", "nonsense", SECRET_KEY="k" * 40)

    assert (ended.returncode, ended.stderr) == (2, "Usage: python worker.py [clock]\n")


def test_a_fresh_database_is_made_and_kept_in_step_by_two_commands(tmp_path: Path) -> None:
    upgraded = started(tmp_path, "-m", "flask", "db", "upgrade", SECRET_KEY=GOOD_KEY)
    assert upgraded.returncode == 0, upgraded.stderr
    checked = started(tmp_path, "-m", "flask", "db", "check", SECRET_KEY=GOOD_KEY)
    assert checked.returncode == 0, checked.stderr


def test_without_a_database_a_command_says_what_to_do(tmp_path: Path) -> None:
    ended = started(tmp_path, "-m", "flask", "credits", "show", "a@example.com", SECRET_KEY="k" * 40)

    assert ended.returncode == 1
    assert "flask db upgrade" in ended.stderr
    assert "Traceback" not in ended.stderr
