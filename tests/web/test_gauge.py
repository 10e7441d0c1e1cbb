"""The bar of the balance: lengths that are true, and never leave their frame."""

from decimal import Decimal

import pytest

from creditapp.web.gauge import Gauge, gauge


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
