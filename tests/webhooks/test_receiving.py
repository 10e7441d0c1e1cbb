import json
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from creditapp.db import db
from creditapp.webhooks import WebhookEvent
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import ADDRESS, deliver, recordings, signed

STANDARD, OLDER = WEBHOOK_SECRETS
BODY = b'{"type":"order.created","timestamp":"2026-11-22T07:59:20Z","data":{"id":"o-1"}}'


def stored() -> int:
    return db.session.scalars(select(func.count()).select_from(WebhookEvent)).one()


def event() -> WebhookEvent:
    return db.session.scalars(select(WebhookEvent)).one()


@pytest.mark.both_databases
@pytest.mark.parametrize("secret", WEBHOOK_SECRETS, ids=["standard key", "older key"])
def test_a_delivery_signed_with_either_secret_is_stored_as_it_came(client: FlaskClient, secret: str) -> None:
    answer = deliver(client, BODY, secret)

    assert answer.status_code == 202
    assert event().body == BODY
    assert event().event_type == "order.created"
    assert event().state == "received"


@pytest.mark.parametrize("secret", WEBHOOK_SECRETS, ids=["standard key", "older key"])
def test_every_delivery_that_polar_ever_made_here_is_accepted(client: FlaskClient, secret: str) -> None:
    bodies = [body for _, body in recordings()]
    assert len(bodies) > 150

    assert {deliver(client, body.encode(), secret).status_code for body in bodies} == {202}
    assert stored() == len(bodies)


def test_a_delivery_that_comes_again_is_acknowledged_and_kept_once(client: FlaskClient) -> None:
    for _ in range(3):
        assert deliver(client, BODY, STANDARD, webhook_id="the-same").status_code == 202

    assert stored() == 1


def test_a_second_signature_in_the_header_is_enough(client: FlaskClient) -> None:
    headers = signed(BODY, STANDARD)
    headers["webhook-signature"] = "v1a,abc v1,AAAA " + headers["webhook-signature"]

    assert client.post(ADDRESS, data=BODY, headers=headers).status_code == 202


def test_a_changed_body_is_refused(client: FlaskClient) -> None:
    headers = signed(BODY, STANDARD)

    assert client.post(ADDRESS, data=BODY.replace(b"o-1", b"o-2"), headers=headers).status_code == 403
    assert stored() == 0


def test_a_stranger_who_knows_no_secret_is_refused(client: FlaskClient) -> None:
    assert deliver(client, BODY, "whsec_" + "b" * 43 + "=").status_code == 403
    assert stored() == 0


@pytest.mark.parametrize("minutes", [-6, 6], ids=["old", "from the future"])
def test_a_delivery_more_than_five_minutes_off_is_refused(client: FlaskClient, minutes: int) -> None:
    headers = signed(BODY, STANDARD, at=datetime.now(UTC) + timedelta(minutes=minutes))

    assert client.post(ADDRESS, data=BODY, headers=headers).status_code == 403
    assert stored() == 0


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_delivery_within_five_minutes_is_accepted(client: FlaskClient, minutes: int) -> None:
    headers = signed(BODY, STANDARD, at=datetime.now(UTC) + timedelta(minutes=minutes))

    assert client.post(ADDRESS, data=BODY, headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "nocommahere"),
        ("webhook-signature", "v1,not base64 at all!"),
        ("webhook-signature", "v1,ÄÖÜ"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v2," + "A" * 44),
        ("webhook-signature", "v1,AAAA " * 5_000),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "-5"),
        ("webhook-timestamp", "٣٣٣"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-id", ""),
        ("webhook-id", "é" * 10),
        ("webhook-id", "x" * 300),
    ],
)
def test_a_malformed_header_is_refused_and_never_an_error_of_ours(client: FlaskClient, header: str, value: str) -> None:
    headers = {**signed(BODY, STANDARD), header: value}

    assert client.post(ADDRESS, data=BODY, headers=headers).status_code == 403
    assert stored() == 0


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(client: FlaskClient, missing: str) -> None:
    headers = signed(BODY, STANDARD)
    del headers[missing]

    assert client.post(ADDRESS, data=BODY, headers=headers).status_code == 403


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00\x80",
        b"null",
        b"[]",
        b'"text"',
        b'{"type": 5, "data": {}}',
        b'{"type": "order.paid"}',
        b'{"type": "order.paid", "data": []}',
        b"[" * 100_000,
        b'{"type": "\\ud800", "data": {}}',
        b'{"type": "a\\u0000b", "data": {}}',
        json.dumps({"type": "x" * 5_000, "data": {}}).encode(),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_signed_body_that_nobody_can_read_is_kept_and_ends_with_its_reason(
    client: FlaskClient, run_jobs, body: bytes
) -> None:
    assert deliver(client, body, STANDARD).status_code == 202
    run_jobs()

    assert event().body == body
    assert event().state in {"dead", "ignored"}
    assert event().reason


def test_more_than_a_mebibyte_is_too_large(client: FlaskClient) -> None:
    assert deliver(client, b"x" * (1024 * 1024 + 1), STANDARD).status_code == 413
    assert deliver(client, b"x" * (1024 * 1024), STANDARD).status_code == 202


def test_more_than_a_mebibyte_in_chunks_that_tell_no_length_is_too_large(client: FlaskClient) -> None:
    for size, status in ((2 * 1024 * 1024, 413), (1024, 202)):
        body = b"x" * size
        answer = client.post(
            ADDRESS,
            input_stream=BytesIO(body),
            headers=signed(body, STANDARD),
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        assert answer.status_code == status


def test_other_methods_are_not_for_webhooks(client: FlaskClient) -> None:
    assert client.get(ADDRESS).status_code == 405


@pytest.mark.settings(polar_webhook_secret=())
def test_without_a_secret_nothing_is_believed(client: FlaskClient) -> None:
    assert deliver(client, BODY, STANDARD).status_code == 403
