"""What Prometheus reads: what waits and for how long, and whether what the house stands on is there."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from creditapp import clock, letters, webhooks
from creditapp.db import transaction
from tests.databases import app_on
from tests.valkey import Valkey
from tests.web.seeing import DAY, NOON, signed_up


def read(client: FlaskClient) -> dict[tuple[str, str], float]:
    """Every figure by its name and what it is of."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value  # type: ignore[misc]
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.both_databases
def test_what_waits_is_counted_with_how_late_it_is(app: Flask, client: FlaskClient) -> None:
    alice = signed_up(app, "alice@example.com")
    with clock.at(NOON - DAY), transaction():
        for number in (1, 2):
            webhooks.receive(f"webhook-{number}", b'{"type": "order.paid", "data": {}}')
    with clock.at(NOON), transaction():
        letters.write("low_balance", key="k", account_id=None, recipient=alice.email, facts={})

    with clock.at(NOON):
        found = read(client)

    assert found["creditapp_up", "database"] == 1
    assert (found["creditapp_waiting", "webhook"], found["creditapp_late_seconds", "webhook"]) == (2, 86_400)
    assert (found["creditapp_waiting", "letter"], found["creditapp_late_seconds", "letter"]) == (1, 0)
    assert (found["creditapp_waiting", "recharge"], found["creditapp_late_seconds", "recharge"]) == (0, 0)


def test_redis_answers_or_does_not(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    valkey.start()
    try:
        client = app_on(f"sqlite:///{tmp_path / 'none'}", tmp_path / "data", redis_url=valkey.url).test_client()
        assert read(client)["creditapp_up", "redis"] == 1
    finally:
        valkey.stop()
    assert read(client)["creditapp_up", "redis"] == 0


def test_without_the_database_that_is_what_is_told(tmp_path: Path) -> None:
    found = read(app_on("postgresql://postgres@127.0.0.1:9/none", tmp_path).test_client())

    assert found["creditapp_up", "database"] == 0
    assert not [name for name, _ in found if name != "creditapp_up"]
