"""Somebody holds the account for too long, or the database is away: the caller is asked to come again."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from creditapp import db as database
from creditapp import ledger
from creditapp.db import db, is_away
from creditapp.errors import NotFound
from tests.browsing import Api
from tests.databases import app_on


@pytest.mark.both_databases
def test_a_charge_that_waits_too_long_is_asked_to_come_again_and_charges_nothing(
    app: Flask, account: int, make_key: Callable[..., str], api: Callable[[str | None], Api],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(database, "SQLITE_BUSY_MS", 300)
    program = api(make_key(account))
    db.session.rollback()
    with db.engine.connect().execution_options(writing=True) as holder:
        holder.execute(text("UPDATE accounts SET updated_at = updated_at WHERE id = :id"), {"id": account})
        refused = program.post("/consume", {"amount": 1}, key="k")

    told = refused.get_json()
    assert (refused.status_code, told["code"]) == (503, "busy")
    assert refused.headers["Retry-After"] == "1"
    assert refused.content_type == "application/problem+json"
    assert ledger.balance(account).available == 100
    assert program.post("/consume", {"amount": 1}, key="k").status_code == 201


@pytest.mark.parametrize("path", ["/api/credits/balance", "/credits"])
def test_without_its_database_the_house_says_so_and_asks_to_come_again(tmp_path: Path, path: str) -> None:
    nobody_listens = "postgresql://postgres@127.0.0.1:9/none"
    with app_on(nobody_listens, tmp_path).test_client() as stranger:
        with stranger.session_transaction() as session:
            session["_user_id"] = "somebody's session"
        answer = stranger.get(path, headers={"Authorization": "Bearer ck_live_" + "0" * 40})

    assert answer.status_code == 503
    assert "Try again in a few seconds" in answer.text
    if path.startswith("/api"):
        assert (answer.json["code"], answer.headers["Retry-After"]) == ("unavailable", "3")


def test_every_way_of_losing_the_database_is_told_from_a_refusal_of_its() -> None:
    def told(error: type[psycopg.Error]) -> bool:
        return is_away(DBAPIError.instance(None, None, error("so"), psycopg.Error))  # type: ignore[arg-type]

    gone = (psycopg.OperationalError, errors.AdminShutdown, errors.CannotConnectNow, errors.ConnectionFailure)
    refused = (errors.UniqueViolation, errors.LockNotAvailable, errors.QueryCanceled, errors.DiskFull)
    assert [told(error) for error in (*gone, *refused)] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("path", ["/api/credits/consume", "/sign-in", "/webhooks/polar/credits"])
def test_who_sends_slowly_keeps_no_connection_of_the_database_waiting(
    app: Flask, client: FlaskClient, account: int, make_key: Callable[..., str], path: str
) -> None:
    class Slowly(io.BytesIO):
        """A body that looks how many connections are taken while it comes in."""

        def readinto(self, buffer: Any) -> int:
            taken.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
            return super().readinto(buffer)

    taken: list[int] = []
    headers = {"Authorization": f"Bearer {make_key(account)}", "Content-Type": "application/json"}
    db.session.rollback()
    client.post(path, input_stream=Slowly(b'{"amount": 1}'), content_length=13, headers=headers)

    assert set(taken) == {0}


@pytest.mark.both_databases
def test_a_refusal_is_told_although_the_connection_was_lost_meanwhile(app: Flask, client: FlaskClient) -> None:
    @app.get("/api/refused")
    def refused() -> None:
        db.session.execute(text("SELECT 1"))
        db.session.connection().connection.driver_connection.close()  # type: ignore[union-attr]
        message = "There is no such thing."
        raise NotFound(message)

    answers = [client.get("/api/refused") for _ in range(2)]

    assert [(answer.status_code, answer.get_json()["code"]) for answer in answers] == [(404, "not_found")] * 2
    assert client.get("/readyz").status_code == 200
