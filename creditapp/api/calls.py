"""Every call of the API, said once: what it asks, answers and refuses. Its description is made of this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from creditapp import checkout, gateway, identity, ledger, packages, pricing
from creditapp.api import (
    answers,
    auto_recharge,
    balance,
    batch,
    consume,
    holds,
    keys,
    transactions,
    usage,
    usage_answers,
)
from creditapp.api import packages as packages_api
from creditapp.api import purchase as purchase_api
from creditapp.api.wire import NotJson, WrongContentType, WrongShape
from creditapp.errors import Busy, CreditAppError, InvalidInput, NotFound

Refusals = tuple[type[CreditAppError], ...]

ALWAYS: Refusals = (identity.BadKey, identity.InsufficientScope, NotFound, WrongShape, Busy)
WITH_A_BODY: Refusals = (NotJson, WrongContentType)
WITH_A_KEY: Refusals = (ledger.IdempotencyMismatch,)
OF_A_PRICE: Refusals = (pricing.UnknownOperation, pricing.BadParameter, ledger.InvalidAmount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one address. *name* is its endpoint; *once*: it takes an Idempotency-Key."""

    name: str
    method: str
    path: str
    scope: str
    title: str
    does: str
    answer: type[BaseModel]
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_required: bool = True
    once: bool = False
    headers: tuple[str, ...] = ()
    refuses: Refusals = ()
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refusals(self) -> Refusals:
        """Everything it may refuse with."""
        more = (WITH_A_BODY if self.body else ()) + (WITH_A_KEY if self.once else ())
        return ALWAYS + more + self.refuses


