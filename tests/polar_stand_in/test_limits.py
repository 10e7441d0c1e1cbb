"""Too many calls, the organisation's switches, and events that a merchant tells."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from polar.base import PolarRateLimitError
from polar.v2026_10 import errors

from . import recorded
from .program import StandIn


def test_a_token_that_calls_too_often_is_told_to_wait(own_stand_in: StandIn) -> None:
    own_stand_in.control("limits", per_minute=3)
    for _ in range(3):
        own_stand_in.polar.products.list()
    with pytest.raises(PolarRateLimitError) as limited:
        own_stand_in.polar.products.list()
    assert 0 < limited.value.retry_after <= 60

    answer = own_stand_in.http.get("/v1/products/?limit=1")
    theirs = recorded.plain("api_error_429_rate_limited")
    assert (answer.status_code, answer.text) == (theirs["status"], theirs["body"])
    assert answer.headers["retry-after"].isdigit() == theirs["headers"]["retry-after"].isdigit()
    assert own_stand_in.http.get("/_control/charges").status_code == 200
    own_stand_in.control("limits")
    assert own_stand_in.polar.products.list().items == []


def test_a_busy_polar_says_on_demand_how_long_to_wait(own_stand_in: StandIn) -> None:
    own_stand_in.control("fail_next", path="/v1/products", status=429, retry_after=17)
    with pytest.raises(PolarRateLimitError) as limited:
        own_stand_in.polar.products.list()
    assert limited.value.retry_after == 17
    own_stand_in.control("fail_next", path="/v1/products", status=429)
    assert own_stand_in.http.get("/v1/products/").text == recorded.plain("api_error_429_rate_limited")["body"]


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("limits", {"per_minute": 0}),
        ("limits", {"per_minute": "3"}),
        ("organization", {"off_session_charges_enabled": "no"}),
        ("organization", {"wallets_enabled": True}),
        ("bank", {"customer": "nobody", "refuses": "insufficient_funds"}),
        ("bank", {"customer": "nobody", "refuses": ""}),
        ("fail_next", {"path": "/v1", "retry_after": 0.5}),
        ("fail_next", {"path": "/v1", "right_answer": 1}),
        ("fail_next", {"path": "/v1", "method": "post"}),
        ("tax", {"percent": 51}),
    ],
)
def test_a_wrong_wish_is_refused_with_a_sentence(stand_in: StandIn, verb: str, body: Any) -> None:
    answer = stand_in.http.post(f"/_control/{verb}", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")


def test_a_switch_of_the_organisation_is_kept_over_a_restart(own_stand_in: StandIn) -> None:
    own_stand_in.control("organization", off_session_charges_enabled=False)
    own_stand_in.end()
    own_stand_in.start()
    (organization,) = own_stand_in.polar.organizations.list().items
    assert not organization.feature_settings.off_session_charges_enabled
    assert own_stand_in.control("organization") == {"off_session_charges_enabled": False, "checkout_payments": True}


def test_an_event_told_twice_is_kept_once(stand_in: StandIn) -> None:
    event = {"name": "used", "external_customer_id": "acc-1", "external_id": "e-1", "metadata": {"credits": 5}}
    first = stand_in.polar.events.ingest(events=[event, {**event, "external_id": "e-2"}, event])
    assert (first.inserted, first.duplicates) == (2, 1)
    again = stand_in.polar.events.ingest(events=[event, {"name": "used", "external_customer_id": "acc-1"}])
    assert (again.inserted, again.duplicates) == (1, 1)


@pytest.mark.parametrize(
    "wrong", [{"name": None}, {"external_customer_id": 7}, {"timestamp": "soon"}, {"timestamp": "2999-01-01T00:00:00Z"}]
)
def test_an_event_of_the_wrong_shape_is_refused_and_nothing_is_kept(stand_in: StandIn, wrong: Any) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    good = {"name": "used", "external_customer_id": "acc-2", "external_id": f"good-{wrong}", "timestamp": past}
    with pytest.raises(errors.HTTPValidationError):
        stand_in.polar.events.ingest(events=[good, {**good, "external_id": "bad", **wrong}])
    assert stand_in.polar.events.ingest(events=[good]).inserted == 1
