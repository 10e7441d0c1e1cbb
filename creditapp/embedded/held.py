"""Credits set aside for work under way: captured as it goes, or counted off in memory and charged at its end."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from creditapp import clock, ledger
from creditapp.db import MILLIONTH

Answer = TypeVar("Answer")


class Writing(Protocol):
    """How the verbs reach the ledger."""

    def write(self, work: Callable[[], Answer]) -> Answer:
        """Do *work* in a transaction."""

    def look(self, account_id: int, *, watched: bool) -> None:
        """After credits went: recharge the account where that is wanted."""

    def looking_at_refusals(self, account_id: int) -> AbstractContextManager[None]:
        """Where credits are too few for what is done inside, the account's owner is told."""


class HeldCredits:
    """An open hold: capture what the work cost; what is left is released when the block ends."""

    def __init__(self, writing: Writing, account_id: int, opened: ledger.Hold, *, lasts: timedelta) -> None:
        self._writing, self._account_id, self._lasts = writing, account_id, lasts
        self.id, self.remaining, self.expires_at = opened.id, opened.remaining, opened.expires_at
        self.operation_type = opened.operation_type

    def capture(self, amount: Decimal | int | str | None = None, *, key: str | None = None, **about: Any) -> int:
        """Charge *amount* (the rest, where none is said) out of it; the credit transaction's id.

        Raises what ``ledger.capture`` raises.
        """
        wanted = None if amount is None else Decimal(amount)
        charge = ledger.Charge(amount=wanted or Decimal(0), **about)
        with self._writing.looking_at_refusals(self._account_id):
            done = self._writing.write(
                lambda: ledger.capture(self._account_id, self.id, wanted, charge=charge, key=key)
            )
        self._writing.look(self._account_id, watched=done.hold.watched)
        self.remaining = done.hold.remaining
        return done.transaction.id

    def extend(self) -> None:
        """Let it last as long again, from now. Raises ledger.HoldClosed where its time was over already."""
        longer = self._writing.write(lambda: ledger.extend(self._account_id, self.id, self._lasts))
        self.expires_at = longer.expires_at

    @property
    def is_half_over(self) -> bool:
        """Whether less than half of its time is left."""
        return clock.now() + self._lasts / 2 > self.expires_at

    def release(self) -> None:
        """Free what is left of it, if its time is not over."""
        with suppress(ledger.HoldClosed):
            self._writing.write(lambda: ledger.release(self._account_id, self.id))

    def charge_late(self, amount: Decimal, **about: Any) -> None:
        """Charge work whose hold has ended meanwhile, like any other operation, once."""
        charge = ledger.Charge(amount=amount, key=f"hold:{self.id}", operation_type=self.operation_type, **about)
        with self._writing.looking_at_refusals(self._account_id):
            spent = self._writing.write(lambda: ledger.spend(self._account_id, charge))
        self._writing.look(self._account_id, watched=spent.watched)


class Lease:
    """A block of credits that this process spends by counting, settled at its end in one charge. Threads may share it.

    Nothing else may spend it meanwhile. It lasts as long as it is spent from; a crash leaves at most the block set
    aside until its time is over, and what was counted uncharged.
    """

    def __init__(self, held: HeldCredits) -> None:
        self._held, self._turn = held, threading.Lock()
        self.left, self.spent, self.operations = held.remaining, Decimal(0), 0

    def spend(self, amount: Decimal | int | str) -> None:
        """Count *amount* off.

        Raises ledger.InsufficientCredits where the block does not hold it, and ledger.HoldClosed where nothing was
        spent for so long that its time was over; then nothing was counted.
        """
        wanted = Decimal(amount)
        ledger.check_amount(wanted)
        with self._turn:
            if wanted > self.left:
                raise ledger.InsufficientCredits(
                    required=wanted, balance=self.left, reserved=Decimal(0), debt=Decimal(0)
                )
            if self._held.is_half_over:
                self._held.extend()
            self.left -= wanted
            self.spent += wanted
            self.operations += 1

    def settle(self) -> None:
        """Charge what was spent, in one charge; what is left goes back with the hold."""
        with self._turn:
            if not self.spent:
                return
            each = (self.spent / self.operations).quantize(MILLIONTH)
            try:
                self._held.capture(self.spent, units=self.operations, unit_cost=each)
            except ledger.HoldClosed:
                self._held.charge_late(self.spent, units=self.operations, unit_cost=each)
