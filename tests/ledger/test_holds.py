"""Credits set aside for work under way: captured, released or expired, never two of it, never more than were held."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from creditapp import clock, ledger
from creditapp.db import db
from creditapp.errors import InvalidInput, NotFound
from tests.ledger import door
from tests.ledger.door import capture, extend, hold, release

pytestmark = pytest.mark.both_databases

MINUTE = timedelta(minutes=1)
EDGES, EDGES_FULL = 40, 200


def standing(account: int) -> tuple[Decimal, Decimal, Decimal]:
    """Balance, reserved, available."""
    found = ledger.balance(account)
    return found.balance, found.reserved, found.available


@pytest.fixture
def account(app: Flask) -> int:
    return door.open_account(holding=100)


def test_a_hold_sets_credits_aside_without_spending_them(account: int) -> None:
    opened = hold(account, 60, operation_type="batch", description="nightly")

    assert (opened.state, opened.amount, opened.remaining) == ("open", 60, 60)
    assert standing(account) == (100, 60, 40)
    with pytest.raises(ledger.InsufficientCredits) as refused:
        door.spend(account, 41)
    assert (refused.value.available, refused.value.reserved) == (40, 60)
    door.spend(account, 40)
    assert door.differences() == []


def test_it_is_captured_in_parts_and_the_rest_released(account: int) -> None:
    opened = hold(account, 60, operation_type="batch")
    first = capture(account, opened.id, 25)
    assert (first.hold.captured, first.hold.remaining, first.hold.state) == (25, 35, "open")
    assert (first.transaction.transaction_type, first.transaction.amount) == ("consumption", -25)
    assert first.transaction.operation_type == "batch"
    assert standing(account) == (75, 35, 40)

    released = release(account, opened.id)
    assert (released.state, released.captured, released.released) == ("released", 25, 35)
    assert standing(account) == (75, 0, 75)
    assert release(account, opened.id).state == "released"
    assert door.differences() == []


def test_a_capture_without_an_amount_takes_the_rest_and_closes_it(account: int) -> None:
    opened = hold(account, 60)
    capture(account, opened.id, 10)
    done = capture(account, opened.id)

    assert (done.transaction.amount, done.hold.state, done.hold.captured) == (-50, "captured", 60)
    assert standing(account) == (40, 0, 40)


def test_a_final_capture_releases_what_is_left(account: int) -> None:
    opened = hold(account, 60)
    done = capture(account, opened.id, 10, final=True)

    assert (done.hold.state, done.hold.captured, done.hold.released) == ("captured", 10, 50)
    assert standing(account) == (90, 0, 90)
    assert door.differences() == []


@pytest.mark.parametrize("how", ["captured", "released", "expired"])
def test_a_closed_hold_gives_nothing_more(account: int, how: str) -> None:
    opened = hold(account, 60)
    later = clock.now()
    if how == "captured":
        capture(account, opened.id)
    elif how == "released":
        release(account, opened.id)
    else:
        later += timedelta(minutes=16)
    with clock.at(later):
        for attempt in (
            lambda: capture(account, opened.id, 1),
            lambda: extend(account, opened.id, MINUTE),
            *([lambda: release(account, opened.id)] if how != "released" else []),
        ):
            with pytest.raises(ledger.HoldClosed) as refused:
                attempt()
            assert door.refusal(refused.value) == ("hold_closed", 409)
    assert door.differences() == []


def test_more_than_is_held_is_taken_from_what_is_available(account: int) -> None:
    opened = hold(account, 60)
    done = capture(account, opened.id, 90)

    assert (done.transaction.amount, done.hold.captured, done.hold.state) == (-90, 60, "captured")
    assert standing(account) == (10, 0, 10)
    assert door.differences() == []


def test_more_than_there_is_is_refused_and_the_hold_stays(account: int) -> None:
    opened = hold(account, 60)
    with door.nothing_written(), pytest.raises(ledger.InsufficientCredits):
        capture(account, opened.id, 101)

    assert standing(account) == (100, 60, 40)


@pytest.mark.settings(hold_overrun_debt=True)
def test_where_the_seller_allows_it_an_overrun_becomes_debt(account: int) -> None:
    opened = hold(account, 60)
    capture(account, opened.id, 130)

    found = ledger.balance(account)
    assert (found.balance, found.reserved, found.debt) == (0, 0, 30)
    assert door.differences() == []
    door.grant(account, 50)
    assert (ledger.balance(account).balance, ledger.balance(account).debt) == (20, 0)
    assert door.differences() == []


def test_one_key_opens_one_hold_and_captures_once(account: int) -> None:
    first, again = hold(account, 60, key="h"), hold(account, 60, key="h")
    assert first.id == again.id
    with pytest.raises(ledger.IdempotencyMismatch):
        hold(account, 61, key="h")
    one, same = capture(account, first.id, 10, key="c"), capture(account, first.id, 10, key="c")
    assert one.transaction.id == same.transaction.id
    assert (one.replayed, same.replayed) == (False, True)
    with pytest.raises(ledger.IdempotencyMismatch):
        capture(account, first.id, 11, key="c")
    with pytest.raises(ledger.IdempotencyMismatch):
        hold(account, 60, key="c")

    assert standing(account) == (90, 50, 40)


@pytest.mark.parametrize("amount", [0, -1, "0.0000001", "1e10"])
def test_what_is_no_amount_is_refused(account: int, amount: Any) -> None:
    opened = hold(account, 60)
    with door.nothing_written():
        for attempt in (lambda: hold(account, amount), lambda: capture(account, opened.id, amount)):
            with pytest.raises(ledger.InvalidAmount):
                attempt()


@pytest.mark.parametrize("time", [timedelta(0), timedelta(milliseconds=999), timedelta(hours=24, seconds=1)])
def test_a_time_outside_a_second_to_a_day_is_refused(account: int, time: timedelta) -> None:
    opened = hold(account, 60)
    with door.nothing_written():
        with pytest.raises(InvalidInput):
            hold(account, 10, expires_in=time)
        with pytest.raises(InvalidInput):
            extend(account, opened.id, time)


def test_more_than_is_available_is_not_held(account: int) -> None:
    hold(account, 60)
    with door.nothing_written(), pytest.raises(ledger.InsufficientCredits):
        hold(account, 41)


def test_a_strangers_hold_does_not_exist(account: int) -> None:
    opened = hold(account, 60)
    stranger = door.open_account(holding=100)
    with door.nothing_written():
        for attempt in (capture, release):
            with pytest.raises(NotFound):
                attempt(stranger, opened.id)
        with pytest.raises(NotFound):
            extend(stranger, opened.id, MINUTE)


def test_a_hold_past_its_time_no_longer_stands_in_the_way(account: int) -> None:
    hold(account, 60, expires_in=MINUTE)
    with clock.at(clock.now() + MINUTE):
        assert standing(account) == (100, 0, 100)  # before anything booked it
        assert door.spend(account, 100).balance_after == 0
        assert standing(account) == (0, 0, 0)
    assert door.differences() == []


def test_the_clock_finds_and_ends_it(account: int) -> None:
    opened = hold(account, 60, expires_in=MINUTE)
    assert account not in ledger.due_holds(99)
    with clock.at(clock.now() + MINUTE):
        assert account in ledger.due_holds(99)
        assert door.expire(account) == 1
        assert ledger.hold_of(account, opened.id).state == "expired"
        assert account not in ledger.due_holds(99)
    assert door.differences() == []


def test_extending_counts_from_now(account: int) -> None:
    opened = hold(account, 60, expires_in=MINUTE)
    with clock.at(clock.now() + MINUTE / 2):
        extend(account, opened.id, MINUTE)
    with clock.at(clock.now() + MINUTE * 1.4):
        assert standing(account) == (100, 60, 40)
    with clock.at(clock.now() + MINUTE * 1.6):
        assert standing(account) == (100, 0, 100)


def test_released_credits_repay_debt(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 100, polar_order_id="o")
    opened = hold(account, 60)
    door.claw_back(account, 100, bought.id)
    found = ledger.balance(account)
    assert (found.balance, found.reserved, found.debt) == (60, 60, 60)  # never what is reserved

    capture(account, opened.id, 25)
    release(account, opened.id)
    found = ledger.balance(account)
    assert (found.balance, found.reserved, found.debt) == (0, 0, 25)
    assert door.rows(account)[-1][:2] == ("repayment", -35)
    assert door.differences() == []


def test_what_an_open_hold_covers_does_not_expire_under_it(app: Flask) -> None:
    start = door.NOON
    with clock.at(start):
        account = door.open_account()
        door.grant(account, 50, transaction_type="bonus", expires_at=start + 10 * MINUTE)
        door.grant(account, 30)
        opened = hold(account, 60, expires_in=20 * MINUTE)
    with clock.at(start + 11 * MINUTE):
        # 20 of the 80 are not reserved: of the 50 that fell due they expire, 30 are kept.
        assert standing(account) == (60, 60, 0)
        door.expire(account)
        assert standing(account) == (60, 60, 0)
        assert door.left(account) == [("bonus", 30), ("purchased", 30)]
        capture(account, opened.id, 40)
        assert door.left(account) == [("purchased", 20)]
    with clock.at(start + 21 * MINUTE):
        door.expire(account)
        assert standing(account) == (20, 0, 20)
    assert door.differences() == []


def test_covered_credits_expire_when_the_last_hold_has_ended(app: Flask) -> None:
    start = door.NOON
    with clock.at(start):
        account = door.open_account()
        door.grant(account, 50, transaction_type="bonus", expires_at=start + 10 * MINUTE)
        opened = hold(account, 40, expires_in=20 * MINUTE)
    with clock.at(start + 15 * MINUTE):
        assert standing(account) == (40, 40, 0)
        release(account, opened.id)
        assert standing(account) == (40, 0, 40)
        door.spend(account, 5)
    with clock.at(start + 20 * MINUTE):
        assert standing(account) == (0, 0, 0)
        door.expire(account)
    assert door.differences() == []


def test_a_hold_that_ended_before_a_lot_fell_due_kept_nothing_of_it(app: Flask) -> None:
    start = door.NOON
    with clock.at(start):
        account = door.open_account()
        door.grant(account, 50, transaction_type="bonus", expires_at=start + 10 * MINUTE)
        hold(account, 40, expires_in=5 * MINUTE)
    with clock.at(start + 30 * MINUTE):  # nobody looked in between
        assert door.expire(account) == 2
        assert standing(account) == (0, 0, 0)
    assert door.differences() == []


def test_a_capture_at_the_instant_of_expiry_is_one_or_the_other(account: int, full: bool) -> None:
    for number in range(EDGES_FULL if full else EDGES):
        opened = hold(account, 1, expires_in=MINUTE)
        offset = timedelta(milliseconds=(number * 37) % 101 - 50)
        with clock.at(opened.expires_at + offset):
            before = ledger.balance(account).balance
            try:
                capture(account, opened.id)
            except ledger.HoldClosed:
                assert offset >= timedelta(0)
                taken = 0
            else:
                assert offset < timedelta(0)
                taken = 1
            assert ledger.balance(account).balance == before - taken
            door.grant(account, 1)
        db.session.rollback()
    assert door.differences() == []


def test_many_captures_at_once_never_take_more_than_there_is(app: Flask, account: int) -> None:
    opened = hold(account, 60).id
    db.session.rollback()

    def one(number: int) -> str:
        with app.app_context():
            try:
                if number % 5 == 4:
                    release(account, opened)
                    return "released"
                capture(account, opened, 7, key=f"c{number % 12}")
            except (ledger.HoldClosed, ledger.InsufficientCredits) as error:
                return error.code
            return "captured"

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(one, range(24)))

    found = ledger.hold_of(account, opened)
    assert found.state != "open"
    assert found.captured + found.released == 60
    assert door.differences() == []


def test_holds_opened_at_once_never_reserve_more_than_there_is(app: Flask, account: int) -> None:
    db.session.rollback()

    def one(_number: int) -> bool:
        with app.app_context():
            try:
                hold(account, 30)
            except ledger.InsufficientCredits:
                return False
            return True

    with ThreadPoolExecutor(8) as workers:
        opened = list(workers.map(one, range(16)))

    assert opened.count(True) == 3
    assert standing(account) == (100, 90, 10)
    assert door.differences() == []
