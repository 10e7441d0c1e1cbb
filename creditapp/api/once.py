"""Idempotency keys of writes that leave no row of their own to tell by: what was answered the first time.

One space of keys per account over all writes: charges, captures and reversals keep theirs on the credit transaction,
purchases on the checkout, holds on the hold; the rest here.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp import clock, ledger
from creditapp.api.callers import idempotency_key
from creditapp.api.wire import written
from creditapp.db import Model, RowId, UTCDateTime, db, retrying, transaction


class IdempotentAnswer(Model):
    """What a request under this key was answered."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (UniqueConstraint("account_id", "key"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    key: Mapped[str] = mapped_column(String(300))
    request: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


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
            query = select(IdempotentAnswer).where(
                IdempotentAnswer.account_id == account_id, IdempotentAnswer.key == f"api:{key}"
            )
            first = db.session.scalar(query)
            if first.request != mark if first is not None else is_used(account_id, key):
                raise ledger.IdempotencyMismatch(key)
            if first is not None:
                return first.body, True
            body = written(work())
            db.session.add(
                IdempotentAnswer(
                    account_id=account_id,
                    key=f"api:{key}",
                    request=mark,
                    status=status,
                    body=body,
                    created_at=clock.now(),
                )
            )
            return body, False

    body, replayed = retrying(done)
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return Response(body, status, headers, mimetype="application/json")


_USED = text(
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM credit_transactions WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM credit_holds WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM checkouts WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM idempotent_answers WHERE account_id = :account AND key = :key)"
)
_USED_ELSEWHERE = text(
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM credit_holds WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM checkouts WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM idempotent_answers WHERE account_id = :account AND key = :key)"
)


def is_used(account_id: int, key: str) -> bool:
    """Whether the caller's key belongs to any write of the account."""
    return db.session.execute(_USED, {"account": account_id, "key": f"api:{key}"}).first() is not None


def is_used_elsewhere(account_id: int, key: str) -> bool:
    """Whether the caller's key belongs to a write that is no credit transaction. One small read."""
    return db.session.execute(_USED_ELSEWHERE, {"account": account_id, "key": f"api:{key}"}).first() is not None


def is_answered(account_id: int, key: str) -> bool:
    """Whether the caller's key belongs to a write that is told by its answer alone."""
    query = select(IdempotentAnswer.id).where(
        IdempotentAnswer.account_id == account_id, IdempotentAnswer.key == f"api:{key}"
    )
    return db.session.scalar(query) is not None
