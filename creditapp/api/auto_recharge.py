"""``GET`` and ``PUT auto_recharge``: what the account's owner wants, how it stands, and the log of every decision."""

from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditapp import checkout, recharge
from creditapp.api.callers import account_of, caller
from creditapp.api.once import answered_once
from creditapp.api.values import Amount, Label, Text, Threshold
from creditapp.api.wire import Body, answer, body, fingerprint, query

ATTEMPTS = 50
LARGEST_CAP = 100_000_000


class Question(Body):
    """Whose plan."""

    account: Text | None = None


class Plan(Body):
    """What is wanted: so many of the package, or as many as reach the target."""

    account: Text | None = None
    enabled: bool
    threshold: Threshold
    package: Label
    quantity: Annotated[int, Field(ge=1, le=100)] | None = None
    target: Amount | None = None
    monthly_cap_cents: Annotated[int, Field(ge=1, le=LARGEST_CAP)] | None = None
    notify: Literal["always", "failure"] = "always"

    @model_validator(mode="after")
    def _one_of_both(self) -> "Plan":
        if self.quantity is not None and self.target is not None:
            raise PydanticCustomError("quantity", "take either quantity or target, not both")
        return self


def register(bp: Blueprint) -> None:
    """Hang auto-recharge into the API."""
    bp.add_url_rule("/auto_recharge", "auto_recharge", show)
    bp.add_url_rule("/auto_recharge", "set_auto_recharge", save, methods=["PUT"])


def show() -> Response:
    """The plan, how it stands, and the latest decisions."""
    return answer(_as_json(account_of(caller("read"), query(Question).account)))


def save() -> Response:
    """Write the plan down; below the threshold it charges at once. Without a card it waits for one."""
    program = caller("purchase")
    asked = body(Plan)
    account_id = account_of(program, asked.account)
    wishes = recharge.Wishes(
        enabled=asked.enabled,
        threshold=asked.threshold,
        package=asked.package,
        quantity=None if asked.target is not None else (asked.quantity or 1),
        target=asked.target,
        monthly_cap_cents=asked.monthly_cap_cents,
        notify=asked.notify,
    )

    def saved() -> dict[str, Any]:
        switched_on = recharge.save(account_id, wishes)
        recharge.consider(account_id, person=switched_on)
        return _as_json(account_id)

    return answered_once(account_id, fingerprint(asked), saved)


def _as_json(account_id: int) -> dict[str, Any]:
    plan, card = recharge.plan_of(account_id), checkout.card_of(account_id)
    state, reason = recharge.state_of(plan)
    return {
        "enabled": plan.enabled if plan else False,
        "threshold": plan.threshold if plan else None,
        "package": plan.package.key if plan else None,
        "quantity": plan.quantity if plan else None,
        "target": plan.target if plan else None,
        "monthly_cap_cents": plan.monthly_cap_cents if plan else None,
        "notify": plan.notify if plan else "always",
        "state": state,
        "reason": reason,
        "payment_method": {"brand": card.brand, "last4": card.last4, "expires": card.expires} if card else None,
        "attempts": [
            {
                "id": str(attempt.id),
                "state": attempt.state,
                "reason": attempt.reason,
                "at": attempt.at,
                "credits": attempt.credits,
                "amount_cents": attempt.amount_cents,
                "currency": attempt.currency,
                "polar_order_id": attempt.polar_order_id,
            }
            for attempt in recharge.attempts(account_id, ATTEMPTS)
        ],
    }
