"""What falls due while nobody looks, in the order of its time: pure rules, no database and no clock.

1. A hold that ends frees what was not captured of it; that repays debt, where there is any.
2. A lot that falls due expires, but for what open holds cover: that may be spent until the latest of them ends.

Where both fall on one instant, the hold ends first. Writers book what is found here, readers only look at it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from creditapp.ledger.burn import burn_order, draw


@dataclass(frozen=True, slots=True)
class LotLeft:
    """A lot, and what is left of it at this moment, were everything settled."""

    id: int
    credit_transaction_id: int
    source: str
    priority: int
    amount: Decimal
    remaining: Decimal
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that was not closed yet, and what can still be captured out of it."""

    id: int
    remaining: Decimal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """A hold's time was over."""

    hold_id: int


@dataclass(frozen=True, slots=True)
class Expired:
    """So much of a lot can't be spent any more."""

    lot_id: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Covered:
    """What is left of a lot may be spent until then, for the sake of open holds."""

    lot_id: int
    until: datetime | None


@dataclass(slots=True)
class Standing:
    """What an account has, as far as it is booked, and everything of it that may fall due; its lots are settled."""

    balance: Decimal
    reserved: Decimal
    debt: Decimal
    lots: dict[int, LotLeft]
    holds: dict[int, OpenHold]

    @property
    def available(self) -> Decimal:
        """What may be spent."""
        return self.balance - self.reserved

    @property
    def left(self) -> list[LotLeft]:
        """The lots with something left, in burn order."""
        return burn_order(lot for lot in self.lots.values() if lot.remaining)

    def pass_to(self, moment: datetime) -> Iterator[Ended | Expired | Covered]:
        """Let time pass until *moment*: what falls due, one after the other, each done when it is told."""
        for hold in sorted(self.holds.values(), key=lambda hold: (hold.expires_at, hold.id)):
            if hold.expires_at > moment:
                break
            yield from self._expire(hold.expires_at, strictly=True)
            yield self._end(hold)
        yield from self._expire(moment)

    def _end(self, hold: OpenHold) -> Ended:
        del self.holds[hold.id]
        self.reserved -= hold.remaining
        repaid = repayment(hold.remaining, debt=self.debt, available=self.available)
        self.debt -= repaid
        self.balance -= repaid
        for lot, taken in draw(self.left, repaid):
            self.lots[lot.id] = replace(lot, remaining=lot.remaining - taken)
        return Ended(hold.id)

    def _expire(self, until: datetime, *, strictly: bool = False) -> Iterator[Expired | Covered]:
        while due := self._next_due(until, strictly):
            expiring = min(sum((lot.remaining for lot in due), Decimal(0)), self.available)
            # Covered is what would be burnt first: the last in burn order expire.
            for lot in reversed(due):
                gone = min(lot.remaining, expiring)
                kept = replace(lot, remaining=lot.remaining - gone)
                expiring -= gone
                self.balance -= gone
                if kept.remaining:
                    kept = replace(kept, expires_at=max(hold.expires_at for hold in self.holds.values()))
                self.lots[lot.id] = kept
                if gone:
                    yield Expired(lot.id, gone)
                if kept.remaining:
                    yield Covered(lot.id, kept.expires_at)

    def _next_due(self, until: datetime, strictly: bool) -> list[LotLeft]:
        """The lots that fall due first, all at one instant, if that has come *until* then."""
        left = self.left
        first = min((lot.expires_at for lot in left if lot.expires_at), default=None)
        if first is None or first > until or (strictly and first == until):
            return []
        return [lot for lot in left if lot.expires_at == first]


def repayment(incoming: Decimal, *, debt: Decimal, available: Decimal) -> Decimal:
    """How much of credits that came in, or became free, repays debt: never what is reserved."""
    return min(incoming, debt, available)
