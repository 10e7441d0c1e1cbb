"""The order of burning as a pure rule, and what happens when the books could not be true."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditapp.ledger.burn import burn_order, draw

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Lot:
    id: int
    remaining: Decimal = Decimal(1)
    source: str = "purchased"
    priority: int = 0
    expires_at: datetime | None = None
    created_at: datetime = NOON


lots = st.lists(
    st.builds(
        Lot,
        id=st.integers(1, 1_000),
        remaining=st.integers(0, 5).map(Decimal),
        source=st.sampled_from(["purchased", "bonus", "adjustment"]),
        priority=st.integers(-1, 1),
        expires_at=st.none() | st.integers(1, 3).map(lambda days: NOON + timedelta(days=days)),
        created_at=st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
    ),
    max_size=6,
    unique_by=lambda lot: lot.id,
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Lot(9, priority=-1), Lot(1, priority=0, expires_at=NOON)),
        (Lot(9, expires_at=NOON), Lot(1, expires_at=NOON + timedelta(microseconds=1))),
        (Lot(9, expires_at=NOON), Lot(1, source="bonus")),
        (Lot(9, source="bonus"), Lot(1, source="adjustment")),
        (Lot(9, source="adjustment"), Lot(1, source="purchased")),
        (Lot(9), Lot(1, created_at=NOON + timedelta(microseconds=1))),
        (Lot(1), Lot(9)),
    ],
    ids=["priority", "soonest expiry", "expiry before none", "bonus", "adjustment", "oldest", "id"],
)
def test_what_burns_first(first: Lot, second: Lot) -> None:
    assert burn_order([second, first]) == [first, second]


@given(lots, st.data())
def test_what_is_drawn_is_exactly_the_amount_and_leaves_no_lot_half_used_but_the_last(
    found: list[Lot], data: st.DataObject
) -> None:
    held = sum(int(lot.remaining) for lot in found)
    amount = Decimal(data.draw(st.integers(0, held)))

    drawn = list(draw(found, amount))

    assert sum(taken for _, taken in drawn) == amount
    assert all(0 < taken <= lot.remaining for lot, taken in drawn)
    assert all(taken == lot.remaining for lot, taken in drawn[:-1])
    assert [lot for lot, _ in drawn] == [lot for lot in burn_order(found) if lot.remaining][: len(drawn)]


def test_lots_that_hold_less_than_is_drawn_are_an_alarm_and_not_a_guess() -> None:
    with pytest.raises(ValueError, match="2 credits more are to be drawn than the lots hold"):
        list(draw([Lot(1), Lot(2)], Decimal(4)))


def test_charges_that_the_lots_can_not_have_paid_stop_the_settling() -> None:
    with pytest.raises(ValueError, match="more are to be drawn"):
        list(draw([], Decimal("0.000001")))
