"""``POST consume``: charge an account for an operation, or for an explicit amount."""

from typing import Annotated, Any

from flask import Blueprint, Response, url_for
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditapp import charging, checkout, identity, ledger, packages, recharge, usage
from creditapp.api.callers import account_to_charge, idempotency_key, remembered_caller, request_id
from creditapp.api.values import Amount, Label, LongText, Metadata, Moment, Parameter, Text
from creditapp.api.wire import Body, answer, body, fingerprint, number
from creditapp.errors import CreditAppError
from creditapp.onecall import at_once
from creditapp.wiring import settings

MOST_UNITS = 1_000_000
MOST_PARAMETERS = 20


class Charge(Body):
    """What is charged, and what for."""

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
    def _chargeable(self) -> "Charge":
        if self.amount is None and self.operation_type is None:
            raise PydanticCustomError("charge", "needs an operation_type of the rate card, or an explicit amount")
        if self.amount is not None and self.parameters:
            raise PydanticCustomError("parameters", "with an amount there is nothing for parameters to price")
        if usage.PRICE_DETAIL in self.metadata:
            raise PydanticCustomError("metadata", f"metadata.{usage.PRICE_DETAIL} is where we keep the price")
        return self


class Operation(Charge):
    """A charge, and whom it is for."""

    account: Text | None = None


class Insufficient(CreditAppError):
    """Not enough credits, with everything needed to do something about it."""

    code, status, title = "insufficient_credits", 402, "Not enough credits"


def register(bp: Blueprint) -> None:
    """Hang ``POST consume`` into the API."""
    bp.add_url_rule("/consume", "consume", consume, methods=["POST"])


def consume() -> Response:
    """Charge, once per Idempotency-Key: 201 and what is left, or 402 and what to do."""
    program = remembered_caller("consume")
    asked = body(Operation)
    account_id = account_to_charge(program, asked.account)
    key = idempotency_key()
    charge = rated(asked, key, program)
    try:
        spent = at_once(lambda: ledger.spend(account_id, charge))
    except ledger.InsufficientCredits as error:
        charging.look_at_refusal(account_id, error)
        raise insufficient(account_id, error) from error
    except ledger.IdempotencyMismatch:
        raise ledger.IdempotencyMismatch(key or "") from None
    if spent.watched:
        charging.look(account_id)
    headers = {
        "X-Credits-Charged": str(number(spent.amount)),
        "X-Credits-Available": str(number(spent.available)),
    }
    if spent.replayed:
        headers["Idempotent-Replayed"] = "true"
    return answer(as_json(spent), 201, headers)


def as_json(spent: ledger.Spent) -> dict[str, Any]:
    """A charge as its caller is told."""
    return {
        "transaction_id": str(spent.transaction_id),
        "operation_type": spent.operation_type,
        "amount": spent.amount,
        "balance": spent.balance_after,
        "available": spent.available,
        "balance_before": spent.balance_before,
        "balance_after": spent.balance_after,
    }


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
        limit=error.limit,
        package=offer.package.key if offer else None,
        checkout_url=settings().app_url + page,
        recharge_in_progress=recharge.in_flight(account_id),
    )


def rated(asked: Charge, key: str | None, program: identity.Caller) -> ledger.Charge:
    """The charge with its price, once per *key*. Raises what ``usage.rated`` raises."""
    wanted = ledger.Charge(
        amount=ledger.LARGEST_AMOUNT,
        operation_type=asked.operation_type,
        key=f"api:{key}" if key else None,
        # The request, not its price: a new rate card must not turn a repetition into another request.
        request=fingerprint(asked),
        operation_id=asked.operation_id,
        description=asked.description,
        api_endpoint=asked.api_endpoint,
        api_key_id=program.key_id,
        request_id=request_id(),
        started_at=asked.started_at,
        completed_at=asked.completed_at,
        details=asked.metadata,
    )
    return usage.rated(wanted, amount=asked.amount, quantity=asked.quantity, parameters=asked.parameters)
