"""A ledger in plain Python that allots every charge to its lots at once: what the real one must be equal to.

It knows no axis, no settling and no sweep. Written from the rules of the books, not from the code.
"""

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

ZERO = Decimal(0)
SOURCES = {"bonus": 0, "adjustment": 1, "purchase": 2}  # in the order in which they burn
SOON = timedelta(days=30)


class Insufficient(Exception):
    """Not enough; the credits that are available."""


class Mismatch(Exception):
    """The key was used for another request."""


@dataclass
class Row:
    """One line of the statement."""

    kind: str
    amount: Decimal
    balance_after: Decimal
    at: datetime


@dataclass
class Lot:
    """Credits that came in with row *number*."""

    number: int
    kind: str
    left: Decimal
    priority: int
    expires_at: datetime | None

    def lives(self, moment: datetime) -> bool:
        """Whether it can still be spent."""
        return self.expires_at is None or moment < self.expires_at

    def turn(self, never: datetime) -> tuple[int, datetime, int, int]:
        """When its turn to burn comes."""
        return (self.priority, self.expires_at or never, SOURCES[self.kind], self.number)


@dataclass
class EagerLedger:
    """One account."""

    rows: list[Row] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    paid: dict[int, list[tuple[int, Decimal]]] = field(default_factory=dict)  # by the charge's number
    requests: dict[str, tuple[object, int]] = field(default_factory=dict)

    def grant(
        self, moment: datetime, key: str, kind: str, amount: Decimal, priority: int, expires_at: datetime | None
    ) -> int:
        """The number of the row."""
        request = ("grant", kind, amount)
        if (done := self._done(key, request)) is not None:
            return done
        self._let_expire(moment)
        self._write(kind, amount, moment)
        self.lots.append(Lot(len(self.rows), kind, amount, priority, expires_at))
        return self._remember(key, request)

    def spend(self, moment: datetime, key: str | None, amount: Decimal) -> int:
        """The number of the row."""
        request = ("spend", amount)
        if (done := self._done(key, request)) is not None:
            return done
        self._check(amount, moment)
        self._let_expire(moment)
        self._write("consumption", -amount, moment)
        self.paid[len(self.rows)] = self._draw(amount)
        return self._remember(key, request)

    def take_back(self, moment: datetime, key: str, amount: Decimal) -> int:
        """A correction down; the number of its row."""
        request = ("adjust", amount)
        if (done := self._done(key, request)) is not None:
            return done
        self._check(amount, moment)
        self._let_expire(moment)
        self._write("adjustment", -amount, moment)
        self._draw(amount)
        return self._remember(key, request)

    def sweep(self, moment: datetime) -> int:
        """Book what has fallen due; how many lots did."""
        before = len(self.rows)
        self._let_expire(moment)
        return len(self.rows) - before

    def settle(self, moment: datetime) -> None:
        """Here every lot is settled at any time."""
        self._let_expire(moment)

    def living(self, moment: datetime) -> list[Lot]:
        """What the balance consists of, in the order in which it will be spent."""
        lots = [lot for lot in self.lots if lot.left and lot.lives(moment)]
        return sorted(lots, key=lambda lot: lot.turn(datetime.max.replace(tzinfo=moment.tzinfo)))

    def available(self, moment: datetime) -> Decimal:
        """What can be spent."""
        return sum((lot.left for lot in self.living(moment)), ZERO)

    def expiring(self, moment: datetime) -> tuple[Decimal, datetime | None]:
        """What ends within 30 days, and when the first does."""
        soon = [lot for lot in self.living(moment) if not lot.lives(moment + SOON)]
        ends = [lot.expires_at for lot in soon if lot.expires_at]
        return sum((lot.left for lot in soon), ZERO), min(ends, default=None)

    def total(self, *kinds: str) -> Decimal:
        """The sum of all rows of these kinds."""
        return sum((row.amount for row in self.rows if row.kind in kinds), ZERO)

    def copy(self) -> "EagerLedger":
        """As it is now."""
        return copy.deepcopy(self)

    def _check(self, amount: Decimal, moment: datetime) -> None:
        if amount > (available := self.available(moment)):
            raise Insufficient(available)

    def _draw(self, amount: Decimal) -> list[tuple[int, Decimal]]:
        drawn = []
        for lot in self.living(self.rows[-1].at):
            taken = min(lot.left, amount)
            if taken:
                lot.left -= taken
                amount -= taken
                drawn.append((lot.number, taken))
        assert amount == 0
        return drawn

    def _let_expire(self, moment: datetime) -> None:
        never = datetime.max.replace(tzinfo=moment.tzinfo)
        for lot in sorted(self.lots, key=lambda lot: lot.turn(never)):
            if lot.left and not lot.lives(moment):
                self._write("expiration", -lot.left, moment)
                lot.left = ZERO

    def _write(self, kind: str, amount: Decimal, moment: datetime) -> None:
        before = self.rows[-1].balance_after if self.rows else ZERO
        self.rows.append(Row(kind, amount, before + amount, moment))

    def _done(self, key: str | None, request: object) -> int | None:
        if key is None or key not in self.requests:
            return None
        first, number = self.requests[key]
        if first != request:
            raise Mismatch
        return number

    def _remember(self, key: str | None, request: object) -> int:
        number = len(self.rows)
        if key is not None:
            self.requests[key] = (request, number)
        return number
