"""``POST consume``: charge an account for an operation, or for an explicit amount."""

from typing import Annotated

from flask import Blueprint, Response, request, url_for
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditapp import checkout, identity, ledger, packages, usage
from creditapp.api.callers import account_of, caller, idempotency_key
from creditapp.api.wire import (
    Amount,
    Body,
    Label,
    LongText,
    Metadata,
    Moment,
    Parameter,
    Text,
    answer,
    body,
    number,
    written,
)
from creditapp.db import retrying, transaction
from creditapp.errors import CreditAppError
from creditapp.wiring import settings

MOST_UNITS = 1_000_000
MOST_PARAMETERS = 20


class Operation(Body):
    """What is charged, and what for."""

    account: Text | None = None
    operation_type: Label | None = None
    quantity: Annotated[int, Field(ge=1, le=MOST_UNITS)] = 1
    parameters: Annotated[dict[Label, Parameter], Field(max_length=MOST_PARAMETERS)] = Field(default_factory=dict)
    amount: Amount | None = None
    operation_id: Text | None = None
    description: LongText | None = None
    metadata: Metadata = Field(default_factory=dict)
    api_endpoint: Text | None = None
    started_at: Moment = None
    completed_at: Moment = None

    @model_validator(mode="after")
    def _chargeable(self) -> "Operation":
        if self.amount is None and self.operation_type is None:
            raise PydanticCustomError("charge", "needs an operation_type of the rate card, or an explicit amount")
        if self.amount is not None and self.parameters:
            raise PydanticCustomError("parameters", "with an amount there is nothing for parameters to price")
        if usage.PRICE_DETAIL in self.metadata:
            raise PydanticCustomError("metadata", f"metadata.{usage.PRICE_DETAIL} is where we keep the price")
        return self


class Insufficient(CreditAppError):
    """Not enough credits, with everything needed to do something about it."""

    code, status, title = "insufficient_credits", 402, "Not enough credits"


def register(bp: Blueprint) -> None:
    """Hang ``POST consume`` into the API."""
    bp.add_url_rule("/consume", "consume", consume, methods=["POST"])


def consume() -> Response:
    """Charge, once per Idempotency-Key: 201 and what is left, or 402 and what to do."""
    program = caller("consume")
    asked = body(Operation)
    account_id = account_of(program, asked.account)
    key = idempotency_key()
    try:
        spent = retrying(lambda: _charge(account_id, asked, key, program))
    except ledger.InsufficientCredits as error:
        raise insufficient(account_id, error) from error
    except ledger.IdempotencyMismatch:
        raise ledger.IdempotencyMismatch(key or "") from None
    headers = {
        "X-Credits-Charged": str(number(spent.amount)),
        "X-Credits-Available": str(number(spent.available)),
    }
    if spent.replayed:
        headers["Idempotent-Replayed"] = "true"
    return answer(
        {
            "transaction_id": str(spent.transaction_id),
            "operation_type": spent.operation_type,
            "amount": spent.amount,
            "balance": spent.balance_after,
            "available": spent.available,
            "balance_before": spent.balance_before,
            "balance_after": spent.balance_after,
        },
        201,
        headers,
    )


def insufficient(account_id: int, error: ledger.InsufficientCredits) -> Insufficient:
    """The refusal as a program can act on it: what is missing, and the package that covers it."""
    offers = packages.on_sale(checkout.bought(account_id))
    offer = packages.covering(error.shortfall, offers)
    page = url_for("packages.index", package=offer.package.key if offer else None)
    return Insufficient(
        error.sentence,
        required=error.required,
        available=error.available,
        reserved=error.reserved,
        shortfall=error.shortfall,
        limit="balance",
        package=offer.package.key if offer else None,
        checkout_url=settings().app_url + page,
        recharge_in_progress=False,
    )


def _charge(account_id: int, asked: Operation, key: str | None, program: identity.Caller) -> ledger.Spent:
    charge = ledger.Charge(
        amount=ledger.LARGEST_AMOUNT,
        operation_type=asked.operation_type,
        key=f"api:{key}" if key else None,
        request=_fingerprint(asked),
        operation_id=asked.operation_id,
        description=asked.description,
        api_endpoint=asked.api_endpoint,
        api_key_id=program.key_id,
        started_at=asked.started_at,
        completed_at=asked.completed_at,
        details=asked.metadata,
    )
    with transaction():
        spent = usage.consume(
            account_id, charge, amount=asked.amount, quantity=asked.quantity, parameters=asked.parameters
        )
        # One space of keys over all writes; the charge holds the account's lock, so that no purchase slips in.
        if charge.key and checkout.uses_key(account_id, charge.key):
            raise ledger.IdempotencyMismatch(charge.key)
        return spent


def _fingerprint(asked: Operation) -> str:
    # The request, not its price: a new rate card must not turn a repetition into another request.
    return ledger.fingerprint(request.method, request.path, written(asked.model_dump(exclude={"account"})))
