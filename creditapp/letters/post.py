"""The out-tray: write a letter, find the ones to send, note what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from creditapp import clock, jobqueue
from creditapp.db import db, insert_once
from creditapp.letters.models import Letter

ATTEMPTS_LIMIT = 10
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
# Longer than any mail server may take: who claimed a letter and died does not keep it.
CLAIM = timedelta(seconds=60)
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Envelope:
    """A claimed letter, with all that is needed to send it."""

    letter_id: int
    kind: str
    recipient: str
    facts: dict[str, Any]
    account_id: int | None = None


def write(
    kind: str,
    *,
    key: str,
    recipient: str,
    facts: dict[str, Any],
    account_id: int | None = None,
    not_before: datetime | None = None,
) -> int | None:
    """Put a letter in the out-tray; its row id, or None where this *key* was written before."""
    now = clock.now()
    letter_id = insert_once(
        Letter.key,
        key=key,
        kind=kind,
        account_id=account_id,
        recipient=recipient,
        facts=facts,
        state="queued",
        attempts=0,
        next_attempt_at=max(now, not_before or now),
        created_at=now,
    )
    if letter_id is not None:
        jobqueue.ring_after_commit("send_letter", letter_id)
    return letter_id


def due(letter_id: int) -> Envelope | None:
    """Claim a letter whose time has come; None where it was sent or another is at it."""
    now = clock.now()
    claim = (
        update(Letter)
        .where(Letter.id == letter_id, Letter.state == "queued", Letter.next_attempt_at <= now)
        .values(next_attempt_at=now + CLAIM, attempts=Letter.attempts + 1)
        .returning(Letter.id, Letter.kind, Letter.recipient, Letter.facts, Letter.account_id)
        .execution_options(synchronize_session=False)
    )
    claimed = db.session.execute(claim).one_or_none()
    return Envelope(*claimed) if claimed else None


def sent(letter_id: int) -> None:
    """Note that it went."""
    letter = db.session.get_one(Letter, letter_id)
    letter.state, letter.sent_at, letter.reason = "sent", clock.now(), None


def give_up_or_postpone(letter_id: int, reason: str) -> None:
    """Note that it did not go; it is tried again later, ten times in all."""
    letter = db.session.get_one(Letter, letter_id)
    letter.reason = reason[:LONGEST_REASON]
    if letter.attempts >= ATTEMPTS_LIMIT:
        letter.state = "dead"
    else:
        letter.next_attempt_at = clock.now() + min(FIRST_PAUSE * 2 ** (letter.attempts - 1), LONGEST_PAUSE)


def drop(letter_id: int, reason: str) -> None:
    """Never send it: what it tells is over."""
    letter = db.session.get_one(Letter, letter_id)
    letter.state, letter.reason = "dead", reason


def waiting(limit: int, *, longer_than: timedelta) -> Sequence[int]:
    """Letters whose time has come and that no worker took within *longer_than*, oldest first."""
    query = (
        select(Letter.id)
        .where(Letter.state == "queued", Letter.next_attempt_at <= clock.now() - longer_than)
        .order_by(Letter.next_attempt_at)
        .limit(limit)
    )
    return db.session.scalars(query).all()
