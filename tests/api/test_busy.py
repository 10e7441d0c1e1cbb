"""Somebody holds the account for too long: the caller is asked to come again, and nothing was changed."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from creditapp import db as database
from creditapp import ledger
from creditapp.db import db
from tests.browsing import Api


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
