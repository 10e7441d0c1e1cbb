"""In which order lots are used up: pure rules, no database and no clock."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol, TypeVar

NEVER = datetime.max.replace(tzinfo=UTC)
SOURCE_ORDER = {"bonus": 0, "adjustment": 1, "purchased": 2}


class Burnable(Protocol):
    """What the order of burning looks at: the fields of a CreditLot, as they are or as they would be if settled."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def priority(self) -> int: ...  # noqa: D102
    @property
    def remaining(self) -> Decimal: ...  # noqa: D102
    @property
    def expires_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def created_at(self) -> datetime: ...  # noqa: D102


Lot = TypeVar("Lot", bound=Burnable)


def burn_order(lots: Iterable[Lot]) -> list[Lot]:
    """Priority, then soonest expiry, then bonus before purchased, then oldest."""
    return sorted(
        lots,
        key=lambda lot: (lot.priority, lot.expires_at or NEVER, SOURCE_ORDER[lot.source], lot.created_at, lot.id),
    )


def draw(lots: Iterable[Lot], amount: Decimal) -> Iterator[tuple[Lot, Decimal]]:
    """Take *amount* from *lots* in burn order: pairs of a lot and what it pays, none of them zero.

    Raises ValueError when the lots hold less: the books would not tie out.
    """
    for lot in burn_order(lots):
        if amount <= 0:
            return
        taken = min(lot.remaining, amount)
        if taken > 0:
            yield lot, taken
            amount -= taken
    if amount > 0:
        message = f"{amount} credits more are to be drawn than the lots hold"
        raise ValueError(message)
