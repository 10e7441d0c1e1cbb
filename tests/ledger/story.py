"""A story of one account, told to the real ledger and to the eager one: every verb, in any order, at any time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar

import pytest
from flask import current_app
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from creditapp import clock, ledger
from creditapp.db import db
from creditapp.ledger import Policy
from tests.ledger import door
from tests.ledger.drawn import (
    DAY,
    INSTANT,
    amounts,
    beyond,
    chosen,
    hold_times,
    keys,
    kinds,
    lifetimes,
    part,
    pauses,
    places,
    policies,
    shares,
)
from tests.ledger.eager import EagerLedger
from tests.ledger.eager_parts import ZERO, Closed, Insufficient, Mismatch, NoCharge, NothingLeft, Refused, TooMuch
from tests.ledger.narrowed import NarrowedProof

EVERY_ROW = 1_000_000
REFUSALS: dict[type[Refused], type[Exception]] = {
    Insufficient: ledger.InsufficientCredits,
    Mismatch: ledger.IdempotencyMismatch,
    TooMuch: ledger.InvalidAmount,
    NothingLeft: ledger.AlreadyReversed,
    NoCharge: ledger.NotAConsumption,
    Closed: ledger.HoldClosed,
}

Answer = TypeVar("Answer")


class Story(RuleBasedStateMachine):
    """One account of one seller."""

    stories: ClassVar[int] = 0
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.now = door.NOON
        self.eager = EagerLedger()
        self.numbers = 0
        self.holds: list[int] = []
        self.requests: list[tuple[Callable[[], object], Callable[[], object]]] = []
        with clock.at(self.now):
            self.account = door.open_account()
        self.proof = NarrowedProof(self.account)

    @initialize(policy=policies, amount=st.integers(50, 200), lifetime=lifetimes)
    def a_package_was_bought(self, policy: Policy, amount: int, lifetime: timedelta | None) -> None:
        current_app.extensions["ledger_policy"] = policy
        self.eager = EagerLedger(
            other_lots=policy.clawback_other_lots,
            forgive=policy.forgive_shortfall,
            spend_in_debt=policy.spend_in_debt,
            overrun=policy.overrun_into_debt,
            grace=timedelta(days=policy.return_grace_days),
        )
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

    @precondition(lambda self: self.eager.at(self.now).available)
    @rule(share=shares, beyond=beyond)
    def a_share_or_all_or_a_millionth_too_much_is_spent(self, share: int, beyond: Decimal) -> None:
        amount = part(self.eager.at(self.now).available, share) + beyond
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

    @precondition(lambda self: self.purchases(refunded=False))
    @rule(place=places, share=shares, key=st.none() | keys)
    def money_goes_back(self, place: int, share: int, key: str | None) -> None:
        number, left = chosen(self.purchases(refunded=False), place)
        key, amount = key or self.new_key(), part(left, share)
        self.ask(
            lambda: door.claw_back(self.account, amount, self.id_of(number), key=key).number,
            lambda: self.eager.claw_back(self.now, key, number, amount),
        )

    @precondition(lambda self: self.purchases(refunded=True))
    @rule(place=places, share=shares, key=st.none() | keys)
    def a_refund_falls_through(self, place: int, share: int, key: str | None) -> None:
        number, back = chosen(self.purchases(refunded=True), place)
        key, amount = key or self.new_key(), part(back, share)
        self.ask(
            lambda: door.give_back(self.account, amount, self.id_of(number), key=key).number,
            lambda: self.eager.give_back(self.now, key, number, amount),
        )

    @precondition(lambda self: self.eager.paid)
    @rule(place=places, share=st.none() | shares, beyond=beyond, key=st.none() | keys)
    def an_operation_is_given_back(self, place: int, share: int | None, beyond: Decimal, key: str | None) -> None:
        number = chosen(list(self.eager.paid), place)
        charge = self.eager.rows[number - 1]
        amount = None if share is None else part(-charge.amount - charge.gone_back, share) + beyond
        self.ask(
            lambda: door.reverse(self.account, self.id_of(number), amount, key=key).number,
            lambda: self.eager.reverse(self.now, key, number, amount),
        )

    @rule(place=places)
    def any_row_at_all_is_given_back(self, place: int) -> None:
        number = 1 + place % len(self.eager.rows)
        self.both(
            lambda: door.reverse(self.account, self.id_of(number)).number,
            lambda: self.eager.reverse(self.now, None, number, None),
        )

    @precondition(lambda self: self.eager.debt)
    @rule(share=shares, beyond=beyond, key=st.none() | keys)
    def debt_is_forgiven(self, share: int, beyond: Decimal, key: str | None) -> None:
        key, amount = key or self.new_key(), part(self.eager.debt, share) + beyond
        self.ask(
            lambda: door.write_off(self.account, amount, key=key).number,
            lambda: self.eager.write_off(self.now, key, amount),
        )

    @rule(amount=amounts, lasts=hold_times)
    def credits_are_set_aside(self, amount: Decimal, lasts: timedelta) -> None:
        self.ask(lambda: self.held(amount, lasts), lambda: self.eager.hold(self.now, amount, lasts))

    @precondition(lambda self: self.holds)
    @rule(place=places, share=st.none() | shares, more=st.none() | amounts, final=st.booleans(), key=st.none() | keys)
    def a_hold_is_captured(
        self, place: int, share: int | None, more: Decimal | None, final: bool, key: str | None
    ) -> None:
        place, key = place % len(self.holds), key or self.new_key()
        amount = None if share is None else part(self.eager.holds[place].left, share) + (more or ZERO)
        self.ask(
            lambda: door.capture(self.account, self.holds[place], amount, final=final, key=key).transaction.number,
            lambda: self.eager.capture(self.now, key, place, amount, final),
        )

    @precondition(lambda self: self.holds)
    @rule(place=places)
    def a_hold_is_released(self, place: int) -> None:
        place %= len(self.holds)
        self.ask(
            lambda: door.release(self.account, self.holds[place]).state, lambda: self.eager.release(self.now, place)
        )

    @precondition(lambda self: self.holds)
    @rule(place=places, lasts=hold_times)
    def a_hold_is_extended(self, place: int, lasts: timedelta) -> None:
        place %= len(self.holds)
        self.ask(
            lambda: door.extend(self.account, self.holds[place], lasts).expires_at,
            lambda: self.eager.extend(self.now, place, lasts),
        )

    @precondition(lambda self: self.requests)
    @rule(back=st.integers(1, 4), times=st.integers(1, 2))
    def a_request_of_the_past_is_repeated(self, back: int, times: int) -> None:
        for _ in range(times):
            self.both(*self.requests[-min(back, len(self.requests))])

    @rule(pause=pauses)
    def time_passes(self, pause: timedelta) -> None:
        self.let_it_be(self.now + pause)

    @precondition(lambda self: self.eager.at(self.now).next_due())
    @rule(edge=st.sampled_from([-INSTANT, 0 * DAY]))
    def time_passes_until_a_lot_or_a_hold_ends(self, edge: timedelta) -> None:
        due = self.eager.at(self.now).next_due()
        assert due is not None
        self.let_it_be(max(self.now, due + edge))

    @rule(sweep=st.booleans())
    def the_books_are_kept(self, sweep: bool) -> None:
        def kept() -> None:
            # How much was booked only now is not asked: a charge that found enough leaves an ended hold to it.
            (door.expire if sweep else door.settle)(self.account)

        def caught_up() -> None:
            self.eager.catch_up(self.now)

        self.both(kept, caught_up)

    @invariant()
    def both_show_the_same(self) -> None:
        type(self).steps += 1
        with clock.at(self.now):
            self.compare()
        assert self.proof.differences() == []

    def teardown(self) -> None:
        """Settled to the end, everything still is the same."""
        type(self).stories += 1
        try:
            self.the_books_are_kept(sweep=False)
            self.both_show_the_same()
        finally:
            self.proof.close()

    def compare(self) -> None:
        rows = list(reversed(ledger.entries(self.account, limit=EVERY_ROW)))
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        told = [(r.transaction_type, r.amount, r.debt_change, r.balance_after, r.processed_at, r.status) for r in rows]
        assert told == [
            (row.kind, row.amount, row.debt_change, row.balance_after, row.at, self.eager.status(row))
            for row in self.eager.rows
        ]
        number_of = {row.id: row.number for row in rows}
        paid = {
            row.number: [(number_of[lot.credit_transaction_id], amount) for lot, amount in ledger.payers(row)]
            for row in rows
            if row.transaction_type == "consumption"
        }
        assert paid == self.eager.paid
        self.compare_totals()
        states = [ledger.state_of(ledger.hold_of(self.account, hold)) for hold in self.holds]
        assert states == [held.state for held in self.eager.at(self.now).holds]
        self.compare_what_is_left(number_of)

    def compare_totals(self) -> None:
        totals, total = ledger.totals(self.account), self.eager.total
        assert (totals.purchased, totals.bonus, totals.consumed) == (
            total("purchase"),
            total("bonus"),
            -total("consumption"),
        )
        assert (totals.reversed, totals.refunded, totals.expired) == (
            total("reversal"),
            -total("refund"),
            -total("expiration"),
        )
        assert (totals.adjusted, totals.count) == (total("adjustment"), len(self.eager.rows))

    def compare_what_is_left(self, number_of: dict[int, int]) -> None:
        """Read before it is booked."""
        seen = self.eager.at(self.now)
        balance = ledger.balance(self.account)
        assert (balance.balance, balance.reserved, balance.available) == (seen.balance, seen.reserved, seen.available)
        assert (balance.debt, (balance.expiring, balance.expiring_at)) == (seen.debt, seen.expiring(self.now))
        assert balance.total_purchased == seen.total("purchase") + seen.total("refund")
        assert balance.total_consumed == -seen.total("consumption") - seen.total("reversal")
        left = ledger.lots_left(self.account)
        told = [(number_of[lot.credit_transaction_id], lot.remaining, lot.expires_at) for lot in left]
        assert told == seen.left()

    def spent(self, amount: Decimal, key: str | None) -> int:
        """The number of the charge, after a look at what it answered."""
        answer = door.spend(self.account, amount, key=key)
        row = ledger.entry(self.account, answer.transaction_id)
        told = (answer.amount, answer.balance_before, answer.balance_after)
        assert told == (-row.amount, row.balance_before, row.balance_after)
        return row.number

    def held(self, amount: Decimal, lasts: timedelta) -> int:
        """The place of a new hold."""
        drawn = door.hold(self.account, amount, expires_in=lasts).id
        self.holds.append(drawn)
        self.eager.holds[-1].rank = drawn
        return len(self.holds) - 1

    def ask(self, real: Callable[[], Answer], eager: Callable[[], Answer]) -> None:
        """Ask something of both that may be asked again."""
        self.requests.append((real, eager))
        self.both(real, eager)

    def both(self, real: Callable[[], Answer], eager: Callable[[], Answer]) -> None:
        """Do the same to both; they answer the same or refuse for the same reason, and then nothing changed."""
        before, refused = self.eager.copy(), None
        try:
            expected = eager()
        except Refused as refusal:
            self.eager, refused = before, refusal
        with clock.at(self.now):
            if refused is None:
                assert real() == expected
                return
            with pytest.raises(REFUSALS[type(refused)]) as error:
                real()
        if isinstance(error.value, ledger.InsufficientCredits):
            assert error.value.available == refused.args[0]

    def let_it_be(self, moment: datetime) -> None:
        """Time goes on. Where charges go on in debt, the clock has booked the end of holds before the next charge."""
        self.now = moment
        due = self.eager.next_due()
        if self.eager.spend_in_debt and self.eager.reserved and due and due <= self.now:
            self.the_books_are_kept(sweep=True)

    def purchases(self, *, refunded: bool) -> list[tuple[int, Decimal]]:
        """Purchases and how much of each was taken back, or can be."""
        rows = [(number, row) for number, row in enumerate(self.eager.rows, 1) if row.kind == "purchase"]
        found = [(number, row.gone_back if refunded else row.amount - row.gone_back) for number, row in rows]
        return [(number, amount) for number, amount in found if amount]

    def id_of(self, number: int) -> int:
        """The id of the real row of that number."""
        row = ledger.CreditTransaction
        found = db.session.scalar(select(row.id).where(row.account_id == self.account, row.number == number))
        db.session.rollback()
        assert found is not None
        return found

    def new_key(self) -> str:
        """A key that was never used."""
        self.numbers += 1
        return f"key {self.numbers}"
