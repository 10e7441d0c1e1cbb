"""Whether a webhook is truly Polar's: Standard Webhooks over the raw bytes, without reading them.

The standardwebhooks library decodes and parses the body first, so that a signed body that is not text could neither
be accepted nor be told from a forgery; the tests hold this check to that library.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

from creditapp.errors import CreditAppError

TOLERANCE_SECONDS = 300
LONGEST_ID = 255
SIGNATURES_LIMIT = 10


class BadSignature(CreditAppError):
    """The webhook is not from Polar, is too old, or its headers can't be read."""

    code, status, title = "bad_signature", 403, "The signature does not match"


def check(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> str:
    """The ``webhook-id`` of a delivery signed with any of *secrets* within five minutes of *now*.

    Raises BadSignature for everything else, whatever the headers hold.
    """
    webhook_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not 0 < len(webhook_id) <= LONGEST_ID or not webhook_id.isascii() or not webhook_id.isprintable():
        message = "The webhook-id header is missing or malformed."
        raise BadSignature(message)
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        message = "The webhook-timestamp header is missing or malformed."
        raise BadSignature(message)
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        message = "The webhook-timestamp is more than five minutes off."
        raise BadSignature(message)
    given = _given_signatures(headers.get("webhook-signature", ""))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    # Every key and signature is compared, so that the time taken tells nothing.
    matches = [
        hmac.compare_digest(hmac.digest(key, signed, hashlib.sha256), signature)
        for secret in secrets
        for key in keys_of(secret)
        for signature in given
    ]
    if not any(matches):
        message = "No signature matches."
        raise BadSignature(message)
    return webhook_id


def keys_of(secret: str) -> list[bytes]:
    """The keys a secret may stand for, as in polar.webhooks of the SDK.

    Endpoints made before 2026-09-08 sign with the secret's own bytes, later ones with what the part after ``whsec_``
    encodes in base64 (github.com/polarsource/polar, server/polar/webhook/constants.py).
    """
    encoded = secret.removeprefix("whsec_")
    try:
        decoded = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return [secret.encode()]
    return [decoded, secret.encode()] if decoded else [secret.encode()]


def _given_signatures(header: str) -> list[bytes]:
    signatures = []
    for part in header.split(" ")[:SIGNATURES_LIMIT]:
        version, _, encoded = part.partition(",")
        if version == "v1":
            try:
                signatures.append(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                continue
    return signatures
