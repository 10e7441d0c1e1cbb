"""What the books say: totals, pages and filters, each for one account alone."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from creditapp import clock, ledger
from creditapp.errors import NotFound
from creditapp.ledger import Filters
from tests.entries import every_entry
from tests.ledger import door

pytestmark = pytest.mark.both_databases

HOUR = timedelta(hours=1)


@pytest.fixture
def account(app: Flask) -> Iterator[int]:
    """Seven rows, an hour apart, the first at noon."""
    with clock.at(door.NOON):
        account = door.open_account()
        door.grant(account, 100, transaction_type="bonus", expires_at=door.NOON + 5 * HOUR, description="Welcome")
    with clock.at(door.NOON + HOUR):
        door.grant(
            account, 1_000, description="Starter 100% package", polar_order_id="order-1", reference_id="checkout-1"
        )
    with clock.at(door.NOON + 2 * HOUR):
        door.spend(account, 25, operation_type="ai_analysis", operation_id="job-1", description="Portrait")
    with clock.at(door.NOON + 3 * HOUR):
        door.spend(account, 15, operation_type="data_export", operation_id="job-2")
    with clock.at(door.NOON + 4 * HOUR):
        door.adjust(account, -10, reason="Counted_again")
    with clock.at(door.NOON + 5 * HOUR):
        door.expire(account)
    with clock.at(door.NOON + 6 * HOUR):
        door.adjust(account, 3, reason="Sorry")
        yield account


def numbers(account: int, **filters: object) -> list[int]:
    return [row.number for row in ledger.entries(account, Filters(**filters))]  # type: ignore[arg-type]


def test_lifetime_totals_add_up_to_the_balance(account: int) -> None:
    totals = ledger.totals(account)

    assert (totals.purchased, totals.bonus, totals.consumed, totals.expired) == (1_000, 100, 40, 50)
    assert (totals.adjusted, totals.refunded, totals.reversed, totals.count) == (-7, 0, 0, 7)
    assert totals.purchased + totals.bonus + totals.adjusted - totals.consumed - totals.expired == 1_003
    assert door.available(account) == 1_003


def test_totals_of_an_account_where_nothing_happened_are_nothing(app: Flask) -> None:
    totals = ledger.totals(door.open_account())

    assert (totals.purchased, totals.bonus, totals.consumed, totals.expired) == (0, 0, 0, 0)
    assert (totals.adjusted, totals.count) == (0, 0)


def test_the_newest_rows_come_first_and_a_page_goes_on_where_the_one_before_ended(account: int) -> None:
    first = ledger.entries(account, limit=3)
    second = ledger.entries(account, before=first[-1].number, limit=3)
    third = ledger.entries(account, before=second[-1].number, limit=3)

    pages = [[row.number for row in page] for page in (first, second, third)]
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]


def test_a_page_stays_what_it_was_while_new_rows_come_in(account: int) -> None:
    door.spend(account, 1)

    assert [row.number for row in ledger.entries(account, before=5, limit=3)] == [4, 3, 2]


def test_the_page_back_shows_what_came_after(account: int) -> None:
    assert [row.number for row in ledger.entries_after(account, after=2, limit=3)] == [5, 4, 3]
    assert [row.number for row in ledger.entries_after(account, after=5, limit=3)] == [7, 6]
    assert [row.number for row in ledger.entries_after(account, after=7, limit=3)] == []


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"transaction_type": "purchase"}, [2]),
        ({"transaction_type": "consumption"}, [4, 3]),
        ({"transaction_type": "adjustment"}, [7, 5]),
        ({"transaction_type": "refund"}, []),
        ({"operation_type": "ai_analysis"}, [3]),
        ({"since": door.NOON + 5 * HOUR}, [7, 6]),
        ({"until": door.NOON + 2 * HOUR}, [2, 1]),
        ({"since": door.NOON + 2 * HOUR, "until": door.NOON + 4 * HOUR}, [4, 3]),
        ({"since": door.NOON + 4 * HOUR, "until": door.NOON + 6 * HOUR}, [6, 5]),
        ({"since": door.NOON, "until": door.NOON + HOUR}, [1]),
        ({"since": door.NOON + 7 * HOUR}, []),
        ({"until": door.NOON}, []),
        ({"transaction_type": "consumption", "operation_type": "data_export"}, [4]),
        ({"text": "portrait"}, [3]),
        ({"text": " WELCOME "}, [1]),
        ({"text": "100%"}, [2]),
        ({"text": "0% p"}, [2]),
        ({"text": "counted_"}, [5]),
        ({"text": "_"}, [5]),
        ({"text": "job-2"}, [4]),
        ({"text": "job"}, []),
        ({"text": "checkout-1"}, [2]),
        ({"text": "order-1"}, [2]),
        ({}, [7, 6, 5, 4, 3, 2, 1]),
    ],
    ids=str,
)
def test_a_filter_shows_exactly_what_was_asked_for(
    account: int, filters: dict[str, object], expected: list[int]
) -> None:
    assert numbers(account, **filters) == expected
    assert [row.number for row in every_entry(account, Filters(**filters))] == expected  # type: ignore[arg-type]


def test_a_row_is_found_by_its_number_and_by_its_id(account: int) -> None:
    row = ledger.entries(account, before=4, limit=1)[0]

    assert row.number in numbers(account, text="3")
    assert row.number in numbers(account, text=f" {row.id} ")
    assert numbers(account, text="9" * 30) == []


def test_pages_of_a_filtered_list_go_on_where_they_ended(account: int) -> None:
    adjustments = Filters(transaction_type="adjustment")

    assert [row.number for row in ledger.entries(account, adjustments, limit=1)] == [7]
    assert [row.number for row in ledger.entries(account, adjustments, before=7, limit=1)] == [5]


def test_nothing_of_an_account_is_seen_by_another(account: int) -> None:
    stranger = door.open_account(holding=5)
    row = ledger.entries(account)[0]

    assert ledger.entry(account, row.id).id == row.id
    with pytest.raises(NotFound):
        ledger.entry(stranger, row.id)
    assert numbers(stranger) == [1]
    assert [row.number for row in ledger.entries_after(stranger, after=1)] == []
    assert ledger.totals(stranger).purchased == 5
    assert ledger.payers(ledger.entries(account, Filters(transaction_type="consumption"))[0])


def test_a_transaction_that_does_not_exist_is_not_found(account: int) -> None:
    with pytest.raises(NotFound):
        ledger.entry(account, 987_654_321)


def test_the_balance_of_an_account_that_does_not_exist_is_not_found(app: Flask) -> None:
    for read in (ledger.balance, ledger.lots_left, lambda account: ledger.highest(account, door.NOON)):
        with pytest.raises(NotFound):
            read(12_345)


def test_a_key_is_known_to_have_moved_credits_on_its_account_alone(app: Flask) -> None:
    account, other = door.open_account(holding=5), door.open_account()
    door.spend(account, 1, key="a")

    assert ledger.uses_key(account, "a")
    assert not ledger.uses_key(account, "b")
    assert not ledger.uses_key(other, "a")


def test_only_a_charge_has_a_usage_record(account: int) -> None:
    records = [ledger.usage_of(row) is not None for row in reversed(ledger.entries(account))]

    assert records == [False, False, True, True, False, False, False]


def test_the_lot_of_a_row_shows_what_is_left_of_it_before_and_after_it_is_settled(account: int) -> None:
    purchase, charge = ledger.entries(account, before=4, limit=2)[::-1]
    door.spend(account, 100)

    for _ in range(2):
        lot = ledger.lot_of(purchase)
        assert lot is not None
        assert (lot.amount, lot.remaining) == (1_000, 903)
        assert ledger.lot_of(charge) is None
        door.settle(account)


def test_the_highest_balance_since_a_moment_knows_what_there_was_and_what_came_in(account: int) -> None:
    assert ledger.highest(account, door.NOON) == 1_100
    assert ledger.highest(account, door.NOON + 3 * HOUR) == 1_075
    assert ledger.highest(account, door.NOON + 6 * HOUR) == 1_003
    assert ledger.highest(account, door.NOON + 7 * HOUR) == Decimal(1_003)
