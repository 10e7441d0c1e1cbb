"""Credits end: spendable while now is before their expiry, and never after, sweep or no sweep."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from creditapp import clock, ledger
from creditapp.db import db, transaction
from creditapp.errors import NotFound
from creditapp.ledger import InsufficientCredits
from tests.ledger import door

pytestmark = pytest.mark.both_databases

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
EXPIRY = door.NOON + DAY


def with_a_lot_until(expiry: datetime, amount: door.Amount = 10, **terms: object) -> int:
    """An account with a lot that ends."""
    with clock.at(door.NOON):
        account = door.open_account()
        door.grant(account, amount, transaction_type="bonus", expires_at=expiry, **terms)  # type: ignore[arg-type]
    return account


def test_a_credit_can_be_spent_until_the_last_instant_before_its_expiry(app: object) -> None:
    account = with_a_lot_until(EXPIRY)

    with clock.at(EXPIRY - INSTANT):
        assert door.available(account) == 10
        assert door.spend(account, 10).balance_after == 0


def test_at_the_very_moment_of_its_expiry_a_credit_can_not_be_spent_though_no_sweep_ran(app: object) -> None:
    account = with_a_lot_until(EXPIRY)

    with clock.at(EXPIRY):
        assert door.available(account) == 0
        assert door.left(account) == []
        with door.nothing_written(), pytest.raises(InsufficientCredits) as refused:
            door.spend(account, 1)
        assert refused.value.available == 0


def test_a_read_never_shows_expired_credits_though_no_sweep_ran(app: object) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(door.NOON):
        door.grant(account, 5)
        door.spend(account, 4)

    with clock.at(EXPIRY), door.nothing_written():
        balance = ledger.balance(account)

    assert (balance.balance, balance.available, balance.total_consumed) == (5, 5, 4)


def test_a_charge_after_an_expiry_books_the_expiry_first_and_takes_only_what_lives(app: object) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(door.NOON):
        door.grant(account, 5)
        door.spend(account, 4)

    with clock.at(EXPIRY + DAY):
        spent = door.spend(account, 5)

    assert (spent.balance_before, spent.balance_after) == (5, 0)
    assert door.rows(account) == [
        ("bonus", Decimal(10), Decimal(10)),
        ("purchase", Decimal(5), Decimal(15)),
        ("consumption", Decimal(-4), Decimal(11)),
        ("expiration", Decimal(-6), Decimal(5)),
        ("consumption", Decimal(-5), Decimal(0)),
    ]
    assert door.differences() == []


def test_a_charge_refused_after_an_expiry_writes_not_even_the_expiry(app: object) -> None:
    account = with_a_lot_until(EXPIRY)

    with clock.at(EXPIRY), door.nothing_written(), pytest.raises(InsufficientCredits):
        door.spend(account, 1)


def test_an_expiry_is_booked_once_as_a_row_that_names_its_lot(app: object) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(door.NOON):
        door.spend(account, 3)

    with clock.at(EXPIRY + DAY):
        assert door.expire(account) == 1
        assert door.expire(account) == 0

    granted, _, expired = reversed(ledger.entries(account))
    assert (expired.transaction_type, expired.amount, expired.balance_after) == ("expiration", -7, 0)
    assert (expired.reference_id, expired.processed_at) == (str(granted.id), EXPIRY + DAY)
    assert expired.description == "Bonus credits expired"
    assert ledger.totals(account).expired == 7
    assert door.differences() == []


def test_a_lot_that_was_used_up_before_its_expiry_leaves_no_row(app: object) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(door.NOON):
        door.spend(account, 10)

    with clock.at(EXPIRY):
        assert door.expire(account) == 0

    assert [kind for kind, _, _ in door.rows(account)] == ["bonus", "consumption"]
    assert door.differences() == []


def test_several_lots_that_fell_due_are_each_booked(app: object) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(door.NOON):
        door.grant(account, 20, expires_at=EXPIRY + DAY)
        door.grant(account, 30, expires_at=EXPIRY + 9 * DAY)

    with clock.at(EXPIRY + 2 * DAY):
        assert door.expire(account) == 2

        assert door.rows(account)[3:] == [
            ("expiration", Decimal(-10), Decimal(50)),
            ("expiration", Decimal(-20), Decimal(30)),
        ]
        assert door.left(account) == [("purchased", Decimal(30))]


@pytest.mark.parametrize("verb", ["grant", "adjust up", "adjust down", "settle"])
def test_whatever_changes_the_lots_books_what_has_fallen_due_before(app: object, verb: str) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(door.NOON):
        door.grant(account, 5)
        door.spend(account, 1)

    with clock.at(EXPIRY):
        match verb:
            case "grant":
                door.grant(account, 2)
            case "adjust up":
                door.adjust(account, 2)
            case "adjust down":
                door.adjust(account, -2)
            case "settle":
                door.settle(account)

    assert door.rows(account)[3] == ("expiration", Decimal(-9), Decimal(5))
    assert door.differences() == []


def test_credits_granted_past_their_own_expiry_are_never_to_be_had(app: object) -> None:
    account = with_a_lot_until(door.NOON)

    with clock.at(door.NOON):
        assert door.available(account) == 0
        with pytest.raises(InsufficientCredits):
            door.spend(account, 1)
        assert door.expire(account) == 1
    assert door.differences() == []


def test_the_sweep_finds_exactly_the_accounts_with_something_due(app: object) -> None:
    due, later, never = with_a_lot_until(EXPIRY), with_a_lot_until(EXPIRY + DAY), door.open_account(holding=10)

    with clock.at(EXPIRY):
        found = set(ledger.due_accounts(1_000))
        assert due in found
        assert not found & {later, never}
        door.expire(due)
        assert due not in ledger.due_accounts(1_000)

    with clock.at(EXPIRY + 3 * DAY):
        assert len(ledger.due_accounts(1)) == 1


def test_the_balance_says_how_much_falls_due_within_thirty_days_and_when_the_first_does(app: object) -> None:
    with clock.at(door.NOON):
        account = door.open_account(holding=100)
        door.grant(account, 10, transaction_type="bonus", expires_at=door.NOON + 30 * DAY)
        door.grant(account, 20, transaction_type="bonus", expires_at=door.NOON + 5 * DAY)
        door.grant(account, 40, transaction_type="bonus", expires_at=door.NOON + 30 * DAY + INSTANT)
        assert (ledger.balance(account).expiring, ledger.balance(account).expiring_at) == (30, door.NOON + 5 * DAY)

        door.spend(account, 12)
        assert (ledger.balance(account).expiring, ledger.balance(account).expiring_at) == (18, door.NOON + 5 * DAY)

        door.spend(account, 8)
        assert (ledger.balance(account).expiring, ledger.balance(account).expiring_at) == (10, door.NOON + 30 * DAY)


def test_what_has_expired_is_not_said_to_be_expiring(app: object) -> None:
    account = with_a_lot_until(EXPIRY)

    with clock.at(EXPIRY):
        balance = ledger.balance(account)
        assert (balance.expiring, balance.expiring_at) == (0, None)


def test_an_expiry_of_an_account_that_does_not_exist_is_refused(app: object) -> None:
    for verb in (door.expire, door.settle):
        with door.nothing_written(), pytest.raises(NotFound):
            verb(12_345)


def test_settling_writes_which_lot_paid_and_changes_no_balance(app: object) -> None:
    account = door.open_account(holding=10)
    door.grant(account, 5, transaction_type="bonus")
    door.spend(account, 7)
    before = ledger.balance(account), door.left(account), door.rows(account)

    door.settle(account)

    assert (ledger.balance(account), door.left(account), door.rows(account)) == before
    with door.nothing_written():
        door.settle(account)
    ranges = db.session.query(ledger.LotRange).filter_by(account_id=account).order_by(ledger.LotRange.axis_from)
    assert [(found.axis_from, found.axis_to) for found in ranges] == [(0, 5), (5, 7)]


def test_time_never_runs_backward_within_an_account_though_the_clock_does(app: object) -> None:
    account = door.open_account()
    with clock.at(door.NOON):
        door.grant(account, 10)
    with clock.at(door.NOON - DAY):
        door.spend(account, 1)
        door.adjust(account, -1)
        door.grant(account, 1)
    with clock.at(door.NOON + INSTANT):
        door.spend(account, 1)

    moments = [row.processed_at for row in reversed(ledger.entries(account))]
    assert moments == [door.NOON] * 4 + [door.NOON + INSTANT]
    assert door.differences() == []


def test_a_clock_set_back_brings_no_expired_credit_back(app: object) -> None:
    account = with_a_lot_until(EXPIRY)
    with clock.at(EXPIRY):
        door.grant(account, 1)

    with clock.at(door.NOON), pytest.raises(InsufficientCredits):
        door.spend(account, 2)


def test_what_fell_due_while_nobody_looked_is_booked_in_the_order_of_its_time(app: object) -> None:
    minute = timedelta(minutes=1)
    with clock.at(door.NOON):
        account = door.open_account()
        door.grant(account, 50, transaction_type="bonus", expires_at=door.NOON + 10 * minute)
        door.hold(account, 40, expires_in=20 * minute)
        door.hold(account, 10, expires_in=40 * minute)

    with clock.at(door.NOON + 30 * minute):
        for _ in range(2):  # before it is booked, and after
            # The lot fell due while both holds covered all of it, so it lasts as long as the second; the first ended.
            assert [(lot.remaining, lot.expires_at) for lot in ledger.lots_left(account)] == [
                (50, door.NOON + 40 * minute)
            ]
            assert door.available(account) == 40
            door.expire(account)
        door.spend(account, 40)
    assert door.differences() == []


def test_a_charge_that_the_account_can_pay_is_made_though_lot_after_lot_falls_due_meanwhile(app: object) -> None:
    # In real time: several lots end within the time that booking one of them takes.
    lots, pause = 40, timedelta(milliseconds=1)
    with transaction():
        account = ledger.open_account(welcome=1_000).id
        first_end = clock.now() + timedelta(seconds=1)
        last_end = first_end + lots * pause
        for number in range(lots):
            ledger.grant(
                account,
                Decimal(10),
                transaction_type="bonus",
                key=f"{number}",
                expires_at=first_end + number * pause,
            )
    while clock.now() < first_end:
        door.available(account)
    charged = 0
    while charged == 0 or clock.now() < last_end:
        door.spend(account, "0.01")
        charged += 1

    door.expire(account)
    totals = ledger.totals(account)
    assert totals.consumed == charged * Decimal("0.01")
    assert door.available(account) == 1_000 + lots * 10 - totals.consumed - totals.expired
    assert door.differences() == []
