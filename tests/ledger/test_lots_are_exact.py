"""Lots settled lazily are, after every step of any story, what allotting every charge at once would have made them."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from creditapp import clock, ledger
from creditapp.db import MILLIONTH, db
from creditapp.ledger import IdempotencyMismatch, InsufficientCredits
from tests.ledger import door
from tests.ledger.eager import EagerLedger, Insufficient, Mismatch

pytestmark = pytest.mark.both_databases

STORIES, ALL_STORIES, STEPS = 40, 1_000, 30
INSTANT, HOUR, DAY = timedelta(microseconds=1), timedelta(hours=1), timedelta(days=1)

whole = st.integers(1, 30).map(Decimal)
broken = st.integers(1, 30_000_000).map(lambda millionths: Decimal(millionths) / 1_000_000)
amounts = whole | broken
kinds = st.sampled_from(["purchase", "bonus", "adjustment"])
lifetimes = st.sampled_from([None, None, 0 * DAY, HOUR, DAY, 3 * DAY, 30 * DAY, 30 * DAY + INSTANT, 90 * DAY])
pauses = st.sampled_from([INSTANT, timedelta(seconds=1), HOUR, DAY, 3 * DAY, 30 * DAY])
keys = st.sampled_from(["a", "b", "c", "d"])

Answer = TypeVar("Answer")


class Story(RuleBasedStateMachine):
    """One account, told to the real ledger and to the eager one."""

    stories: ClassVar[int] = 0
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.now = door.NOON
        self.eager = EagerLedger()
        self.numbers = 0
        self.requests: list[tuple[Callable[[], object], Callable[[], object]]] = []
        with clock.at(self.now):
            self.account = door.open_account()

    @initialize(amount=st.integers(50, 200), lifetime=lifetimes)
    def a_package_was_bought(self, amount: int, lifetime: timedelta | None) -> None:
        self.credits_come_in("purchase", Decimal(amount), 0, lifetime, None)

    @rule(kind=kinds, amount=amounts, priority=st.integers(-1, 1), lifetime=lifetimes, key=st.none() | keys)
    def credits_come_in(
        self, kind: str, amount: Decimal, priority: int, lifetime: timedelta | None, key: str | None
    ) -> None:
        key = key or self.new_key()
        expires_at = None if lifetime is None else self.now + lifetime
        self.ask(
            lambda: (
                door.grant(
                    self.account, amount, transaction_type=kind, key=key, priority=priority, expires_at=expires_at
                ).number
            ),
            lambda: self.eager.grant(self.now, key, kind, amount, priority, expires_at),
        )

    @rule(amount=amounts, key=st.none() | keys)
    def credits_are_spent(self, amount: Decimal, key: str | None) -> None:
        key = key or self.new_key()
        self.ask(lambda: self.spent(amount, key), lambda: self.eager.spend(self.now, key, amount))

    @precondition(lambda self: self.eager.available(self.now))
    @rule(share=st.sampled_from([1, 2, 3]), beyond=st.sampled_from([Decimal(0), MILLIONTH]))
    def a_share_or_all_or_a_millionth_too_much_is_spent(self, share: int, beyond: Decimal) -> None:
        amount = max((self.eager.available(self.now) / share).quantize(MILLIONTH), MILLIONTH) + beyond
        self.both(lambda: self.spent(amount, None), lambda: self.eager.spend(self.now, None, amount))

    @rule(several=st.lists(amounts, min_size=2, max_size=5))
    def several_charges_follow_each_other(self, several: list[Decimal]) -> None:
        for amount in several:
            self.credits_are_spent(amount, None)

    @rule(amount=amounts, up=st.booleans(), key=st.none() | keys)
    def the_balance_is_corrected(self, amount: Decimal, up: bool, key: str | None) -> None:
        key = key or self.new_key()
        if up:
            self.ask(
                lambda: door.adjust(self.account, amount, key=key).number,
                lambda: self.eager.grant(self.now, key, "adjustment", amount, 0, None),
            )
        else:
            self.ask(
                lambda: door.adjust(self.account, -amount, key=key).number,
                lambda: self.eager.take_back(self.now, key, amount),
            )

    @precondition(lambda self: self.requests)
    @rule(back=st.integers(1, 4), times=st.integers(1, 2))
    def a_request_of_the_past_is_repeated(self, back: int, times: int) -> None:
        for _ in range(times):
            self.both(*self.requests[-min(back, len(self.requests))])

    @rule(pause=pauses)
    def time_passes(self, pause: timedelta) -> None:
        self.now += pause

    @precondition(lambda self: any(lot.expires_at for lot in self.eager.living(self.now)))
    @rule(edge=st.sampled_from([-INSTANT, 0 * DAY]))
    def time_passes_until_a_lot_ends(self, edge: timedelta) -> None:
        ends = [lot.expires_at for lot in self.eager.living(self.now) if lot.expires_at]
        self.now = max(self.now, min(ends) + edge)

    @rule(sweep=st.booleans())
    def the_books_are_kept(self, sweep: bool) -> None:
        if sweep:
            self.both(lambda: door.expire(self.account), lambda: self.eager.sweep(self.now))
        else:
            self.both(lambda: door.settle(self.account), lambda: self.eager.settle(self.now))

    @invariant()
    def both_show_the_same(self) -> None:
        type(self).steps += 1
        with clock.at(self.now):
            self.compare()

    def teardown(self) -> None:
        """Settled to the end, everything still is the same."""
        type(self).stories += 1
        self.the_books_are_kept(sweep=False)
        self.both_show_the_same()
        if self.stories % 50 == 0:
            assert door.differences() == []

    def compare(self) -> None:
        eager, now = self.eager, self.now
        balance = ledger.balance(self.account)
        assert balance.available == balance.balance == eager.available(now)
        assert (balance.expiring, balance.expiring_at) == eager.expiring(now)
        assert balance.total_purchased == eager.total("purchase")
        assert balance.total_consumed == -eager.total("consumption")
        assert (balance.reserved, balance.debt) == (0, 0)

        rows = list(reversed(ledger.entries(self.account, limit=100 * STEPS)))
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        assert [(row.transaction_type, row.amount, row.balance_after, row.processed_at) for row in rows] == [
            (row.kind, row.amount, row.balance_after, row.at) for row in eager.rows
        ]
        number_of = {row.id: row.number for row in rows}
        assert [(number_of[lot.credit_transaction_id], lot.remaining) for lot in ledger.lots_left(self.account)] == [
            (lot.number, lot.left) for lot in eager.living(now)
        ]
        due = self.account in ledger.due_accounts(1_000_000)
        assert due or not any(lot.left and not lot.lives(now) for lot in eager.lots)
        paid = {
            row.number: [(number_of[lot.credit_transaction_id], amount) for lot, amount in ledger.payers(row)]
            for row in rows
            if row.transaction_type == "consumption"
        }
        assert paid == eager.paid

    def spent(self, amount: Decimal, key: str | None) -> int:
        """The number of the charge, after a look at what it answered."""
        answer = door.spend(self.account, amount, key=key)
        row = ledger.entry(self.account, answer.transaction_id)
        told = (answer.amount, answer.balance_before, answer.balance_after)
        assert told == (-row.amount, row.balance_before, row.balance_after)
        return row.number

    def ask(self, real: Callable[[], Answer], eager: Callable[[], Answer]) -> None:
        """Ask something of both that may be asked again."""
        self.requests.append((real, eager))
        self.both(real, eager)

    def both(self, real: Callable[[], Answer], eager: Callable[[], Answer]) -> None:
        """Do the same to both; they answer the same or refuse for the same reason, and then nothing changed."""
        before = self.eager.copy()
        expected: object
        try:
            expected = eager()
        except (Insufficient, Mismatch) as refused:
            expected, self.eager = refused, before
        with clock.at(self.now):
            match expected:
                case Insufficient():
                    with pytest.raises(InsufficientCredits) as error:
                        real()
                    assert error.value.available == expected.args[0]
                case Mismatch():
                    with pytest.raises(IdempotencyMismatch):
                        real()
                case _:
                    assert real() == expected

    def new_key(self) -> str:
        """A key that was never used."""
        self.numbers += 1
        return f"key {self.numbers}"


def test_lazy_lots_are_equal_to_eager_ones_in_every_story(scratch: Flask, full: bool) -> None:
    Story.stories = Story.steps = 0
    stories = ALL_STORIES if full else STORIES

    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=stories,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )

    assert Story.stories >= stories
    assert door.differences() == []
    if full:  # so many stories leave nothing out
        kinds_seen = {kind for (kind,) in db.session.query(ledger.CreditTransaction.transaction_type).distinct()}
        assert kinds_seen == {"purchase", "bonus", "adjustment", "consumption", "expiration"}
    print(f"{Story.stories} stories of {Story.steps / Story.stories:.1f} steps")
