"""``flask prices``: seen, taken as a file, changed, and published ahead of time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from creditapp import clock, pricing
from creditapp.db import db
from creditapp.identity import AuditEvent

Run = Callable[..., Result]
LATER = "2090-01-01T00:00Z"


@pytest.fixture
def flask(app: Flask) -> Run:
    """Run ``flask prices <arguments>`` and give what it said."""

    def run(*arguments: str) -> Result:
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["prices", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def changed(flask: Run, folder: Path, **facts: Any) -> str:
    """The card that holds, as a file, with something changed."""
    card = json.loads(flask("show", "--json").output)
    card |= {"version": "2090", **facts}
    file = folder / "card.json"
    file.write_text(json.dumps(card))
    return str(file)


def test_the_prices_are_shown(flask: Run) -> None:
    output = flask("show").output

    assert output.startswith("Rate card 2026-11, since the beginning\n")
    assert "  ai_analysis                                       25  AI analysis\n" in output


@pytest.mark.both_databases
def test_a_card_is_taken_changed_and_published_without_a_release(flask: Run, tmp_path: Path) -> None:
    card = json.loads(flask("show", "--json").output)
    dearer = [{**rate, "credits": "1.5"} if rate["key"] == "basic_api_call" else rate for rate in card["operations"]]

    published = flask("publish", changed(flask, tmp_path, operations=dearer), "--from", LATER, "--reason", "Dearer")

    assert (published.exit_code, published.output) == (0, "Rate card 2090 holds from 2090-01-01 00:00 UTC.\n")
    assert "Rate card 2090 holds from 2090-01-01 00:00 UTC\n" in flask("show").output
    with clock.at(datetime(2090, 1, 1, tzinfo=UTC)):
        assert flask("show").output.startswith("Rate card 2090, since 2090-01-01 00:00 UTC\n")
        assert pricing.cost(pricing.current_card(), "api_call", 3).total == Decimal("4.5")
    audited = db.session.scalars(select(AuditEvent)).one()
    assert (audited.action, audited.reason, audited.details["version"]) == ("publish_prices", "Dearer", "2090")


@pytest.mark.parametrize(
    ("when", "reason", "words"),
    [
        ("tomorrow", "why", "is not a time such as 2027-01-01T00:00Z"),
        ("2090-01-01", "why", "does not name its zone"),
        ("9999-12-31T23:59-12:00", "why", "is not a time"),
        ("2001-01-01T00:00Z", "why", "at least two minutes before it holds"),
        (LATER, "  ", "Give a reason"),
    ],
)
def test_a_publication_that_makes_no_sense_is_one_sentence(
    flask: Run, tmp_path: Path, when: str, reason: str, words: str
) -> None:
    result = flask("publish", changed(flask, tmp_path), "--from", when, "--reason", reason)

    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output
    assert pricing.coming() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "can't be read as JSON"),
        ("[" * 100_000, "can't be read as JSON"),
        ("\xff", "can't be read as JSON"),
        ("{}", "version: Field required."),
        (" " * 1_100_000, "is larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_rate_card_is_one_sentence(flask: Run, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "card.json"
    file.write_bytes(text.encode("latin-1"))

    result = flask("publish", str(file), "--from", LATER, "--reason", "why")

    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output
