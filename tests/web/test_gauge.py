"""The bar of the balance and the bars of usage: lengths that are true, and never leave their frame."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from creditapp.usage import Day
from creditapp.web.chart import BASE, COLOURS, TOP, nice_step, shares, stacked
from creditapp.web.gauge import Gauge, gauge

FIRST = date(2026, 11, 11)


def bar(available: int, *, expiring: int = 0, reserved: int = 0, threshold: int = 500, highest: int = 0) -> Gauge:
    return gauge(
        available=Decimal(available),
        expiring=Decimal(expiring),
        reserved=Decimal(reserved),
        threshold=Decimal(threshold),
        highest=Decimal(highest),
    )


def number(percent: str) -> Decimal:
    assert percent.endswith("%")
    return Decimal(percent[:-1])


def days(*used: dict[str, int]) -> list[Day]:
    return [
        Day(FIRST + timedelta(days=ago), {operation: Decimal(credits) for operation, credits in day.items()})
        for ago, day in enumerate(used)
    ]


def test_the_pieces_stand_in_order_and_end_where_the_balance_does() -> None:
    free, soon, held = bar(600, expiring=200, reserved=200, highest=1_000).segments

    assert [free.kind, soon.kind, held.kind] == ["free", "expiring", "held"]
    assert (free.x, soon.x, held.x) == ("0.00%", "40.00%", "60.00%")
    assert number(held.x) + number(held.width) == Decimal("79.70")  # a gap of 0.3 follows each piece


def test_nothing_has_no_piece() -> None:
    assert bar(0).segments == ()


def test_a_single_credit_of_a_million_can_be_seen() -> None:
    (piece,) = bar(1, highest=1_000_000).segments

    assert number(piece.width) >= Decimal("0.5")


def test_more_expiring_than_available_is_held_credits_and_drawn_once() -> None:
    pieces = bar(100, expiring=300, reserved=200, highest=300).segments

    assert [piece.kind for piece in pieces] == ["expiring", "held"]


@pytest.mark.parametrize("available", [0, 1, 499, 500, 501, 999, 1_000, 5_000, 1_000_000])
def test_the_threshold_is_never_at_the_end_of_the_bar(available: int) -> None:
    shown = bar(available, highest=available)

    assert 0 < number(shown.tick) <= 50
    assert all(number(piece.x) + number(piece.width) <= Decimal("100.5") for piece in shown.segments)


def test_the_highest_balance_is_named_only_where_the_bar_ends_with_it() -> None:
    assert bar(100, highest=2_000).highest == 2_000
    assert bar(100, highest=200).highest is None


def test_the_tables_rows_and_the_bars_add_up_to_the_same() -> None:
    used = days({"a": 5, "b": 3}, {}, {"b": 7, "c": 1})

    drawn = stacked(used)

    assert drawn.total == 16
    assert sum(row.total for row in drawn.series) == 16
    assert sum(bar.total for bar in drawn.bars) == 16
    assert [(row.operation, row.total) for row in drawn.series] == [("b", 10), ("a", 5), ("c", 1)]


def test_a_bar_is_as_high_as_its_credits_and_ends_under_the_last_line() -> None:
    drawn = stacked(days({"a": 100}, {"a": 50, "b": 50}, {"b": 25}))

    assert [line.amount for line in drawn.grid] == [25, 50, 75, 100]
    whole, halves, quarter = (bar.pieces for bar in drawn.bars)
    assert whole[0].y == f"{TOP:.1f}"
    assert [piece.y for piece in halves] == ["130.0", f"{TOP:.1f}"]
    assert quarter[0].y == f"{BASE - 60:.1f}"


def test_the_colour_of_a_row_is_the_colour_of_its_pieces() -> None:
    drawn = stacked(days({"small": 1, "large": 9}))

    assert [(row.operation, row.colour) for row in drawn.series] == [("large", 1), ("small", 2)]
    assert [piece.colour for piece in drawn.bars[0].pieces] == [1, 2]


def test_more_operations_than_colours_share_the_last_one_and_still_add_up() -> None:
    drawn = stacked(days({f"operation-{number}": 100 - number for number in range(10)}))

    assert len(drawn.series) == COLOURS
    assert drawn.series[-1].merged == 5
    assert sum(row.total for row in drawn.series) == drawn.total == sum(100 - number for number in range(10))
    assert len(drawn.bars[0].pieces) == COLOURS


def test_shares_are_whole_and_add_up_to_a_hundred() -> None:
    assert shares([Decimal(1), Decimal(1), Decimal(1)]) == [34, 33, 33]
    assert sum(shares([Decimal(n) for n in (7, 11, 13, 17, 19)])) == 100
    assert shares([Decimal(0)]) == [0]


@pytest.mark.parametrize(
    ("highest", "step"),
    [("0", "1"), ("4", "1"), ("4.1", "2"), ("161", "50"), ("1000", "250"), ("1001", "500"), ("0.000004", "0.000001")],
)
def test_lines_stand_at_round_amounts(highest: str, step: str) -> None:
    assert nice_step(Decimal(highest)) == Decimal(step)


def test_days_without_usage_have_a_place_and_no_piece() -> None:
    drawn = stacked(days({}, {}, {}))

    assert drawn.total == 0
    assert drawn.series == ()
    assert [bar.pieces for bar in drawn.bars] == [(), (), ()]


def test_bars_never_leave_the_frame() -> None:
    drawn = stacked(days(*[{"a": 1}] * 14))

    assert all(number(bar.x) > 0 and number(bar.x) + number(bar.width) < 100 for bar in drawn.bars)
    assert [bar.label for bar in drawn.bars][-5:] == ["always", "never", "wide", "never", "always"]
