"""``POST consume/batch``: up to a thousand charges in one call, each under its own key."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from creditapp import charging, identity, ledger
from creditapp.api import once
from creditapp.api.callers import LONGEST_KEY, account_of, remembered_caller
from creditapp.api.consume import Charge, as_json, charge, insufficient
from creditapp.api.wire import Body, KeyText, Text, answer, body
from creditapp.db import retrying, transaction
from creditapp.errors import CreditAppError

MOST_ITEMS = 1_000
# An account is locked while a part of the batch is charged: others wait no longer than for this many.
AT_ONCE = 100


class Item(Charge):
    """A charge and its key."""

    key: Annotated[KeyText, Field(max_length=LONGEST_KEY)]


class Batch(Body):
    """What is charged: each for itself, or all of it or nothing."""

    account: Text | None = None
    items: Annotated[list[Item], Field(min_length=1, max_length=MOST_ITEMS)]
    mode: Literal["each", "all"] = "each"


def register(bp: Blueprint) -> None:
    """Hang ``POST consume/batch`` into the API."""
    bp.add_url_rule("/consume/batch", "batch", batch, methods=["POST"])


def batch() -> Response:
    """200 and what became of every item, in order; with ``all`` 402 where they don't fit, and nothing is charged."""
    program = remembered_caller("consume")
    asked = body(Batch)
    account_id = account_of(program, asked.account)
    if asked.mode == "all":
        results = _all(account_id, asked.items, program)
    else:
        parts = [asked.items[start : start + AT_ONCE] for start in range(0, len(asked.items), AT_ONCE)]
        results = [result for part in parts for result in _each(account_id, part, program)]
    charging.look(account_id, ledger.balance(account_id).available)
    return answer({"results": results})


def _each(account_id: int, items: Sequence[Item], program: identity.Caller) -> list[dict[str, Any]]:
    """Charge every item that can be; a refused one leaves the others as they are."""

    def part() -> list[dict[str, Any] | tuple[Item, CreditAppError]]:
        with transaction():
            ledger.lock(account_id)  # so that no purchase takes a key between our look and our charge
            return [_one(account_id, item, program) for item in items]

    # What a refusal says of packages is read after the charges, outside their lock.
    return [result if isinstance(result, dict) else _refused(account_id, *result) for result in retrying(part)]


def _all(account_id: int, items: Sequence[Item], program: identity.Caller) -> list[dict[str, Any]]:
    """Charge every item, or none."""

    def everything() -> list[dict[str, Any]]:
        with transaction():
            return [_charged(item, charge(account_id, item, item.key, program)) for item in items]

    try:
        return retrying(everything)
    except ledger.InsufficientCredits as error:
        charging.look(account_id, error.available)
        raise insufficient(account_id, error) from error
    except ledger.IdempotencyMismatch as error:
        raise ledger.IdempotencyMismatch(error.key.removeprefix("api:")) from None


def _one(account_id: int, item: Item, program: identity.Caller) -> dict[str, Any] | tuple[Item, CreditAppError]:
    if once.is_used_elsewhere(account_id, item.key):
        return item, ledger.IdempotencyMismatch(item.key)
    try:
        return _charged(item, charge(account_id, item, item.key, program))
    except ledger.KeyRevoked:
        raise  # that is no matter of this item
    except CreditAppError as error:
        return item, error


def _charged(item: Item, spent: ledger.Spent) -> dict[str, Any]:
    return {"key": item.key, "status": 201, "replayed": spent.replayed, **as_json(spent)}


def _refused(account_id: int, item: Item, error: CreditAppError) -> dict[str, Any]:
    if isinstance(error, ledger.InsufficientCredits):
        error = insufficient(account_id, error)
    if isinstance(error, ledger.IdempotencyMismatch):
        error = ledger.IdempotencyMismatch(item.key)
    told = {"title": error.title, "code": error.code, "detail": error.sentence, **error.fields}
    return {"key": item.key, "status": error.status, **told}
