"""``POST consume/batch``: up to a thousand charges in one call, each under its own key."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from creditapp import charging, identity, ledger
from creditapp.api.callers import LONGEST_KEY, account_to_charge, look_up_remembered, remembered_caller
from creditapp.api.consume import Charge, as_json, insufficient, rated
from creditapp.api.values import KeyText, Text
from creditapp.api.wire import Body, answer, body
from creditapp.errors import CreditAppError
from creditapp.onecall import at_once

MOST_ITEMS = 1_000
# An account is locked while a part of the batch is charged: others wait no longer than for this many.
AT_ONCE = 100

# What became of an item.
Outcome = ledger.Spent | CreditAppError


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
    account_id = account_to_charge(program, asked.account)
    if asked.mode == "all":
        outcomes = _all(account_id, asked.items, program)
    else:
        parts = [asked.items[start : start + AT_ONCE] for start in range(0, len(asked.items), AT_ONCE)]
        outcomes = [outcome for part in parts for outcome in _each(account_id, part, program)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, ledger.InsufficientCredits)]
    if any(isinstance(outcome, ledger.Spent) and outcome.watched for outcome in outcomes):
        charging.look(account_id)
    if refused:
        charging.look_at_refusal(account_id, refused[-1])
    # What a refusal says of packages is read after the charges, outside their lock.
    results = [_told(account_id, item, outcome) for item, outcome in zip(asked.items, outcomes, strict=True)]
    return answer({"results": results})


def _each(account_id: int, items: Sequence[Item], program: identity.Caller) -> list[Outcome]:
    """Charge every item that can be; a refused one leaves the others as they are."""
    wanted = [_rated(item, program) for item in items]
    charges = [one for one in wanted if isinstance(one, ledger.Charge)]
    if not charges:
        look_up_remembered()
    outcomes = iter(at_once(lambda: ledger.spend_each(account_id, charges)) if charges else ())
    return [next(outcomes) if isinstance(one, ledger.Charge) else one for one in wanted]


def _rated(item: Item, program: identity.Caller) -> ledger.Charge | CreditAppError:
    try:
        return rated(item, item.key, program)
    except CreditAppError as error:
        return error


def _all(account_id: int, items: Sequence[Item], program: identity.Caller) -> list[Outcome]:
    """Charge every item, or none."""
    charges = [rated(item, item.key, program) for item in items]
    try:
        return [*at_once(lambda: ledger.spend_all(account_id, charges))]
    except ledger.InsufficientCredits as error:
        charging.look_at_refusal(account_id, error)
        raise insufficient(account_id, error) from error
    except ledger.IdempotencyMismatch as error:
        raise ledger.IdempotencyMismatch(error.key.removeprefix("api:")) from None


def _told(account_id: int, item: Item, outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, ledger.Spent):
        return {"key": item.key, "status": 201, "replayed": outcome.replayed, **as_json(outcome)}
    if isinstance(outcome, ledger.InsufficientCredits):
        outcome = insufficient(account_id, outcome)
    if isinstance(outcome, ledger.IdempotencyMismatch):
        outcome = ledger.IdempotencyMismatch(item.key)
    told = {"title": outcome.title, "code": outcome.code, "detail": outcome.sentence, **outcome.fields}
    return {"key": item.key, "status": outcome.status, **told}
