"""The history, for programs: ``GET transactions``, ``GET <transaction_id>``, and a charge given back."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from creditapp import charging, ledger, pricing, usage
from creditapp.api.callers import account_of, caller, idempotency_key
from creditapp.api.values import Amount, Label, LongText, Moment, Text
from creditapp.api.wire import Body, WrongShape, answer, body_if_any, fingerprint, query
from creditapp.db import retrying, transaction

LARGEST_PAGE = 100

TransactionType = Literal[
    "purchase", "consumption", "refund", "bonus", "adjustment", "reversal", "expiration", "repayment"
]


class Question(Body):
    """Which transactions; times are ISO 8601 with a zone, ``to`` is not included."""

    account: Text | None = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE)] = 25
    type: TransactionType | None = None
    operation_type: Label | None = None
    from_: Annotated[Moment, Field(alias="from")] = None
    to: Moment = None
    cursor: Text | None = None


class One(Body):
    """Whose transaction."""

    account: Text | None = None


class Reversal(Body):
    """How much of a charge to give back (all that is left of it, where nothing is said), and why."""

    account: Text | None = None
    amount: Amount | None = None
    reason: LongText | None = None


def register(bp: Blueprint) -> None:
    """Hang the history into the API."""
    bp.add_url_rule("/transactions", "transactions", index)
    bp.add_url_rule("/<int:transaction_id>", "transaction", show)
    bp.add_url_rule("/transactions/<int:transaction_id>/reverse", "reverse", reverse, methods=["POST"])


def index() -> Response:
    """A page of transactions, newest first; ``next_cursor`` asks for the next, null ends."""
    program = caller("read")
    asked = query(Question)
    account_id = account_of(program, asked.account)
    filters = ledger.Filters(
        transaction_type=asked.type, operation_type=asked.operation_type, since=asked.from_, until=asked.to
    )
    found = ledger.entries(account_id, filters, before=_number_in(asked.cursor), limit=asked.limit + 1)
    page = found[: asked.limit]
    more = len(found) > len(page)
    return answer(
        {
            "items": [as_json(entry) for entry in page],
            "next_cursor": _cursor(page[-1].number) if more else None,
        }
    )


def show(transaction_id: int) -> Response:
    """One transaction of the account."""
    account_id = account_of(caller("read"), query(One).account)
    return answer(as_json(ledger.entry(account_id, transaction_id)))


def reverse(transaction_id: int) -> Response:
    """Give back a failed operation, once per Idempotency-Key: 201 and the reversal."""
    program = caller("consume")
    asked = body_if_any(Reversal)
    account_id = account_of(program, asked.account)
    key = idempotency_key()
    mark = fingerprint(asked)

    def give_back() -> tuple[ledger.CreditTransaction, bool]:
        with transaction():
            ledger.lock(account_id)
            name = f"api:{key}" if key else None
            replayed = name is not None and ledger.uses_key(account_id, name)
            if key is not None and ledger.is_used_elsewhere(account_id, f"api:{key}"):
                raise ledger.IdempotencyMismatch(key)
            posted = ledger.reverse(
                account_id, transaction_id, asked.amount, key=name, reason=asked.reason, request=mark
            )
            return posted, replayed

    try:
        posted, replayed = retrying(give_back)
    except ledger.IdempotencyMismatch:
        raise ledger.IdempotencyMismatch(key or "") from None
    charging.look(account_id)
    return answer(as_json(posted), 201, {"Idempotent-Replayed": "true"} if replayed else None)


def as_json(entry: ledger.CreditTransaction) -> dict[str, Any]:
    """A credit transaction, as the contract of the API has it."""
    return {
        "id": str(entry.id),
        "number": entry.number,
        "transaction_type": entry.transaction_type,
        "amount": entry.amount,
        "debt_change": entry.debt_change,
        "balance_before": entry.balance_before,
        "balance_after": entry.balance_after,
        "operation_type": entry.operation_type,
        "operation_id": entry.operation_id,
        "reference_id": entry.reference_id,
        "description": entry.description,
        "polar_order_id": entry.polar_order_id,
        "polar_transaction_id": entry.polar_transaction_id,
        "status": entry.status,
        "price_version": entry.price_version,
        "price_lines": lines_as_json(usage.price_lines(entry.details)),
        "metadata": {name: value for name, value in entry.details.items() if name != usage.PRICE_DETAIL},
        "processed_at": entry.processed_at,
    }


def lines_as_json(lines: Sequence[pricing.Line]) -> list[dict[str, Any]]:
    """The lines of a price; none where quantity times rate says all of it."""
    return [{"label": line.label, "rule": line.rule, "credits": line.credits} for line in lines]


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def _number_in(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        if text[:1] == "n" and text[1:].isascii() and text[1:].isdigit() and len(text) <= 19:
            return int(text[1:])
    except (binascii.Error, ValueError):
        pass
    message = "cursor is not one that we gave out."
    raise WrongShape(message, errors=[{"field": "cursor", "message": "is not one that we gave out"}])
