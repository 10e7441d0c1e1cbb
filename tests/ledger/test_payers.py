"""Which lot pays: priority, soonest expiry, bonus before purchased, oldest; and every charge knows it."""

from datetime import timedelta
from decimal import Decimal

import pytest

from creditapp import clock, ledger
from tests.ledger import door

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


def paid_by(spent: ledger.Spent, account: int) -> list[tuple[str, Decimal]]:
    """Description of each lot that paid, and how much."""
    charge = ledger.entry(account, spent.transaction_id)
    return [
        (ledger.entry(account, lot.credit_transaction_id).description or "", amount)
        for lot, amount in ledger.payers(charge)
    ]


def test_lots_burn_by_priority_then_expiry_then_bonus_before_purchased_then_age(app: object) -> None:
    terms: list[tuple[str, str, int, int | None]] = [
        ("8 later bonus", "bonus", 1, None),
        ("6 old purchase", "purchase", 0, None),
        ("7 new purchase", "purchase", 0, None),
        ("4 bonus", "bonus", 0, None),
        ("5 adjustment", "adjustment", 0, None),
        ("2 soon, bonus", "bonus", 0, 10),
        ("3 soon, purchase", "purchase", 0, 10),
        ("1 first by priority", "purchase", -1, 20),
    ]
    account = door.open_account()
    with clock.at(door.NOON):
        for description, kind, priority, days in terms:
            expires_at = door.NOON + days * DAY if days else None
            door.grant(
                account, 1, transaction_type=kind, description=description, priority=priority, expires_at=expires_at
            )

        lots = [ledger.entry(account, lot.credit_transaction_id).description for lot in ledger.lots_left(account)]
        assert lots == sorted(description for description, *_ in terms)
        charges = [door.spend(account, 1) for _ in terms]

    assert [paid_by(charge, account) for charge in charges] == [[(name, Decimal(1))] for name in lots]
    door.settle(account)
    assert [paid_by(charge, account) for charge in charges] == [[(name, Decimal(1))] for name in lots]


def test_a_charge_is_paid_by_several_lots_and_says_so_before_and_after_settling(app: object) -> None:
    account = door.open_account()
    door.grant(account, 3, transaction_type="bonus", description="bonus")
    door.grant(account, 10, description="first purchase")
    door.grant(account, 10, description="second purchase")

    first, second, third = door.spend(account, 2), door.spend(account, "4.5"), door.spend(account, 10)

    for _ in range(2):
        assert paid_by(first, account) == [("bonus", Decimal(2))]
        assert paid_by(second, account) == [("bonus", Decimal(1)), ("first purchase", Decimal("3.5"))]
        assert paid_by(third, account) == [("first purchase", Decimal("6.5")), ("second purchase", Decimal("3.5"))]
        door.settle(account)
    assert door.differences() == []


def test_a_charge_half_settled_is_still_told_whole(app: object) -> None:
    account = door.open_account()
    door.grant(account, 3, description="old")
    first = door.spend(account, 2)
    door.settle(account)
    door.grant(account, 3, description="new")
    second = door.spend(account, 3)

    assert paid_by(first, account) == [("old", Decimal(2))]
    assert paid_by(second, account) == [("old", Decimal(1)), ("new", Decimal(2))]


def test_a_lot_that_came_later_never_pays_for_what_was_consumed_before(app: object) -> None:
    account = door.open_account()
    door.grant(account, 10, description="purchase")
    before = door.spend(account, 5)
    door.grant(account, 10, transaction_type="bonus", description="bonus", priority=-5)
    after = door.spend(account, 5)

    assert paid_by(before, account) == [("purchase", Decimal(5))]
    assert paid_by(after, account) == [("bonus", Decimal(5))]


def test_charges_on_both_sides_of_an_expiry_are_paid_by_what_lived_at_the_time(app: object) -> None:
    account = door.open_account()
    with clock.at(door.NOON):
        door.grant(account, 10, transaction_type="bonus", description="bonus", expires_at=door.NOON + DAY)
        door.grant(account, 10, description="purchase")
        before = door.spend(account, 4)
    with clock.at(door.NOON + DAY):
        after = door.spend(account, 4)

    assert paid_by(before, account) == [("bonus", Decimal(4))]
    assert paid_by(after, account) == [("purchase", Decimal(4))]


def test_only_charges_have_payers(app: object) -> None:
    account = door.open_account()
    granted = door.grant(account, 10)
    adjusted = door.adjust(account, -3)

    assert ledger.payers(granted) == ledger.payers(adjusted) == []
