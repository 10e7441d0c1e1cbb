"""A ledger in plain Python that allots every charge to its lots at once: what the real one must be equal to.

It knows no axis, no settling and no sweep. Written from the rules of the books, not from the code.
"""

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tests.ledger.eager_parts import (
    ZERO,
    Closed,
    Hold,
    Insufficient,
    Lot,
    Mismatch,
    NoCharge,
    NothingLeft,
    Row,
    TooMuch,
)

TAKEN_BACK = {"purchase": 0, "adjustment": 1, "bonus": 2}
SOON = timedelta(days=30)


@dataclass
class EagerLedger:
    """One account, and what its seller decided."""

    other_lots: bool = True
    forgive: bool = False
    spend_in_debt: bool = False
    overrun: bool = False
    grace: timedelta = timedelta(days=7)
    debt: Decimal = ZERO
    rows: list[Row] = field(default_factory=list)
    lots: list[Lot] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    paid: dict[int, list[tuple[int, Decimal]]] = field(default_factory=dict)  # by the charge's number
    requests: dict[str, tuple[object, int]] = field(default_factory=dict)

    def grant(
        self, moment: datetime, key: str, kind: str, amount: Decimal, priority: int, expires_at: datetime | None
    ) -> int:
        """The number of the row."""
        request = ("grant", kind, amount)
        if (done := self._done(key, request)) is not None:
            return done
        self.catch_up(moment)
        number = self._remember(key, request, self._write(kind, amount, moment))
        self.lots.append(Lot(number, kind, amount, priority, expires_at))
        if expires_at is None or expires_at > moment:
            self._repay(amount, moment)
        return number

    def spend(self, moment: datetime, key: str | None, amount: Decimal) -> int:
        """The number of the row."""
        request = ("spend", amount)
        if (done := self._done(key, request)) is not None:
            return done
        self.catch_up(moment)
        self._check(amount)
        return self._remember(key, request, self._consume(amount, moment))

    def take_back(self, moment: datetime, key: str, amount: Decimal) -> int:
        """A correction down; the number of its row."""
        request = ("adjust", amount)
        if (done := self._done(key, request)) is not None:
            return done
        self.catch_up(moment)
        if amount > self.available:
            raise Insufficient(self.available)
        self._draw(amount, self._burning())
        return self._remember(key, request, self._write("adjustment", -amount, moment))

    def claw_back(self, moment: datetime, key: str, purchase: int, amount: Decimal) -> int:
        """Money went back for the purchase of that number."""
        request = ("claw back", purchase, amount)
        if (done := self._done(key, request)) is not None:
            return done
        self.catch_up(moment)
        own = self._lot(purchase)
        others = sorted((lot for lot in self._burning() if lot is not own), key=lambda lot: TAKEN_BACK[lot.kind])
        lots = [own, *(others if self.other_lots else [])]
        taken = min(amount, self.available, sum((lot.left for lot in lots), ZERO))
        self._draw(taken, lots)
        self.rows[purchase - 1].gone_back += amount
        number = self._remember(key, request, self._write("refund", -taken, moment, amount - taken))
        if self.forgive and amount > taken:
            self._write("adjustment", ZERO, moment, taken - amount)
        return number

    def give_back(self, moment: datetime, key: str, purchase: int, amount: Decimal) -> int:
        """A refund fell through."""
        request = ("give back", purchase, amount)
        if (done := self._done(key, request)) is not None:
            return done
        self.catch_up(moment)
        self._return(self._lot(purchase), amount, moment)
        self.rows[purchase - 1].gone_back -= amount
        number = self._remember(key, request, self._write("refund", amount, moment))
        self._repay(amount, moment)
        return number

    def reverse(self, moment: datetime, key: str | None, charge: int, amount: Decimal | None) -> int:
        """An operation failed; without an *amount* all that is left of its charge is given back."""
        request = ("reverse", charge, amount)
        if (done := self._done(key, request)) is not None:
            return done
        row = self.rows[charge - 1]
        if row.kind != "consumption":
            raise NoCharge
        left = -row.amount - row.gone_back
        if not left:
            raise NothingLeft
        amount = left if amount is None else amount
        if amount > left:
            raise TooMuch
        self.catch_up(moment)
        for number, part in self._last_taken(charge, row.gone_back, amount):
            self._return(self._lot(number), part, moment)
        row.gone_back += amount
        number = self._remember(key, request, self._write("reversal", amount, moment))
        self._repay(amount, moment)
        return number

    def write_off(self, moment: datetime, key: str, amount: Decimal) -> int:
        """Debt is forgiven."""
        request = ("write off", amount)
        if (done := self._done(key, request)) is not None:
            return done
        self.catch_up(moment)
        if amount > self.debt:
            raise TooMuch
        return self._remember(key, request, self._write("adjustment", ZERO, moment, -amount))

    def hold(self, moment: datetime, amount: Decimal, lasts: timedelta) -> int:
        """Its place among the holds."""
        self.catch_up(moment)
        self._check(amount)
        self.holds.append(Hold(amount, moment + lasts))
        return len(self.holds) - 1

    def capture(self, moment: datetime, key: str, place: int, amount: Decimal | None, final: bool) -> int:
        """The number of the row."""
        request = ("capture", place, amount, final)
        if (done := self._done(key, request)) is not None:
            return done
        held = self._open(moment, place)
        wanted = held.left if amount is None else amount
        from_hold = min(wanted, held.left)
        if wanted > from_hold and not self.overrun:
            self._check(wanted - from_hold)
        missing = max(wanted - from_hold - self.available, ZERO)
        held.left -= from_hold
        number = self._remember(key, request, self._consume(wanted - missing, moment))
        if missing:
            self._write("adjustment", ZERO, moment, missing)
        if final or not held.left:
            self._end(held, "captured", moment)
        return number

    def release(self, moment: datetime, place: int) -> str:
        """The state of the hold."""
        self.catch_up(moment)
        if self.holds[place].state != "released":
            self._end(self._open(moment, place), "released", moment)
        return self.holds[place].state

    def extend(self, moment: datetime, place: int, lasts: timedelta) -> datetime:
        """When it ends now."""
        held = self._open(moment, place)
        held.expires_at = moment + lasts
        return held.expires_at

    def catch_up(self, moment: datetime) -> int:
        """Whatever has fallen due happens, in the order of its time; a hold ends before a lot that ends with it."""
        happened = 0
        while (due := self.next_due()) is not None and due <= moment:
            ended = [held for held in self.holds if held.state == "open" and held.expires_at == due]
            if ended:
                self._end(min(ended, key=lambda held: held.rank), "expired", moment)
                happened += 1
            else:
                happened += self._expire(due, moment)
        return happened

    def next_due(self) -> datetime | None:
        """When the next lot or hold ends."""
        lots = [lot.expires_at for lot in self.lots if lot.left and lot.expires_at]
        return min([*lots, *(held.expires_at for held in self.holds if held.state == "open")], default=None)

    def at(self, moment: datetime) -> "EagerLedger":
        """As it is at that moment, were everything booked."""
        seen = self.copy()
        seen.catch_up(moment)
        return seen

    def copy(self) -> "EagerLedger":
        """As it is now."""
        return copy.deepcopy(self)

    @property
    def balance(self) -> Decimal:
        """The last one of the statement."""
        return self.rows[-1].balance_after if self.rows else ZERO

    @property
    def reserved(self) -> Decimal:
        """What the open holds keep."""
        return sum((held.left for held in self.holds if held.state == "open"), ZERO)

    @property
    def available(self) -> Decimal:
        """What can be spent."""
        return self.balance - self.reserved

    def left(self) -> list[tuple[int, Decimal, datetime | None]]:
        """What the balance consists of, in the order in which it will be spent: number, rest and end of each lot."""
        return [(lot.number, lot.left, lot.expires_at) for lot in self._burning()]

    def expiring(self, moment: datetime) -> tuple[Decimal, datetime | None]:
        """What ends within 30 days, and when the first does."""
        soon = [lot for lot in self._burning() if lot.expires_at and lot.expires_at <= moment + SOON]
        ends = [lot.expires_at for lot in soon if lot.expires_at]
        return sum((lot.left for lot in soon), ZERO), min(ends, default=None)

    def total(self, kind: str) -> Decimal:
        """The sum of all rows of a kind: credits that came or went, and debt made or forgiven."""
        return sum((row.amount - row.debt_change for row in self.rows if row.kind == kind), ZERO)

    def status(self, row: Row) -> str:
        """What became of it since."""
        if row.kind == "consumption" and row.gone_back:
            return "reversed" if row.gone_back == -row.amount else "completed"
        if row.kind == "purchase" and row.gone_back:
            return "refunded" if row.gone_back == row.amount else "partially_refunded"
        return "completed"

    def _burning(self) -> list[Lot]:
        return sorted((lot for lot in self.lots if lot.left), key=Lot.turn)

    def _lot(self, number: int) -> Lot:
        return next(lot for lot in self.lots if lot.number == number)

    def _open(self, moment: datetime, place: int) -> Hold:
        self.catch_up(moment)
        if self.holds[place].state != "open":
            raise Closed
        return self.holds[place]

    def _check(self, amount: Decimal) -> None:
        if amount > self.available or (self.debt and not self.spend_in_debt):
            raise Insufficient(self.available)

    def _consume(self, amount: Decimal, moment: datetime) -> int:
        drawn = self._draw(amount, self._burning())
        number = self._write("consumption", -amount, moment)
        self.paid[number] = drawn
        return number

    def _draw(self, amount: Decimal, lots: list[Lot]) -> list[tuple[int, Decimal]]:
        drawn = []
        for lot in lots:
            if taken := min(lot.left, amount):
                lot.left -= taken
                amount -= taken
                drawn.append((lot.number, taken))
        assert amount == 0
        return drawn

    def _last_taken(self, charge: int, skip: Decimal, amount: Decimal) -> list[tuple[int, Decimal]]:
        """Which lots the last credits of a charge came from, but for those that were given back before."""
        parts = []
        for number, part in reversed(self.paid[charge]):
            passed = min(skip, part)
            taken = min(part - passed, amount)
            skip, amount = skip - passed, amount - taken
            if taken:
                parts.append((number, taken))
        return parts

    def _return(self, lot: Lot, amount: Decimal, moment: datetime) -> None:
        lot.left += amount
        if lot.expires_at is not None and lot.expires_at <= moment:
            lot.expires_at = moment + self.grace

    def _repay(self, amount: Decimal, moment: datetime) -> None:
        amount = min(amount, self.debt, self.available)
        if amount:
            self._draw(amount, self._burning())
            self._write("repayment", -amount, moment, -amount)

    def _end(self, held: Hold, state: str, moment: datetime) -> None:
        free, held.left, held.state = held.left, ZERO, state
        self._repay(free, moment)

    def _expire(self, due: datetime, moment: datetime) -> int:
        """What no open hold covers is gone, last of the burn order first; the rest lasts as long as the last hold."""
        lots = [lot for lot in self._burning() if lot.expires_at == due]
        going, before = min(sum((lot.left for lot in lots), ZERO), self.available), len(self.rows)
        for lot in reversed(lots):
            if gone := min(lot.left, going):
                lot.left -= gone
                going -= gone
                self._write("expiration", -gone, moment)
            if lot.left:
                lot.expires_at = max(held.expires_at for held in self.holds if held.state == "open")
        return len(self.rows) - before

    def _write(self, kind: str, amount: Decimal, moment: datetime, debt_change: Decimal = ZERO) -> int:
        self.rows.append(Row(kind, amount, debt_change, self.balance + amount, moment))
        self.debt += debt_change
        return len(self.rows)

    def _done(self, key: str | None, request: object) -> int | None:
        if key is None or key not in self.requests:
            return None
        first, number = self.requests[key]
        if first != request:
            raise Mismatch
        return number

    def _remember(self, key: str | None, request: object, number: int) -> int:
        if key is not None:
            self.requests[key] = (request, number)
        return number
