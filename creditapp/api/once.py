"""Writes that are told by their first answer (``ledger.answers``)."""

from collections.abc import Callable
from typing import Any

from flask import Response

from creditapp import ledger
from creditapp.api.callers import idempotency_key
from creditapp.api.wire import written
from creditapp.db import retrying, transaction


def answered_once(account_id: int, mark: str, work: Callable[[], dict[str, Any]], *, status: int = 200) -> Response:
    """The answer of *work*, done in one transaction and once per Idempotency-Key; else the first answer again.

    Raises IdempotencyMismatch where the key belongs to another request, and what *work* raises; then nothing is
    remembered.
    """
    key = idempotency_key()

    def done() -> tuple[str, bool]:
        with transaction():
            ledger.lock(account_id)
            if key is None:
                return written(work()), False
            first = ledger.answer_under(account_id, f"api:{key}")
            if first.request != mark if first is not None else _is_used(account_id, f"api:{key}"):
                raise ledger.IdempotencyMismatch(key)
            if first is not None:
                return first.body, True
            body = written(work())
            ledger.remember_answer(account_id, f"api:{key}", request=mark, status=status, body=body)
            return body, False

    body, replayed = retrying(done)
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return Response(body, status, headers, mimetype="application/json")


def _is_used(account_id: int, name: str) -> bool:
    """Whether the key belongs to any write of the account."""
    return ledger.uses_key(account_id, name) or ledger.is_used_elsewhere(account_id, name)
