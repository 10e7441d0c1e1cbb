"""``flask usage rebuild``: what was used, counted anew by day."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import delete, update

from creditapp import ledger
from creditapp.cli import usage as command
from creditapp.db import db, transaction
from tests.ledger import door
from tests.usage.counting import recorded, rolled_up

pytestmark = pytest.mark.both_databases

Run = Callable[..., Result]


@pytest.fixture
def flask(app: Flask) -> Run:
    """Run ``flask usage <arguments>`` and give what it said."""

    def run(*arguments: str) -> Result:
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["usage", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def other(account: int) -> int:
    """Another account; of both the days are wrong, of Alice's account they are gone."""
    other = door.open_account(holding=100)
    for whose in (account, other):
        charge = door.spend(whose, 5, operation_type="ai_analysis").transaction_id
        door.reverse(whose, charge, 2)
    with transaction():
        db.session.execute(delete(ledger.UsageBucket).where(ledger.UsageBucket.account_id == account))
        db.session.execute(update(ledger.UsageBucket).values(credits=7))
    return other


def test_the_usage_of_one_account_is_counted_anew(flask: Run, account: int, other: int) -> None:
    done = flask("rebuild", "alice@example.com")

    assert (done.exit_code, done.output) == (0, "Usage counted anew for 1 account.\n")
    assert rolled_up(account) == recorded(account) != {}
    assert rolled_up(other) != recorded(other)


def test_everybodys_usage_is_counted_anew_in_steps(
    flask: Run, account: int, other: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ACCOUNTS_AT_ONCE", 1)

    done = flask("rebuild")

    assert (done.exit_code, done.output) == (0, "Usage counted anew for 2 accounts.\n")
    assert rolled_up(account) == recorded(account) != {}
    assert rolled_up(other) == recorded(other) != {}
    assert door.differences() == []


def test_an_account_that_does_not_exist_is_refused_in_words(flask: Run, account: int) -> None:
    done = flask("rebuild", "nobody@example.com")

    assert done.exit_code != 0
    assert "There is no such account." in done.output
    assert "Traceback" not in done.output
