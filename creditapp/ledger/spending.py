"""A charge: the one verb that must cost almost nothing, in one round trip on PostgreSQL and its twin on SQLite.

Both do the same, in this order: take the credits where they are available and nothing has fallen due (this takes
the lock) - write the transaction - where its key is already there, put the credits back and answer as before -
write the usage record and count it in its bucket. No lot is touched.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from creditapp import clock
from creditapp.db import db, from_millionths, is_postgres, to_millionths
from creditapp.errors import NotFound
from creditapp.ledger import buckets, dues, journal
from creditapp.ledger.errors import IdempotencyMismatch, InsufficientCredits, KeyRevoked
from creditapp.ledger.policy import policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What is charged, and what for. ``request`` is the mark of the caller's request, never of the price."""

    amount: Decimal
    operation_type: str | None = None
    units: int = 1
    unit_cost: Decimal | None = None
    key: str | None = None
    request: str | None = None
    operation_id: str | None = None
    reference_id: str | None = None
    description: str | None = None
    price_version: str | None = None
    api_endpoint: str | None = None
    api_key_id: int | None = None
    request_id: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a charge did, or had done when its key was first used.

    ``watched``: it left so few credits that somebody wants to hear of it. A repetition never says so.
    """

    transaction_id: int
    operation_type: str | None
    amount: Decimal
    balance_before: Decimal
    balance_after: Decimal
    reserved_after: Decimal
    replayed: bool
    watched: bool = False

    @property
    def available(self) -> Decimal:
        """What could be spent right after it."""
        return self.balance_after - self.reserved_after


def spend(account_id: int, charge: Charge) -> Spent:
    """Take the charge's credits from the account, all or nothing, once per key.

    Raises InvalidAmount, NotFound, InsufficientCredits (nothing was written), IdempotencyMismatch, and KeyRevoked where
    the program's key does not work any more.
    """
    journal.check_amount(charge.amount)
    request = charge.request or journal.fingerprint("spend", charge.amount, charge.operation_type)
    attempt = _on_postgres if is_postgres() else _on_sqlite
    answer = attempt(account_id, charge, request)
    if answer.outcome == "due" or answer.outdated(to_millionths(charge.amount)) or _is_held_in_vain(account_id, answer):
        # Again, under the lock and at one moment, so that nothing comes or falls due between two looks.
        account = journal.lock(account_id)
        with clock.at(journal.moment_of(account)):
            dues.bring_up_to_date(account)
            answer = attempt(account_id, charge, request)
    match answer.outcome:
        case "charged" | "replayed":
            return Spent(
                transaction_id=answer.transaction_id,
                operation_type=answer.operation_type,
                amount=from_millionths(-answer.amount),
                balance_before=from_millionths(answer.balance_before),
                balance_after=from_millionths(answer.balance_after),
                reserved_after=from_millionths(answer.reserved_after),
                replayed=answer.outcome == "replayed",
                watched=answer.watched,
            )
        case "mismatch":
            raise IdempotencyMismatch(str(charge.key))
        case "revoked":
            raise KeyRevoked
        case "insufficient":
            raise InsufficientCredits(
                required=charge.amount,
                balance=from_millionths(answer.balance_after),
                reserved=from_millionths(answer.reserved_after),
                debt=from_millionths(answer.debt),
                watched=answer.watched,
            )
        case _:
            message = "There is no such account."
            raise NotFound(message)


@dataclass(frozen=True, slots=True)
class _Answer:
    outcome: str
    transaction_id: int = 0
    operation_type: str | None = None
    amount: int = 0
    balance_before: int = 0
    balance_after: int = 0
    reserved_after: int = 0
    debt: int = 0
    watched: bool = False

    def outdated(self, amount: int) -> bool:
        """Whether credits came in between the refusal and the look at what there is."""
        return (
            self.outcome == "insufficient"
            and not (self.debt and not policy().spend_in_debt)
            and self.balance_after - self.reserved_after >= amount
        )


def _is_held_in_vain(account_id: int, answer: _Answer) -> bool:
    """Whether a charge was refused for the sake of a hold whose time is over."""
    kept = answer.outcome == "insufficient" and answer.reserved_after > 0
    return kept and dues.has_due_holds(account_id, clock.now())


def _parameters(account_id: int, charge: Charge, request: str) -> dict[str, Any]:
    return {
        "account": account_id,
        "amount": to_millionths(charge.amount),
        "key": charge.key,
        "request": request,
        "operation_type": charge.operation_type,
        "operation_id": charge.operation_id,
        "reference_id": charge.reference_id,
        "description": charge.description,
        "details": json.dumps(charge.details, ensure_ascii=False, separators=(",", ":")),
        "price_version": charge.price_version,
        "units": charge.units,
        "unit_cost": to_millionths(charge.amount if charge.unit_cost is None else charge.unit_cost),
        "api_endpoint": charge.api_endpoint,
        "api_key": charge.api_key_id,
        "request_id": charge.request_id,
        "started_at": charge.started_at,
        "completed_at": charge.completed_at,
        "in_debt": policy().spend_in_debt,
    }


_CALL = text(
    "SELECT * FROM spend_credits(:account, :amount, :key, :request, :operation_type, :operation_id, :reference_id, "
    ":description, CAST(:details AS jsonb), :price_version, :units, :unit_cost, :api_endpoint, :api_key, :request_id, "
    "CAST(:started_at AS timestamptz), CAST(:completed_at AS timestamptz), CAST(:moment AS timestamptz), :in_debt)"
)


def _on_postgres(account_id: int, charge: Charge, request: str) -> _Answer:
    parameters = _parameters(account_id, charge, request) | {"moment": clock.given()}
    return _Answer(*db.session.execute(_CALL, parameters).one())


_WORKING_KEY = text(
    "SELECT 1 FROM api_keys WHERE id = :api_key AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :moment)"
)
_TAKE = text(
    "UPDATE accounts SET balance = balance - :amount, consumed = consumed + :amount, last_number = last_number + 1, "
    "updated_at = max(updated_at, :moment) "
    "WHERE id = :account AND balance - reserved >= :amount AND (debt = 0 OR :in_debt) "
    "AND (next_expiry_at IS NULL OR next_expiry_at > max(updated_at, :moment)) "
    "RETURNING balance, reserved, consumed, last_number, updated_at, watch_level, coalesce(counted_in, time_zone)"
)
_WRITE = text(
    "INSERT INTO credit_transactions (account_id, number, transaction_type, amount, debt_change, balance_before, "
    "balance_after, reserved_after, axis_from, key, request, operation_type, operation_id, reference_id, description, "
    "price_version, metadata, processed_at) VALUES (:account, :number, 'consumption', -:amount, 0, :before, :after, "
    ":reserved, :axis_from, :key, :request, :operation_type, :operation_id, :reference_id, :description, "
    ":price_version, :details, :at) ON CONFLICT (account_id, key) DO NOTHING RETURNING id"
)
_PUT_BACK = text(
    "UPDATE accounts SET balance = balance + :amount, consumed = consumed - :amount, last_number = last_number - 1 "
    "WHERE id = :account"
)
_RECORD = text(
    "INSERT INTO usage_records (credit_transaction_id, account_id, operation_type, operation_id, credits_consumed, "
    "cost_per_unit, units_consumed, operation_details, api_endpoint, api_key_id, request_id, status, started_at, "
    "completed_at, created_at) VALUES (:transaction, :account, :operation_type, :operation_id, :amount, :unit_cost, "
    ":units, :details, :api_endpoint, :api_key, :request_id, 'completed', :started_at, :completed_at, :at)"
)
_COUNT = text(buckets.COUNT)
_DONE = text(
    "SELECT id, operation_type, amount, balance_before, balance_after, reserved_after, request "
    "FROM credit_transactions WHERE account_id = :account AND key = :key"
)
_STANDING = text(
    "SELECT balance, reserved, debt, next_expiry_at, updated_at, watch_level FROM accounts WHERE id = :account"
)


def _on_sqlite(account_id: int, charge: Charge, request: str) -> _Answer:
    given = _parameters(account_id, charge, request)
    given |= {"moment": _sqlite_time(clock.now())}
    given |= {name: _sqlite_time(given[name]) for name in ("started_at", "completed_at") if given[name]}
    execute = db.session.execute
    if given["api_key"] is not None and execute(_WORKING_KEY, given).one_or_none() is None:
        return _Answer("revoked")
    taken = execute(_TAKE, given).one_or_none()
    if taken is None:
        return _replayed(given, request) or _refused(given)
    balance, reserved, consumed, number, at, level, zone = taken
    given |= {"after": balance, "before": balance + given["amount"], "reserved": reserved, "number": number, "at": at}
    given["axis_from"] = consumed - given["amount"]
    written = execute(_WRITE, given).scalar_one_or_none()
    if written is None:
        execute(_PUT_BACK, given)
        return _replayed(given, request) or _Answer("mismatch")
    given |= {"transaction": written, "zone": zone}
    execute(_RECORD, given)
    execute(_COUNT, given)
    watched = _is_watched(balance, reserved, level)
    before = given["before"]
    return _Answer("charged", written, charge.operation_type, -given["amount"], before, balance, reserved, 0, watched)


def _replayed(given: dict[str, Any], request: str) -> _Answer | None:
    done = db.session.execute(_DONE, given).one_or_none() if given["key"] else None
    if done is None:
        return None
    if done.request != request:
        return _Answer("mismatch")
    return _Answer("replayed", *done[:6])


def _refused(given: dict[str, Any]) -> _Answer:
    standing = db.session.execute(_STANDING, given).one_or_none()
    if standing is None:
        return _Answer("unknown")
    if standing.next_expiry_at and standing.next_expiry_at <= max(standing.updated_at, given["moment"]):
        return _Answer("due")
    balance, reserved, debt, _, _, level = standing
    return _Answer("insufficient", 0, None, 0, 0, balance, reserved, debt, _is_watched(balance, reserved, level))


def _is_watched(balance: int, reserved: int, level: int | None) -> bool:
    return level is not None and balance - reserved <= level


def _sqlite_time(moment: datetime) -> str:
    # As SQLAlchemy writes a naive UTC moment, so that text compares like time.
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
