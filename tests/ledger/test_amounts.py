"""Which amounts may move at all: checked before anything is locked, by every verb."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from creditapp import ledger
from creditapp.ledger import InvalidAmount
from tests.ledger import door

pytestmark = pytest.mark.both_databases

NEVER = {
    "nothing": "0",
    "less than nothing": "-1",
    "almost nothing": "-0.000001",
    "not a number": "NaN",
    "a number that signals": "sNaN",
    "infinity": "Infinity",
    "minus infinity": "-Infinity",
    "seven decimals": "0.0000001",
    "seven decimals on a large number": "999999999.9999999",
    "forty decimals": "1." + "0" * 39 + "1",
    "more than a thousand million": "1000000000.000001",
}
ADJUSTABLE = {"less than nothing", "almost nothing"}
NEVER_ADJUSTS = {name: amount for name, amount in NEVER.items() if name not in ADJUSTABLE}


@pytest.mark.parametrize("amount", NEVER.values(), ids=NEVER.keys())
@pytest.mark.parametrize("verb", [door.grant, door.spend], ids=["grant", "spend"])
def test_an_amount_that_can_not_move_is_refused_and_nothing_is_written(
    app: object, verb: Callable[[int, str], object], amount: str
) -> None:
    account = door.open_account(holding=10)

    with door.nothing_written(), pytest.raises(InvalidAmount) as refused:
        verb(account, amount)

    assert door.refusal(refused.value) == ("invalid_amount", 422)


@pytest.mark.parametrize("amount", NEVER_ADJUSTS.values(), ids=NEVER_ADJUSTS.keys())
@pytest.mark.parametrize("sign", [1, -1], ids=["up", "down"])
def test_a_correction_by_an_amount_that_can_not_move_is_refused(app: object, amount: str, sign: int) -> None:
    account = door.open_account(holding=10)
    signed = Decimal(amount) if sign > 0 else Decimal(amount).copy_negate()

    with door.nothing_written(), pytest.raises(InvalidAmount):
        door.adjust(account, signed)


@pytest.mark.parametrize("amount", ["0.000001", "1000000000", "999999999.999999", "1.0000000000", "1E+9"])
def test_the_smallest_and_the_largest_amounts_move_exactly(app: object, amount: str) -> None:
    account = door.open_account()

    door.grant(account, amount)
    assert door.available(account) == Decimal(amount)

    door.spend(account, amount)
    assert door.available(account) == 0
    assert door.differences() == []


def test_a_tenth_three_times_is_three_tenths(app: object) -> None:
    account = door.open_account(holding="0.3")

    for expected in ("0.2", "0.1", "0"):
        assert door.spend(account, "0.1").balance_after == Decimal(expected)

    balance = ledger.balance(account)
    assert (balance.available, balance.total_consumed) == (0, Decimal("0.3"))
    assert isinstance(balance.available, Decimal)


def test_twenty_times_a_millionth_is_exact(app: object) -> None:
    account = door.open_account()
    for _ in range(20):
        door.grant(account, "0.000001")

    assert door.available(account) == Decimal("0.00002")
    assert [amount for _, amount in door.left(account)] == [Decimal("0.000001")] * 20
