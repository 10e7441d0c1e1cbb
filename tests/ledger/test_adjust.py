"""Corrections: up is credits in, down takes what is available and no more."""

from datetime import timedelta
from decimal import Decimal

import pytest

from creditapp import clock, ledger
from creditapp.errors import NotFound
from creditapp.ledger import IdempotencyMismatch, InsufficientCredits
from tests.ledger import door

pytestmark = pytest.mark.both_databases


def test_a_correction_up_is_credits_in_with_its_reason(app: object) -> None:
    account = door.open_account(holding=10)

    adjusted = door.adjust(account, "2.5", reason="a double charge in March")

    assert (adjusted.transaction_type, adjusted.amount, adjusted.balance_after) == (
        "adjustment",
        Decimal("2.5"),
        Decimal("12.5"),
    )
    assert adjusted.description == "a double charge in March"
    assert door.left(account) == [("adjustment", Decimal("2.5")), ("purchased", Decimal(10))]
    assert door.differences() == []


def test_a_correction_down_takes_from_the_lots_in_burn_order_without_counting_as_usage(app: object) -> None:
    account = door.open_account(holding=10)
    door.grant(account, 5, transaction_type="bonus")
    door.spend(account, 1)

    adjusted = door.adjust(account, -7, reason="granted twice")

    assert (adjusted.amount, adjusted.balance_before, adjusted.balance_after) == (-7, 14, 7)
    assert door.left(account) == [("purchased", Decimal(7))]
    assert ledger.balance(account).total_consumed == 1
    assert ledger.usage_of(adjusted) is None
    assert door.differences() == []


@pytest.mark.parametrize("amount", ["3", "-3"], ids=["up", "down"])
def test_the_same_correction_twice_is_made_once(app: object, amount: str) -> None:
    account = door.open_account(holding=10)
    first = door.adjust(account, amount, key="operator:1")
    door.spend(account, 7)

    with door.nothing_written():
        again = door.adjust(account, amount, key="operator:1")

    assert (again.id, again.balance_after) == (first.id, 10 + Decimal(amount))


@pytest.mark.parametrize("amount", ["2", "-2", "-3.000001"])
def test_a_used_key_refuses_another_correction(app: object, amount: str) -> None:
    account = door.open_account(holding=10)
    door.adjust(account, -3, key="operator:1")

    with door.nothing_written(), pytest.raises(IdempotencyMismatch):
        door.adjust(account, amount, key="operator:1")


def test_a_key_of_a_charge_refuses_a_correction_and_the_other_way_round(app: object) -> None:
    account = door.open_account(holding=10)
    door.spend(account, 3, key="a")
    door.adjust(account, -3, key="b")

    with door.nothing_written(), pytest.raises(IdempotencyMismatch):
        door.adjust(account, -3, key="a")
    with door.nothing_written(), pytest.raises(IdempotencyMismatch):
        door.spend(account, 3, key="b")


def test_a_correction_down_never_takes_what_is_not_there(app: object) -> None:
    account = door.open_account(holding=5)

    with door.nothing_written(), pytest.raises(InsufficientCredits) as refused:
        door.adjust(account, "-5.000001", key="operator:1")

    assert (refused.value.required, refused.value.available) == (Decimal("5.000001"), 5)
    door.grant(account, 1)
    assert door.adjust(account, "-5.000001", key="operator:1").balance_after == Decimal("0.999999")


def test_a_correction_down_can_not_take_credits_that_have_expired(app: object) -> None:
    account = door.open_account(holding=5)
    with clock.at(door.NOON):
        door.grant(account, 100, transaction_type="bonus", expires_at=door.NOON + timedelta(days=1))

    with clock.at(door.NOON + timedelta(days=1)):
        with door.nothing_written(), pytest.raises(InsufficientCredits) as refused:
            door.adjust(account, -6)
        assert refused.value.available == 5
        assert door.adjust(account, -5).balance_after == 0


def test_a_correction_of_an_account_that_does_not_exist_is_refused(app: object) -> None:
    for amount in (1, -1):
        with door.nothing_written(), pytest.raises(NotFound):
            door.adjust(12_345, amount)
