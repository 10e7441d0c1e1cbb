"""A month ties out to the millionth, whatever happened in it, wherever its days begin."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from random import Random
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from creditapp import clock, ledger
from creditapp.errors import CreditAppError
from creditapp.ledger import Filters, Moved, tally
from creditapp.usage import INSTANT, Month, months
from tests.entries import every_entry
from tests.ledger import door

pytestmark = pytest.mark.both_databases

FIRST, LAST = Month(2026, 1), Month(2026, 12)
BEGINS = datetime(2025, 12, 20, tzinfo=UTC)
# Summer time by an hour and by half an hour, at midnight, and offsets of a half and of three quarters of an hour.
ZONES = [
    ZoneInfo(name)
    for name in ("America/St_Johns", "Asia/Kathmandu", "America/Santiago", "Australia/Lord_Howe", "Europe/Berlin")
]
STEPS = 220


class Life:
    """Twelve months of an account, made up: every verb, at any time, and often just around a midnight of a month."""

    def __init__(self, seed: int) -> None:
        self.chance, self.purchases, self.charges = Random(seed), [0], [0]
        with clock.at(BEGINS):
            self.account = door.open_account()
            self.purchases = [door.grant(self.account, 500).id]
        verbs: list[Callable[[], object]] = [
            *[self.spends] * 8,
            self.buys,
            self.is_given,
            self.is_refunded,
            self.refund_fails,
            self.is_reversed,
            self.is_corrected,
            self.is_forgiven,
        ]
        for moment in self.moments():
            with clock.at(moment):
                try:
                    self.chance.choice(verbs)()
                except CreditAppError:
                    door.expire(self.account)  # refused: that, too, moves what had fallen due

    def moments(self) -> list[datetime]:
        edges = [month.begins(zone) for month in months(FIRST, LAST.next) for zone in ZONES]
        near = [edge + self.chance.choice((-INSTANT, timedelta(0), INSTANT)) for edge in self.chance.sample(edges, 30)]
        length = (LAST.next.begins(ZONES[0]) - BEGINS).total_seconds()
        anywhere = [BEGINS + timedelta(seconds=self.chance.uniform(1, length)) for _ in range(STEPS)]
        return sorted(near + anywhere)

    def amount(self, most: int) -> Decimal:
        return Decimal(self.chance.randint(1, most * 10**6)) / 10**6

    def spends(self) -> None:
        self.charges.append(door.spend(self.account, self.amount(80)).transaction_id)

    def buys(self) -> None:
        self.purchases.append(door.grant(self.account, self.amount(400)).id)

    def is_given(self) -> None:
        until = clock.now() + timedelta(days=self.chance.randint(1, 40))
        door.grant(self.account, self.amount(60), transaction_type="bonus", expires_at=until)

    def is_refunded(self) -> None:
        door.claw_back(self.account, self.amount(200), self.chance.choice(self.purchases[-2:]))

    def refund_fails(self) -> None:
        door.give_back(self.account, self.amount(50), self.chance.choice(self.purchases))

    def is_reversed(self) -> None:
        door.reverse(self.account, self.chance.choice(self.charges))

    def is_corrected(self) -> None:
        door.adjust(self.account, self.amount(20) * self.chance.choice((1, -1)))

    def is_forgiven(self) -> None:
        door.write_off(self.account, self.amount(5))


def by_hand(account: int, zone: ZoneInfo) -> dict[Month, dict[str, Moved]]:
    """The same, row by row."""
    found: dict[Month, dict[str, Moved]] = defaultdict(dict)
    for row in every_entry(account):
        there = found[Month.of(row.processed_at, zone)]
        so_far = there.get(row.transaction_type, Moved())
        there[row.transaction_type] = Moved(
            so_far.count + 1, so_far.credits + row.amount, so_far.debt + row.debt_change
        )
    return found


def test_every_month_ties_out_and_begins_where_the_one_before_ended(app: Flask) -> None:
    told = set()
    for account, zone in product([Life(seed).account for seed in (1, 2, 3)], ZONES):
        rows = by_hand(account, zone)
        told |= {kind for month in rows.values() for kind in month}
        closing = tally(account, BEGINS - timedelta(days=99), FIRST.begins(zone))
        for month in months(FIRST, LAST):
            found = tally(account, month.begins(zone), month.next.begins(zone))

            assert found.ties_out
            assert found.moved == rows[month]
            assert (found.opening, found.opening_debt, found.first) == (
                closing.closing,
                closing.closing_debt,
                closing.last + 1,
            )
            of_the_month = Filters(since=month.begins(zone), until=month.next.begins(zone))
            assert [row.number for row in every_entry(account, of_the_month)] == [*range(found.last, closing.last, -1)]
            closing = found
    assert told == set(ledger.TRANSACTION_TYPES)


def test_a_month_in_which_nothing_moved_opens_and_closes_with_the_same(app: Flask) -> None:
    account = door.open_account(holding=70)

    found = tally(account, door.NOON, door.NOON + timedelta(days=30))

    assert (found.opening, found.closing, found.count, found.moved) == (70, 70, 0, {})
    assert found.ties_out


def test_an_account_without_movements_has_nothing_to_tell(app: Flask) -> None:
    found = tally(door.open_account(), BEGINS, door.NOON)

    assert (found.first, found.last, found.opening, found.closing, found.moved) == (1, 0, 0, 0, {})
    assert found.ties_out


def test_a_line_that_is_missing_is_noticed(app: Flask) -> None:
    account = door.open_account(holding=70)
    whole = tally(account, BEGINS - timedelta(days=999), door.NOON)
    assert whole.ties_out

    assert not ledger.Tally(1, 1, whole.opening, whole.closing, Decimal(0), Decimal(0), {}).ties_out
    assert not ledger.Tally(1, 2, whole.opening, whole.closing, Decimal(0), Decimal(0), whole.moved).ties_out
    assert not ledger.Tally(1, 1, whole.opening, whole.closing, Decimal(0), Decimal(1), whole.moved).ties_out


def test_where_an_account_stood_is_found_to_the_microsecond(app: Flask) -> None:
    account = door.open_account()
    for minutes, amount in enumerate((10, 20, 30)):
        with clock.at(door.NOON + timedelta(minutes=minutes)):
            door.grant(account, amount)

    stood = ledger.stood_before(
        account, [door.NOON, door.NOON + INSTANT, door.NOON + timedelta(minutes=2), door.NOON + timedelta(hours=1)]
    )

    assert [(one.number, one.balance) for one in stood] == [(0, 0), (1, 10), (2, 30), (3, 60)]
