"""Signing as Polar does, by the Standard Webhooks library wherever it can."""

import base64
import hashlib
import hmac
from datetime import datetime

from standardwebhooks import Webhook

KEY_BYTES = 32


def sign(body: bytes, secret: str, webhook_id: str, at: datetime) -> str:
    """The ``webhook-signature`` of *body*. A secret of the older kind signs with its own bytes."""
    key = _standard(secret)
    try:
        return Webhook(key).sign(webhook_id, at, body.decode())
    except UnicodeDecodeError:  # the library signs text only
        signed = f"{webhook_id}.{int(at.timestamp())}.".encode() + body
        digest = hmac.digest(base64.b64decode(key), signed, hashlib.sha256)
        return f"v1,{base64.b64encode(digest).decode()}"


def _standard(secret: str) -> str:
    """The secret in base64, as the library takes it."""
    try:
        if secret.startswith("whsec_") and len(base64.b64decode(secret[6:], validate=True)) == KEY_BYTES:
            return secret[6:]
    except ValueError:
        pass
    return base64.b64encode(secret.encode()).decode()
