"""Charging for an operation: by the rate card, or exactly what the caller says."""

from datetime import timedelta
from decimal import Decimal

import pytest

from creditapp import clock, ledger, pricing, usage
from creditapp.db import transaction
from creditapp.errors import InvalidInput

pytestmark = pytest.mark.both_databases


def consume(account: int, operation: str | None, **said: object) -> ledger.UsageRecord:
    """What was written down about a charge."""
    charge = ledger.Charge(amount=Decimal(0), operation_type=operation)
    with transaction():
        spent = usage.consume(account, charge, **said)  # type: ignore[arg-type]
    record = ledger.usage_of(ledger.entry(account, spent.transaction_id))
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("operation", "price"),
    [
        ("basic_api_call", 1),
        ("advanced_api_call", 5),
        ("image_processing", 10),
        ("ai_analysis", 25),
        ("large_file_processing", 50),
        ("data_export", 15),
    ],
)
def test_an_operation_costs_what_the_rate_card_says(account: int, operation: str, price: int) -> None:
    record = consume(account, operation)

    assert (record.operation_type, record.credits_consumed) == (operation, price)
    assert (record.units_consumed, record.cost_per_unit) == (1, price)
    assert ledger.balance(account).available == 100 - price
    assert ledger.entries(account)[0].price_version == pricing.FIRST_CARD.version


def test_three_of_an_operation_cost_three_times_its_price(account: int) -> None:
    record = consume(account, "advanced_api_call", quantity=3)

    assert (record.credits_consumed, record.units_consumed, record.cost_per_unit) == (15, 3, 5)


def test_an_alias_is_charged_and_recorded_as_the_operation_it_stands_for(account: int) -> None:
    assert consume(account, "api_call").operation_type == "basic_api_call"


def test_an_explicit_amount_is_charged_exactly_under_any_label(account: int) -> None:
    record = consume(account, "my own operation", amount=Decimal("0.1"))

    assert (record.operation_type, record.credits_consumed) == ("my own operation", Decimal("0.1"))
    assert ledger.entries(account)[0].price_version is None


def test_an_explicit_amount_needs_no_label(account: int) -> None:
    assert consume(account, None, amount=Decimal(2)).operation_type is None


def test_an_amount_that_does_not_divide_evenly_is_charged_exactly(account: int) -> None:
    record = consume(account, "batch", amount=Decimal(1), quantity=3)

    assert (record.credits_consumed, record.units_consumed) == (1, 3)
    assert record.cost_per_unit == Decimal("0.333333")
    assert ledger.balance(account).available == 99


def test_an_unknown_operation_is_an_error_and_charges_nothing(account: int) -> None:
    for operation in ("teleportation", "", None):
        with pytest.raises(pricing.UnknownOperation):
            consume(account, operation)

    assert ledger.balance(account).available == 100


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_below_one_is_refused(account: int, quantity: int) -> None:
    with pytest.raises(InvalidInput):
        consume(account, "basic_api_call", quantity=quantity)


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity", "1E+40", "0.0000001"])
def test_an_amount_that_can_not_move_is_refused(account: int, amount: str) -> None:
    with pytest.raises(ledger.InvalidAmount):
        consume(account, "label", amount=Decimal(amount))


def test_usage_of_the_last_thirty_days_is_counted_to_the_instant(account: int) -> None:
    now = clock.now()
    for days, amount in ((31, 5), (30, 10), (0, 1)):
        with clock.at(now + timedelta(days=40 - days)):
            consume(account, "label", amount=Decimal(amount))

    with clock.at(now + timedelta(days=40)):
        assert usage.used_since(account, 30) == 11
        assert usage.used_since(account, 1) == 1
    with clock.at(now + timedelta(days=40, microseconds=1)):
        assert usage.used_since(account, 30) == 1


def test_the_days_tell_what_was_used_by_operation(account: int) -> None:
    consume(account, "ai_analysis")
    consume(account, "ai_analysis")
    consume(account, None, amount=Decimal("0.5"))

    (today,) = usage.daily(account, 1, "UTC")

    assert today.by_operation == {"ai_analysis": 50, "other": Decimal("0.5")}
    assert today.total == Decimal("50.5")
