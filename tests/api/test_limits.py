"""A key may call so often; who is over it is told when to come again, and others are not held up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from creditapp import identity, ledger
from creditapp.db import db
from tests.browsing import Api
from tests.databases import app_on
from tests.valkey import Valkey


@pytest.mark.settings(api_rate_limit="5/minute")
def test_a_key_over_its_limit_is_told_when_to_come_again(
    account: int, make_key: Callable[..., str], api: Callable[[str | None], Api], charlie: identity.User
) -> None:
    program, other = api(make_key(account)), api(make_key(identity.account_id_of(charlie)))
    answers = [program.post("/consume", {"amount": 1}) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [201] * 5 + [429] * 2
    assert [answer.headers["RateLimit-Remaining"] for answer in answers[:5]] == ["4", "3", "2", "1", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "5"
    refused = answers[-1]
    assert (refused.content_type, refused.get_json()["code"]) == ("application/problem+json", "too_many_requests")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert other.get("/balance").status_code == 200
    assert ledger.balance(account).available == 95


def test_the_usual_limit_is_far_away(
    account: int, make_key: Callable[..., str], api: Callable[[str | None], Api]
) -> None:
    program = api(make_key(account))

    assert program.get("/balance").headers["RateLimit-Limit"] == "10000"
    assert {program.get("/balance").status_code for _ in range(100)} == {200}


class TestCountedTogether:
    """With Redis every process counts the same calls; without it each counts its own."""

    @pytest.fixture
    def more_settings(self, valkey: Valkey) -> dict[str, Any]:
        return {"redis_url": valkey.url, "api_rate_limit": "3/minute"}

    def test_two_servers_count_one_keys_calls_together(
        self, app: Flask, database: str, tmp_path: Path, valkey: Valkey, account: int, make_key: Callable[..., str]
    ) -> None:
        key = make_key(account)
        other = app_on(database, tmp_path / "other", redis_url=valkey.url, api_rate_limit="3/minute")
        other.test_client_class = app.test_client_class
        here, there = Api(app.test_client(), key), Api(other.test_client(), key)

        told = [server.get("/balance") for server in (here, there, here, there)]

        assert [answer.status_code for answer in told] == [200, 200, 200, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in told] == ["2", "1", "0", "0"]
        with other.app_context():
            db.engine.dispose()

    def test_when_redis_goes_away_calls_go_on_and_are_counted_here(
        self, account: int, make_key: Callable[..., str], api: Callable[[str | None], Api], valkey: Valkey
    ) -> None:
        program = api(make_key(account))
        assert program.get("/balance").status_code == 200
        valkey.stop()
        try:
            assert [program.get("/balance").status_code for _ in range(4)] == [200] * 3 + [429]
        finally:
            valkey.start()
