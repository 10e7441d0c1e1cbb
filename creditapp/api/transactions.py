"""``GET transactions`` and ``GET <transaction_id>``: the history, for programs."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from creditapp import ledger, pricing, usage
from creditapp.api.callers import account_of, caller
from creditapp.api.wire import Body, Label, Moment, Text, WrongShape, answer, query

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


def register(bp: Blueprint) -> None:
    """Hang the history into the API."""
    bp.add_url_rule("/transactions", "transactions", index)
    bp.add_url_rule("/<int:transaction_id>", "transaction", show)


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
            "items": [as_json(transaction) for transaction in page],
            "next_cursor": _cursor(page[-1].number) if more else None,
        }
    )


def show(transaction_id: int) -> Response:
    """One transaction of the account."""
    account_id = account_of(caller("read"), query(One).account)
    return answer(as_json(ledger.entry(account_id, transaction_id)))


def as_json(transaction: ledger.CreditTransaction) -> dict[str, Any]:
    """A credit transaction, as the contract of the API has it."""
    return {
        "id": str(transaction.id),
        "number": transaction.number,
        "transaction_type": transaction.transaction_type,
        "amount": transaction.amount,
        "debt_change": transaction.debt_change,
        "balance_before": transaction.balance_before,
        "balance_after": transaction.balance_after,
        "operation_type": transaction.operation_type,
        "operation_id": transaction.operation_id,
        "reference_id": transaction.reference_id,
        "description": transaction.description,
        "polar_order_id": transaction.polar_order_id,
        "polar_transaction_id": transaction.polar_transaction_id,
        "status": transaction.status,
        "price_version": transaction.price_version,
        "price_lines": lines_as_json(usage.price_lines(transaction.details)),
        "metadata": {name: value for name, value in transaction.details.items() if name != usage.PRICE_DETAIL},
        "processed_at": transaction.processed_at,
    }


def lines_as_json(lines: Sequence[pricing.Line]) -> list[dict[str, Any]]:
    """The lines of a price; none where quantity × rate says all of it."""
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