CALLS = (
    Call(
        name="balance",
        method="GET",
        path="/balance",
        scope="read",
        title="What an account has",
        does="The standing at this moment. Credits past their expiry are never part of it.",
        query=balance.Question,
        answer=answers.Balance,
    ),
    Call(
        name="consume",
        method="POST",
        path="/consume",
        scope="consume",
        title="Charge an operation",
        does=(
            "Charges by the rate card, or exactly `amount`; then `operation_type` is a label of your own. "
            "One of both is needed. Too few credits: nothing is charged, and the refusal says what to do."
        ),
        body=consume.Operation,
        once=True,
        answer=answers.Charged,
        status=201,
        headers=("X-Credits-Charged", "X-Credits-Available"),
        refuses=(consume.Insufficient, *OF_A_PRICE),
        example={"operation_type": "ai_analysis", "quantity": 2},
    ),
    Call(
        name="batch",
        method="POST",
        path="/consume/batch",
        scope="consume",
        title="Charge many operations",
        does=(
            "Up to 1,000 charges, each under a `key` of its own. With `mode` `each` every item that can be is charged, "
            "and told of; with `all` everything or nothing. Sending it again charges nothing again."
        ),
        body=batch.Batch,
        answer=answers.BatchResults,
        refuses=(consume.Insufficient, *WITH_A_KEY, *OF_A_PRICE),
        example={"items": [{"key": "job-1", "operation_type": "api_call"}, {"key": "job-2", "amount": 2.5}]},
    ),
    Call(
        name="estimate",
        method="POST",
        path="/estimate",
        scope="read",
        title="Ask first what it costs",
        does="The body of `POST consume`, priced line by line. Nothing is charged, nothing is held.",
        body=consume.Operation,
        answer=answers.Estimated,
        refuses=OF_A_PRICE,
        example={"operation_type": "ai_analysis", "quantity": 40, "parameters": {"priority": "high"}},
    ),
    Call(
        name="hold",
        method="POST",
        path="/holds",
        scope="consume",
        title="Set credits aside",
        does="For work whose cost is known only afterwards: hold the most it may cost, as an amount or an operation.",
        body=holds.Hold,
        once=True,
        answer=answers.HoldNow,
        status=201,
        refuses=(consume.Insufficient, *OF_A_PRICE),
        example={"amount": 50, "expires_in": 900},
    ),
    Call(
        name="show_hold",
        method="GET",
        path="/holds/{hold_id}",
        scope="read",
        title="Look at a hold",
        does="The hold as it is now.",
        query=holds.Whose,
        answer=answers.HoldNow,
    ),
    Call(
        name="capture",
        method="POST",
        path="/holds/{hold_id}/capture",
        scope="consume",
        title="Charge out of a hold",
        does=(
            "Any number of times. Without `amount` the rest; `final` releases what is left. More than is held is taken "
            "from what is available."
        ),
        body=holds.Capture,
        body_required=False,
        once=True,
        answer=answers.Captured,
        status=201,
        refuses=(consume.Insufficient, ledger.HoldClosed, ledger.InvalidAmount),
        example={"amount": 12.5},
    ),
    Call(
        name="extend",
        method="POST",
        path="/holds/{hold_id}/extend",
        scope="consume",
        title="Keep a hold for longer",
        does="It ends so many seconds from now, at most a day.",
        body=holds.Extension,
        body_required=False,
        once=True,
        answer=answers.HoldNow,
        refuses=(ledger.HoldClosed,),
        example={"expires_in": 3600},
    ),
    Call(
        name="release",
        method="POST",
        path="/holds/{hold_id}/release",
        scope="consume",
        title="Release a hold",
        does="What was not captured is free again.",
        body=holds.Whose,
        body_required=False,
        once=True,
        answer=answers.HoldNow,
        refuses=(ledger.HoldClosed,),
    ),
    Call(
        name="transactions",
        method="GET",
        path="/transactions",
        scope="read",
        title="Read the history",
        does="A page of transactions, newest first. `next_cursor` asks for the next page; null ends.",
        query=transactions.Question,
        answer=answers.TransactionPage,
    ),
    Call(
        name="transaction",
        method="GET",
        path="/{transaction_id}",
        scope="read",
        title="Look at a transaction",
        does="One transaction of the account.",
        query=transactions.One,
        answer=answers.Transaction,
    ),
    Call(
        name="reverse",
        method="POST",
        path="/transactions/{transaction_id}/reverse",
        scope="consume",
        title="Give back a failed operation",
        does="All of a charge, or `amount` of it, returns to the credits it was paid from. Statistics leave it out.",
        body=transactions.Reversal,
        body_required=False,
        once=True,
        answer=answers.Transaction,
        status=201,
        refuses=(ledger.AlreadyReversed, ledger.NotAConsumption, ledger.InvalidAmount),
        example={"reason": "The picture could not be read"},
    ),
    Call(
        name="prices",
        method="GET",
        path="/prices",
        scope="read",
        title="What operations cost",
        does="The rate card that holds now, and when another will.",
        answer=answers.PriceList,
    ),
    Call(
        name="usage_stats",
        method="GET",
        path="/usage_stats",
        scope="read",
        title="What was used",
        does=(
            "By operation, endpoint, key and day, with the same stretch before to compare. Operations that were given "
            "back are left out, and told apart."
        ),
        query=usage.Stretch,
        answer=usage_answers.UsageStatistics,
    ),
    Call(
        name="forecast",
        method="GET",
        path="/forecast",
        scope="read",
        title="What will be used",
        does=(
            "From the days that are over, at most 28, and by weekday from 21 on. Below three days with usage nothing "
            "is guessed: `enough_history` is false and the numbers are null."
        ),
        query=usage.Horizon,
        answer=usage_answers.Forecast,
    ),
    Call(
        name="packages",
        method="GET",
        path="/packages",
        scope="read",
        title="What can be bought",
        does="Every package, with whether, and why not, the account can buy it now.",
        query=packages_api.Question,
        answer=answers.PackageList,
    ),
    Call(
        name="purchase",
        method="POST",
        path="/purchase",
        scope="purchase",
        title="Open a checkout",
        does="Gives the address at which a person pays. The credits come when the payment is confirmed.",
        body=purchase_api.Purchase,
        once=True,
        answer=answers.OpenedCheckout,
        status=201,
        refuses=(packages.PackageUnavailable, checkout.StillOpening, gateway.PolarUnavailable, gateway.PolarRefused),
        example={"package": "professional"},
    ),
    Call(
        name="auto_recharge",
        method="GET",
        path="/auto_recharge",
        scope="read",
        title="How auto-recharge stands",
        does="The plan, its state with the reason in words, and every decision, those not to charge among them.",
        query=auto_recharge.Question,
        answer=answers.AutoRecharge,
    ),
    Call(
        name="set_auto_recharge",
        method="PUT",
        path="/auto_recharge",
        scope="purchase",
        title="Recharge by itself",
        does=(
            "When available credits fall to `threshold`, buy `quantity` of `package`, or as many as reach `target`. "
            "It is saved without a card, too, and waits for one. Below the threshold it charges at once."
        ),
        body=auto_recharge.Plan,
        once=True,
        answer=answers.AutoRecharge,
        example={"enabled": True, "threshold": 500, "package": "professional", "quantity": 1},
    ),
    Call(
        name="keys",
        method="GET",
        path="/keys",
        scope="manage",
        title="Which keys there are",
        does="Those that work first, then the newest. No answer holds a secret that was shown before.",
        query=keys.KeyOwner,
        answer=answers.KeyList,
    ),
    Call(
        name="create_key",
        method="POST",
        path="/keys",
        scope="manage",
        title="Make a key",
        does=(
            "The key is shown in this answer and never again. It can do no more than the key that asks for it, nor for "
            "longer. "
            "It takes no Idempotency-Key: where an answer was lost, revoke what it made and make another."
        ),
        body=keys.NewKey,
        answer=answers.MadeKey,
        status=201,
        refuses=(InvalidInput,),
        example={"name": "nightly-import", "scopes": ["read", "consume"]},
    ),
    Call(
        name="rotate_key",
        method="POST",
        path="/keys/{key_id}/rotate",
        scope="manage",
        title="Change a key's secret",
        does="A new key of the same name and scopes; the old one works for another day, so that nothing stops.",
        body=keys.KeyOwner,
        body_required=False,
        answer=answers.MadeKey,
        status=201,
        refuses=(InvalidInput,),
    ),
    Call(
        name="revoke_key",
        method="POST",
        path="/keys/{key_id}/revoke",
        scope="manage",
        title="End a key",
        does="At once, in every process, and for good.",
        body=keys.KeyOwner,
        body_required=False,
        answer=answers.Key,
    ),
)
