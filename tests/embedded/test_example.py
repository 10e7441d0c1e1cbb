"""The example in docs/examples runs: over real HTTP, and embedded."""

import importlib.util
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from creditapp import Credits, ledger
from creditapp.config import ROOT
from creditapp.db import db


@pytest.fixture(scope="module")
def example() -> Any:
    spec = importlib.util.spec_from_file_location("picture_service", ROOT / "docs" / "examples" / "picture_service.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def available(account: int) -> Decimal:
    db.session.rollback()
    return ledger.balance(account).available


def test_over_http_a_picture_is_charged_once_and_a_failed_one_given_back(
    example: Any, address: str, account: int, make_key: Callable[..., str], shelf: Any
) -> None:
    service = example.service_over_http(address, make_key(account)).test_client()

    for _ in range(2):
        assert service.post("/pictures", data=b"xyz", headers={"X-Job": "1"}).get_json() == {"bytes": 3}
    assert available(account) == 90
    assert service.post("/pictures", data=b"", headers={"X-Job": "2"}).status_code == 422
    assert available(account) == 90
    for job in range(3, 12):
        service.post("/pictures", data=b"xyz", headers={"X-Job": str(job)})
    refused = service.post("/pictures", data=b"xyz", headers={"X-Job": "12"})
    assert refused.status_code == 402
    assert "package=starter" in refused.get_json()["buy_at"]


def test_embedded_a_picture_is_charged_when_it_succeeded_and_an_album_for_what_it_holds(
    example: Any, app: Flask, account: int
) -> None:
    service = example.service_embedded(Credits(app=app)).test_client()
    whose = {"X-Customer": "alice@example.com"}

    assert service.post("/pictures", data=b"xyz", headers=whose).status_code == 200
    assert available(account) == 90
    assert service.post("/pictures", data=b"", headers=whose).status_code == 500
    assert available(account) == 90
    album = service.post("/albums", json={"pictures": ["a", "", "bc"]}, headers=whose)
    assert album.get_json() == [{"bytes": 1}, {"bytes": 2}]
    assert available(account) == 70
    assert service.post("/albums", json={"pictures": ["a"] * 8}, headers=whose).get_json() == {"missing": "10"}
