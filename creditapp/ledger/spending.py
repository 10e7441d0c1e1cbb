"""A charge: the one verb that must cost almost nothing.

In the caller's transaction it is one statement more; inside ``at_once`` it is all there is, and commits by itself.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from creditapp import clock, onecall
from creditapp.db import from_millionths, is_postgres, of_app, to_millionths
from creditapp.errors import CreditAppError, NotFound
from creditapp.ledger import dues, journal
from creditapp.ledger.attempt import Answer, attempt, attempt_together
from creditapp.ledger.crowd import Crowd
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
    asked = _parameters(account_id, charge)
    answer = _at_once(asked) if onecall.is_alone() else attempt(onecall.in_session, asked)
    if answer.outcome == "due" or answer.outdated(asked["amount"]) or _is_held_in_vain(account_id, answer):
        # Again, under the lock and at one moment, so that nothing comes or falls due between two looks.
        account = journal.lock(account_id)
        with clock.at(journal.moment_of(account)):
            dues.bring_up_to_date(account)
            answer = attempt(onecall.in_session, asked)
    match answer.outcome:
        case "charged" | "replayed":
            return _spent(answer)
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


def spend_all(account_id: int, charges: Sequence[Charge]) -> list[Spent]:
    """Take all of them, one after the other, or none. Raises what ``spend`` raises, for the first that is refused."""
    if len(charges) == 1:
        return [spend(account_id, charges[0])]
    if done := _in_one_statement(account_id, charges):
        return done
    journal.lock(account_id)
    return [spend(account_id, charge) for charge in charges]


def spend_each(account_id: int, charges: Sequence[Charge]) -> list[Spent | CreditAppError]:
    """Take every one of them that can be, one after the other; what each other is refused for.

    Raises NotFound and KeyRevoked: they are no matter of one of them.
    """
    if done := _in_one_statement(account_id, charges):
        return [*done]
    journal.lock(account_id)
    return [_spent_or_why_not(account_id, charge) for charge in charges]


def _in_one_statement(account_id: int, charges: Sequence[Charge]) -> list[Spent]:
    """All of them; none, and nothing is done, where one is refused or a repetition, or the database can't do that."""
    if not is_postgres():
        return []
    asked = [_parameters(account_id, charge) for charge in charges]
    if not onecall.is_alone():
        return [_spent(answer) for answer in attempt_together(onecall.in_session, asked)]
    with onecall.driver() as execute:
        return [_spent(answer) for answer in attempt_together(execute, asked)]


def _spent_or_why_not(account_id: int, charge: Charge) -> Spent | CreditAppError:
    try:
        return spend(account_id, charge)
    except KeyRevoked:
        raise
    except CreditAppError as error:
        return error


def together(asked: Sequence[dict[str, Any]]) -> list[Answer]:
    """What becomes of charges whose callers met (``Crowd``); none, and nothing is done, where each has to go alone."""
    try:
        with onecall.driver() as execute:
            if is_postgres() and len(asked) > 1:
                return attempt_together(execute, asked)
            return [attempt(execute, one) for one in asked]
    except Exception as error:
        if len(asked) == 1 or not onecall.may_be_tried_again(error):
            raise
        return []  # whom it concerns finds out alone


def _at_once(asked: dict[str, Any]) -> Answer:
    """The charge, committed; where others are on their way, after them and together with who waits too.

    On PostgreSQL who charges an account waits for its lock, on SQLite everybody for the only writer.
    """
    if clock.given() is not None:  # that is a time of this caller's own
        return together([asked])[0]
    crowd: Crowd[dict[str, Any], Answer] = of_app("charges")
    return crowd.answer(asked["account"] if is_postgres() else None, asked)


def _is_held_in_vain(account_id: int, answer: Answer) -> bool:
    """Whether a charge was refused for the sake of a hold whose time is over."""
    kept = answer.outcome == "insufficient" and answer.reserved_after > 0
    return kept and dues.has_due_holds(account_id, clock.now())


def _parameters(account_id: int, charge: Charge) -> dict[str, Any]:
    journal.check_amount(charge.amount)
    return {
        "account": account_id,
        "amount": to_millionths(charge.amount),
        "key": charge.key,
        "request": charge.request or journal.fingerprint("spend", charge.amount, charge.operation_type),
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


def _spent(answer: Answer) -> Spent:
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
