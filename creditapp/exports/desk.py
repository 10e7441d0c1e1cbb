"""Exports from the request to the last day of their file: claimed for a while, noted, finished, deleted."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update

from creditapp import clock, identity, jobqueue, ledger, letters
from creditapp.db import db
from creditapp.errors import CreditAppError
from creditapp.exports.models import DataExport

# Longer than any page takes to write: who claimed an export and died does not keep it. Each note claims it anew.
CLAIM = timedelta(seconds=60)
KEPT = timedelta(hours=24)
FIRST_PAUSE = timedelta(seconds=10)
ATTEMPTS_LIMIT = 5
LONGEST_REASON = 500
LONGEST_JOB_SECONDS = 6 * 3600
NOT_FINISHED = "It could not be finished."


class TakenOver(CreditAppError):
    """Another worker does it now: this one was too slow, and must stop."""

    code, status, title = "taken_over", 409, "Another worker does it"


@dataclass(frozen=True, slots=True)
class Claim:
    """An export that is ours to make for a while; what came after *at* is not in it."""

    export_id: int
    account_id: int
    attempt: int
    at: datetime


def request(account_id: int, user_id: int) -> DataExport:
    """Ask for an archive; where one is being made, that one. The account's last archive can't be fetched any more."""
    ledger.lock(account_id)
    current = latest(account_id)
    if current is not None and current.state in {"requested", "working"}:
        return current
    if current is not None and current.state == "ready":
        current.state = "gone"
    now = clock.now()
    asked = DataExport(account_id=account_id, asked_by=user_id, next_attempt_at=now, requested_at=now)
    db.session.add(asked)
    db.session.flush()
    jobqueue.ring_after_commit("export_data", asked.id, longest_seconds=LONGEST_JOB_SECONDS)
    return asked


def latest(account_id: int) -> DataExport | None:
    """The account's newest export, whatever became of it."""
    query = select(DataExport).where(DataExport.account_id == account_id).order_by(DataExport.id.desc()).limit(1)
    return db.session.scalar(query.execution_options(populate_existing=True))


def of_account(account_id: int, export_id: int) -> DataExport | None:
    """An export of this account; None for another's too."""
    query = select(DataExport).where(DataExport.account_id == account_id, DataExport.id == export_id)
    return db.session.scalar(query)


def is_ready(export: DataExport) -> bool:
    """Whether its file can be fetched at this moment."""
    return export.state == "ready" and export.expires_at is not None and export.expires_at > clock.now()


def claim(export_id: int) -> Claim | None:
    """Claim an export whose time has come; None where it is done, given up, or another is at it."""
    now = clock.now()
    attempt = (
        update(DataExport)
        .where(
            DataExport.id == export_id,
            DataExport.state.in_(("requested", "working")),
            DataExport.next_attempt_at <= now,
        )
        .values(state="working", attempts=DataExport.attempts + 1, next_attempt_at=now + CLAIM, rows_done=0)
        .returning(DataExport.id, DataExport.account_id, DataExport.attempts)
        .execution_options(synchronize_session=False)
    )
    claimed = db.session.execute(attempt).one_or_none()
    if claimed is None:
        return None
    found = Claim(*claimed, now)
    if found.attempt > ATTEMPTS_LIMIT:
        give_up_or_postpone(found, NOT_FINISHED)
        return None
    return found


def note(claimed: Claim, done: int, total: int) -> None:
    """Note how far it is; it stays ours for another while. Raises TakenOver where it is not any more."""
    _ours(claimed, rows_done=done, rows_total=total, next_attempt_at=clock.now() + CLAIM)


def finished(claimed: Claim, size: int) -> None:
    """The file is there: tell who asked, and let it be fetched for a day. Raises TakenOver where another makes it."""
    now = clock.now()
    _ours(claimed, state="ready", reason=None, size=size, ready_at=now, expires_at=now + KEPT)
    letters.write(
        "export_ready",
        key=f"export_ready:{claimed.export_id}",
        account_id=claimed.account_id,
        recipient=identity.owner_of(claimed.account_id).email,
        facts={"size": size, "hours": KEPT // timedelta(hours=1)},
    )


def give_up_or_postpone(claimed: Claim, reason: str) -> None:
    """Note that it did not work; it is tried again a little later, five times in all."""
    reason = reason[:LONGEST_REASON]
    if claimed.attempt >= ATTEMPTS_LIMIT:
        _ours(claimed, state="failed", reason=reason)
    else:
        pause = FIRST_PAUSE * 2 ** (claimed.attempt - 1)
        _ours(claimed, reason=reason, next_attempt_at=clock.now() + pause)


def waiting(limit: int, *, longer_than: timedelta) -> Sequence[int]:
    """Exports whose time has come and that no worker took within *longer_than*, oldest first."""
    query = (
        select(DataExport.id)
        .where(DataExport.state.in_(("requested", "working")), DataExport.next_attempt_at <= clock.now() - longer_than)
        .order_by(DataExport.next_attempt_at)
        .limit(limit)
    )
    return db.session.scalars(query).all()


def expire() -> set[str]:
    """Let go of what was ready for a day; the names of the files that are still needed."""
    over = update(DataExport).where(DataExport.state == "ready", DataExport.expires_at <= clock.now())
    db.session.execute(over.values(state="gone").execution_options(synchronize_session=False))
    query = select(DataExport.id, DataExport.attempts).where(DataExport.state.in_(("working", "ready")))
    return {_name(export_id, attempt) for export_id, attempt in db.session.execute(query)}


def file_of(folder: Path, export_id: int, attempt: int) -> Path:
    """Where the archive of this attempt lies."""
    return folder / _name(export_id, attempt)


def files(folder: Path) -> list[Path]:
    """Every archive that lies there, finished or not."""
    return sorted(folder.glob("*.zip"))


def sweep(found: Iterable[Path], needed: Collection[str]) -> None:
    """Delete what was *found* and is not *needed*, in this order: what is begun in between was not found."""
    for path in found:
        if path.name not in needed:
            path.unlink(missing_ok=True)


def _ours(claimed: Claim, **changed: object) -> None:
    still = (
        update(DataExport)
        .where(
            DataExport.id == claimed.export_id,
            DataExport.attempts == claimed.attempt,
            DataExport.state == "working",
        )
        .values(**changed)
        .returning(DataExport.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(still) is None:
        message = "Another worker makes this archive by now."
        raise TakenOver(message)


def _name(export_id: int, attempt: int) -> str:
    return f"{export_id:09}-{attempt}.zip"
