"""The shapes of what the API answers, for its description; tests hold every answer against them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, WithJsonSchema

from creditapp.api.transactions import TransactionType

Credits = Annotated[Decimal, WithJsonSchema({"type": "number"})]
Id = Annotated[str, WithJsonSchema({"type": "string", "pattern": "^[0-9]+$"})]
HoldState = Literal["open", "captured", "released", "expired"]


class Answer(BaseModel):
    """Exactly these fields, each always there."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What was refused, and why (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str


class NotEnough(Problem):
    """The account can't pay; nothing was charged."""

    required: Credits
    available: Credits
    reserved: Credits
    shortfall: Credits
    limit: Literal["balance", "debt"]
    package: str | None
    checkout_url: str
    recharge_in_progress: bool


class Balance(Answer):
    """What an account has."""

    account: Id
    balance: Credits
    available: Credits
    reserved: Credits
    debt: Credits
    total_purchased: Credits
    total_consumed: Credits
    expiring: Credits
    auto_recharge_enabled: bool
    updated_at: datetime


class Charged(Answer):
    """A charge, and what is left."""

    transaction_id: Id
    operation_type: str | None
    amount: Credits
    balance: Credits
    available: Credits
    balance_before: Credits
    balance_after: Credits


class ChargedItem(Charged):
    """An item of a batch that was charged."""

    key: str
    status: Literal[201]
    replayed: bool


class RefusedItem(BaseModel):
    """An item of a batch that was refused, with what a call of its own would have said."""

    key: str
    status: int
    title: str
    code: str
    detail: str


class BatchResults(Answer):
    """What became of every item, in order."""

    results: list[ChargedItem | RefusedItem]


class PriceLine(Answer):
    """A line of a price."""

    label: str
    rule: str
    credits: Credits


class Estimated(Answer):
    """What it would cost, and what would be left."""

    operation_type: str | None
    quantity: int
    cost: Credits
    breakdown: list[PriceLine]
    price_version: str | None
    can_afford: bool
    available: Credits
    balance_after: Credits | None
    shortfall: Credits


class HoldNow(Answer):
    """A hold as it is now."""

    hold_id: Id
    state: HoldState
    amount: Credits
    captured: Credits
    released: Credits
    remaining: Credits
    operation_type: str | None
    description: str | None
    opened_at: datetime
    expires_at: datetime


class Captured(HoldNow):
    """The hold, and the charge out of it."""

    transaction_id: Id
    charged: Credits
    balance: Credits
    available: Credits


class Transaction(Answer):
    """One movement of credits."""

    id: Id
    number: int
    transaction_type: TransactionType
    amount: Credits
    debt_change: Credits
    balance_before: Credits
    balance_after: Credits
    operation_type: str | None
    operation_id: str | None
    reference_id: str | None
    description: str | None
    polar_order_id: str | None
    polar_transaction_id: str | None
    status: Literal["completed", "partially_refunded", "refunded", "reversed"]
    price_version: str | None
    price_lines: list[PriceLine]
    metadata: dict[str, Any]
    processed_at: datetime


class TransactionPage(Answer):
    """A page of the history, newest first."""

    items: list[Transaction]
    next_cursor: str | None


class Step(Answer):
    """A price from a unit on."""

    from_unit: int
    credits: Credits


class Rate(Answer):
    """What an operation costs."""

    operation_type: str
    name: str
    description: str
    credits: Credits
    steps: list[Step]
    minimum: Credits | None
    rounding: Credits
    parameters: dict[str, dict[str, Any]]


class ComingPrices(Answer):
    """A rate card that does not hold yet."""

    version: str
    holds_from: datetime | None


class PriceList(Answer):
    """The rate card that holds now."""

    version: str
    holds_from: datetime | None
    items: list[Rate]
    aliases: dict[str, str]
    coming: list[ComingPrices]


class Package(Answer):
    """A package as one account sees it."""

    key: str
    name: str
    credits: int
    price_cents: int
    currency: str
    price_per_credit: Credits
    savings_percentage: int
    badges: list[str]
    polar_product_id: str | None
    available: bool
    unavailable_reason: str | None


class PackageList(Answer):
    """What can be bought."""

    items: list[Package]


class OpenedCheckout(Answer):
    """Where a person pays."""

    checkout_id: Id
    checkout_url: str


class SavedCard(Answer):
    """The card that is charged."""

    brand: str
    last4: str
    expires: str


class Attempt(Answer):
    """A decision to recharge, or not to."""

    id: Id
    state: str
    reason: str
    at: datetime
    credits: Credits
    amount_cents: int
    currency: str
    polar_order_id: str | None


class Key(Answer):
    """A program's key, without its secret."""

    id: Id
    name: str
    prefix: str
    scopes: list[Literal["read", "consume", "purchase", "manage"]]
    works: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyList(Answer):
    """The account's keys."""

    items: list[Key]


class MadeKey(Key):
    """A key with its secret, which no other answer holds."""

    key: str


class AutoRecharge(Answer):
    """The plan, how it stands, and the latest decisions, newest first."""

    enabled: bool
    threshold: Credits | None
    package: str | None
    quantity: int | None
    target: Credits | None
    monthly_cap_cents: int | None
    notify: Literal["always", "failure"]
    state: Literal["off", "no_card", "on", "needs_customer", "declined", "cap_reached", "unavailable"]
    reason: str
    payment_method: SavedCard | None
    attempts: list[Attempt]
