"""Idempotency keys of writes that leave no row of their own to tell by: what was answered the first time.

One space of keys per account over all writes: charges and reversals keep theirs on the credit transaction, purchases
on the checkout, holds of ours on the hold; the rest here.
"""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from creditapp import clock
from creditapp.db import Model, RowId, UTCDateTime, db

# Whether a key belongs to a write that is no credit transaction.
USED_ELSEWHERE = text(
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM credit_holds WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM checkouts WHERE account_id = :account AND key = :key) "
    "OR EXISTS (SELECT 1 FROM idempotent_answers WHERE account_id = :account AND key = :key)"
)


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


def is_used_elsewhere(account_id: int, key: str) -> bool:
    """Whether the key belongs to a write that is no credit transaction: a charge looks by itself."""
    return db.session.execute(USED_ELSEWHERE, {"account": account_id, "key": key}).first() is not None


def answer_under(account_id: int, key: str) -> IdempotentAnswer | None:
    """What was answered under this key; None where nothing was."""
    query = select(IdempotentAnswer).where(IdempotentAnswer.account_id == account_id, IdempotentAnswer.key == key)
    return db.session.scalar(query)


def remember_answer(account_id: int, key: str, *, request: str, status: int, body: str) -> None:
    """Keep an answer for its key; the account's lock is held."""
    db.session.add(
        IdempotentAnswer(
            account_id=account_id, key=key, request=request, status=status, body=body, created_at=clock.now()
        )
    )
    db.session.flush()
