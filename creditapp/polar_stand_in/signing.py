"""Signatures of webhooks (facts §2.3) and the secrets they are made with."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

KEY_BYTES = 32
PREFIX = "whsec_"


def new_secret() -> str:
    """A secret as Polar generates them since 2026-09-08: ``whsec_`` and the base64 of 32 bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def is_standard(secret: str) -> bool:
    """Whether the part after ``whsec_`` is the key; otherwise the whole secret's bytes are."""
    return _decoded(secret) is not None


def signature(secret: str, *, webhook_id: str, timestamp: int, body: bytes) -> str:
    """``v1,<base64>`` over ``id.timestamp.body``, with the key by the secret's own rule."""
    key = _decoded(secret) or secret.encode()
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class SecretFile:
    """The built-in endpoint's secrets, comma-separated, the first signs; read again for each delivery."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def signing(self) -> str:
        """The secret that signs now; empty while there is none."""
        return next(iter(self._all()), "")

    def put_first(self, secret: str) -> None:
        """Sign with *secret* from now on; the one before stays in the file, so that a receiver can accept both."""
        kept = ",".join([secret, *self._all()[:1]])
        beside = self._path.with_name(self._path.name + ".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(kept + "\n")
        beside.replace(self._path)

    def _all(self) -> list[str]:
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return []
        return [part.strip() for part in text.split(",") if part.strip()]


def _decoded(secret: str) -> bytes | None:
    if not secret.startswith(PREFIX):
        return None
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
