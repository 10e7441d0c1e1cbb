import json
from datetime import UTC, datetime

import pytest
from polar.v2026_10.webhooks import validate_event
from standardwebhooks import Webhook

from creditapp.gateway import BadSignature, check
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import POLAR, signed

RECORDED = sorted((POLAR / "recordings").glob("*/[0-9]*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_polar_itself_signed_is_believed_at_the_time_it_was_sent(file) -> None:
    from base64 import b64decode

    recorded = json.loads(file.read_text())
    secret = b64decode(recorded["signed_with"]).decode()
    sent_at = datetime.fromtimestamp(int(recorded["headers"]["webhook-timestamp"]), UTC)

    assert (
        check(recorded["body"].encode(), recorded["headers"], (secret,), sent_at) == recorded["headers"]["webhook-id"]
    )


@pytest.mark.parametrize("text", ['{"type":"x"}', "grüße, ☃", ""])
def test_what_the_standard_library_signs_is_believed(text: str) -> None:
    secret, now = WEBHOOK_SECRETS[0], datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", now, text),
    }

    assert check(text.encode(), headers, WEBHOOK_SECRETS, now) == "msg_1"


def test_what_we_believe_polars_own_sdk_believes_too() -> None:
    recorded = json.loads((POLAR / "recordings" / "sdk_1_0_2" / "025_order.paid_paid_professional.json").read_text())[
        "body"
    ].encode()
    for secret in WEBHOOK_SECRETS:
        headers = signed(recorded, secret)
        check(recorded, headers, (secret,), datetime.now(UTC))
        assert validate_event(recorded, headers, secret).type == "order.paid"


def test_a_secret_of_the_new_kind_is_not_taken_for_another() -> None:
    body, now = b"{}", datetime.now(UTC)

    with pytest.raises(BadSignature):
        check(body, signed(body, WEBHOOK_SECRETS[0]), (WEBHOOK_SECRETS[1],), now)
