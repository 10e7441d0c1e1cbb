"""One attempt at a charge: one function on PostgreSQL, and its twin in the same steps on SQLite.

Both do the same, in this order: take the credits where they are available and nothing has fallen due (this takes
the lock) - write the transaction - where its key is already there, put the credits back and answer as before -
write the usage record and count it in its bucket. No lot is touched.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from creditapp import clock
from creditapp.db import is_postgres, sqlite_time
from creditapp.ledger import buckets
from creditapp.ledger.answers import USED_ELSEWHERE
from creditapp.ledger.policy import policy
from creditapp.onecall import Execute


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it: charged, replayed, mismatch, revoked, insufficient, due or unknown; amounts in millionths."""

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


def attempt(execute: Execute, asked: dict[str, Any]) -> Answer:
    """What becomes of a charge, told by its parameters."""
    return _on_postgres(execute, asked) if is_postgres() else _on_sqlite(execute, asked)


def attempt_together(execute: Execute, asked: Sequence[dict[str, Any]]) -> list[Answer]:
    """What becomes of charges of one account, which are all done, in order; none, and nothing is done, else.

    Only PostgreSQL knows how.
    """
    first = asked[0]
    given = {"account": first["account"], "in_debt": first["in_debt"], "moment": clock.given()}
    charges = ",".join(_as_json(place, one) for place, one in enumerate(asked, 1))
    return [Answer("charged", *row) for row in execute(_CALL_TOGETHER, given | {"charges": f"[{charges}]"})]


_CALL = text(
    "SELECT * FROM spend_credits(:account, :amount, :key, :request, :operation_type, :operation_id, :reference_id, "
    ":description, CAST(:details AS jsonb), :price_version, :units, :unit_cost, :api_endpoint, :api_key, :request_id, "
    "CAST(:started_at AS timestamptz), CAST(:completed_at AS timestamptz), CAST(:moment AS timestamptz), :in_debt)"
)


_CALL_TOGETHER = text(
    "SELECT * FROM spend_credits_together(:account, CAST(:charges AS jsonb), CAST(:moment AS timestamptz), :in_debt)"
)
NOT_OF_ONE = {"account", "in_debt", "details"}


def _as_json(place: int, one: dict[str, Any]) -> str:
    told = {name: value for name, value in one.items() if value is not None and name not in NOT_OF_ONE}
    for name in ("started_at", "completed_at"):
        if name in told:
            told[name] = told[name].isoformat()
    return f'{json.dumps(told | {"place": place}, ensure_ascii=False)[:-1]},"details":{one["details"]}}}'


def _on_postgres(execute: Execute, given: dict[str, Any]) -> Answer:
    return Answer(*execute(_CALL, given | {"moment": clock.given()})[0])


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


def _on_sqlite(execute: Execute, asked: dict[str, Any]) -> Answer:
    given = asked | {"moment": sqlite_time(clock.now())}
    given |= {name: sqlite_time(given[name]) for name in ("started_at", "completed_at") if given[name]}
    if given["api_key"] is not None and not execute(_WORKING_KEY, given):
        return Answer("revoked")
    if given["key"] is not None and execute(USED_ELSEWHERE, given):
        return Answer("mismatch")
    taken = execute(_TAKE, given)
    if not taken:
        return _replayed(execute, given) or _refused(execute, given)
    balance, reserved, consumed, number, at, level, zone = taken[0]
    given |= {"after": balance, "before": balance + given["amount"], "reserved": reserved, "number": number, "at": at}
    given["axis_from"] = consumed - given["amount"]
    written = execute(_WRITE, given)
    if not written:
        execute(_PUT_BACK, given)
        return _replayed(execute, given) or Answer("mismatch")
    given |= {"transaction": written[0][0], "zone": zone}
    execute(_RECORD, given)
    execute(_COUNT, given)
    return Answer(
        "charged",
        given["transaction"],
        given["operation_type"],
        -given["amount"],
        given["before"],
        balance,
        reserved,
        watched=_is_watched(balance, reserved, level),
    )


def _replayed(execute: Execute, given: dict[str, Any]) -> Answer | None:
    found = execute(_DONE, given) if given["key"] else ()
    if not found:
        return None
    *done, request = found[0]
    return Answer("replayed", *done) if request == given["request"] else Answer("mismatch")


def _refused(execute: Execute, given: dict[str, Any]) -> Answer:
    found = execute(_STANDING, given)
    if not found:
        return Answer("unknown")
    balance, reserved, debt, next_expiry_at, updated_at, level = found[0]
    if next_expiry_at and next_expiry_at <= max(updated_at, given["moment"]):
        return Answer("due")
    return Answer("insufficient", 0, None, 0, 0, balance, reserved, debt, _is_watched(balance, reserved, level))


def _is_watched(balance: int, reserved: int, level: int | None) -> bool:
    return level is not None and balance - reserved <= level
