"""``holds``: set credits aside for work under way, capture what it costs, release the rest."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from flask import Blueprint, Response
from pydantic import Field

from creditapp import charging, ledger, pricing, usage
from creditapp.api.callers import account_of, caller, request_id
from creditapp.api.consume import Charge, insufficient
from creditapp.api.once import answered_once
from creditapp.api.values import Amount, Label, LongText, Metadata, Moment, Text
from creditapp.api.wire import Body, answer, body, body_if_any, fingerprint, query

LONGEST_SECONDS = 24 * 3600

Seconds = Annotated[int, Field(ge=1, le=LONGEST_SECONDS)]


class Hold(Charge):
    """How much is set aside, as an amount or an operation, and for how long."""

    account: Text | None = None
    expires_in: Seconds = 900


class Capture(Body):
    """How much of it is charged (the rest, where nothing is said), and what for."""

    account: Text | None = None
    amount: Amount | None = None
    final: bool = False
    operation_type: Label | None = None
    operation_id: Text | None = None
    description: LongText | None = None
    metadata: Metadata = Field(default_factory=dict)
    api_endpoint: Text | None = None
    started_at: Moment = None
    completed_at: Moment = None


class Extension(Body):
    """For how long from now."""

    account: Text | None = None
    expires_in: Seconds = 900


class Whose(Body):
    """Whose hold."""

    account: Text | None = None


def register(bp: Blueprint) -> None:
    """Hang holds into the API."""
    bp.add_url_rule("/holds", "hold", hold, methods=["POST"])
    bp.add_url_rule("/holds/<int:hold_id>", "show_hold", show)
    bp.add_url_rule("/holds/<int:hold_id>/capture", "capture", capture, methods=["POST"])
    bp.add_url_rule("/holds/<int:hold_id>/release", "release", release, methods=["POST"])
    bp.add_url_rule("/holds/<int:hold_id>/extend", "extend", extend, methods=["POST"])


def hold() -> Response:
    """Set credits aside, once per Idempotency-Key: 201 and the hold, or 402 and what to do."""
    program = caller("consume")
    asked = body(Hold)
    account_id = account_of(program, asked.account)
    priced = _priced(asked)
    amount = asked.amount if priced is None or asked.amount is not None else priced.total
    assert amount is not None  # noqa: S101  (the shape has either an amount or an operation)

    def opened() -> tuple[ledger.Hold, dict[str, Any]]:
        made = ledger.hold(
            account_id,
            amount,
            expires_in=timedelta(seconds=asked.expires_in),
            operation_type=priced.operation_type if priced else asked.operation_type,
            description=asked.description,
            price_version=priced.version if priced else None,
            api_key_id=program.key_id,
            details=asked.metadata,
        )
        return made, as_json(made)

    return _answered(account_id, fingerprint(asked), opened)


def show(hold_id: int) -> Response:
    """The hold as it is now."""
    account_id = account_of(caller("read"), query(Whose).account)
    return answer(as_json(ledger.hold_of(account_id, hold_id)))


def capture(hold_id: int) -> Response:
    """Charge out of the hold, once per Idempotency-Key: 201, the hold and the transaction; 409 where it is closed."""
    program = caller("consume")
    asked = body_if_any(Capture)
    account_id = account_of(program, asked.account)
    charge = ledger.Charge(
        amount=asked.amount or Decimal(0),
        operation_type=asked.operation_type,
        operation_id=asked.operation_id,
        description=asked.description,
        api_endpoint=asked.api_endpoint,
        api_key_id=program.key_id,
        request_id=request_id(),
        started_at=asked.started_at,
        completed_at=asked.completed_at,
        details=asked.metadata,
    )

    def captured() -> tuple[ledger.Hold, dict[str, Any]]:
        done = ledger.capture(account_id, hold_id, asked.amount, final=asked.final, charge=charge)
        entry = done.transaction
        return done.hold, as_json(done.hold) | {
            "transaction_id": str(entry.id),
            "charged": -entry.amount,
            "balance": entry.balance_after,
            "available": entry.balance_after - entry.reserved_after,
        }

    return _answered(account_id, fingerprint(asked), captured)


def release(hold_id: int) -> Response:
    """Free what is left of it: 200 and the hold."""
    program = caller("consume")
    asked = body_if_any(Whose)
    account_id = account_of(program, asked.account)
    return answered_once(account_id, fingerprint(asked), lambda: as_json(ledger.release(account_id, hold_id)))


def extend(hold_id: int) -> Response:
    """Let it end so long from now: 200 and the hold."""
    program = caller("consume")
    asked = body_if_any(Extension)
    account_id = account_of(program, asked.account)
    longer = timedelta(seconds=asked.expires_in)
    return answered_once(account_id, fingerprint(asked), lambda: as_json(ledger.extend(account_id, hold_id, longer)))


def as_json(found: ledger.Hold) -> dict[str, Any]:
    """A hold, as the contract of the API has it."""
    return {
        "hold_id": str(found.id),
        "state": ledger.state_of(found),
        "amount": found.amount,
        "captured": found.captured,
        "released": found.released,
        "remaining": found.remaining if ledger.state_of(found) == "open" else Decimal(0),
        "operation_type": found.operation_type,
        "description": found.description,
        "opened_at": found.opened_at,
        "expires_at": found.expires_at,
    }


def _priced(asked: Hold) -> pricing.Price | None:
    """What the operation costs at most, where no amount is said."""
    if asked.amount is not None:
        return None
    return usage.priced(asked.operation_type or "", asked.quantity, asked.parameters)


def _answered(account_id: int, mark: str, work: Callable[[], tuple[ledger.Hold, dict[str, Any]]]) -> Response:
    """201 and what *work* did, once per key; where credits are too few, what to do. Few left: a look at the account."""
    watched = False

    def done() -> dict[str, Any]:
        nonlocal watched
        held, words = work()
        watched = held.watched
        return words

    try:
        told = answered_once(account_id, mark, done, status=201)
    except ledger.InsufficientCredits as error:
        charging.look_at_refusal(account_id, error)
        raise insufficient(account_id, error) from error
    if watched:
        charging.look(account_id)
    return told
