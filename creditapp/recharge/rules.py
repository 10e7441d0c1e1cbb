"""When an account is recharged, and when not and why: pure rules, no database and no clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

MOST_PACKAGES = 100
COOLDOWN = timedelta(hours=1)
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the owner wants. ``target`` instead of ``quantity``: as many packages as reach it."""

    enabled: bool
    threshold: Decimal
    quantity: int | None
    target: Decimal | None
    monthly_cap_cents: int | None
    has_card: bool
    stopped_reason: str | None = None
    cooling_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the account stands: what is available, what it owes, what automatic recharges cost this month."""

    available: Decimal
    debt: Decimal
    in_flight: bool
    spent_this_month_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """The package that is bought; ``unavailable`` says why it can't be."""

    name: str
    credits: Decimal
    price_cents: int
    unavailable: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """``charge`` so many packages, or not; ``reason`` in words either way, ``why`` for programs.

    ``why``: ``due``, or ``off``, ``above``, ``in_flight`` (nothing worth a line in the log), or what blocks a recharge
    that is wanted: ``debt no_card stopped cooling cap_reached unavailable``.
    """

    why: str
    reason: str
    quantity: int = 0

    @property
    def charge(self) -> bool:
        """Whether to charge now."""
        return self.why == "due"

    @property
    def blocked(self) -> bool:
        """Whether a recharge is wanted and may not be."""
        return self.why not in {"due", "off", "above", "in_flight"}


def decide(terms: Terms, standing: Standing, sold: Sold, now: datetime) -> Decision:  # noqa: PLR0911 (a gate a line)
    """Whether to recharge now: every gate must be open. At the threshold counts as below it."""
    if not terms.enabled:
        return Decision("off", "Auto-recharge is off.")
    if standing.available > terms.threshold:
        return Decision("above", f"{_number(standing.available)} credits are above {_number(terms.threshold)}.")
    if standing.in_flight:
        return Decision("in_flight", "A recharge is under way already.")
    if standing.debt > 0:
        return Decision("debt", f"The account owes {_number(standing.debt)} credits: buy credits first.")
    if not terms.has_card:
        return Decision("no_card", "No card is saved yet.")
    if terms.stopped_reason is not None:
        return Decision("stopped", terms.stopped_reason)
    if sold.unavailable is not None:
        return Decision("unavailable", f"{sold.name} can't be bought: {sold.unavailable}")
    if terms.cooling_until is not None and now < terms.cooling_until:
        return Decision(
            "cooling", f"At most one recharge an hour: the next is possible at {_clock(terms.cooling_until)}."
        )
    quantity = quantity_for(terms, standing.available, sold.credits)
    cost = quantity * sold.price_cents
    if terms.monthly_cap_cents is not None and standing.spent_this_month_cents + cost > terms.monthly_cap_cents:
        return Decision("cap_reached", "This month's limit would be passed.")
    return Decision(
        "due", f"{_number(standing.available)} credits are at or below {_number(terms.threshold)}.", quantity
    )


def quantity_for(terms: Terms, available: Decimal, package_credits: Decimal) -> int:
    """How many packages: as said, or as many as reach the target; at least one."""
    if terms.target is None:
        return terms.quantity or 1
    missing = (terms.target - available) / package_credits
    return max(1, min(MOST_PACKAGES, int(missing.to_integral_value(ROUND_CEILING))))


def _number(credits: Decimal) -> str:
    return f"{credits:,.6f}".rstrip("0").rstrip(".")


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M} UTC"
