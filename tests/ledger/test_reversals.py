"""A failed operation is given back: to the lots that paid for it, never more than it took, once per key."""

from collections import Counter
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import event

from creditapp import clock, ledger
from creditapp.db import db
from creditapp.errors import NotFound
from tests.ledger import callers, door
from tests.racing import CALLERS, Racers

pytestmark = pytest.mark.both_databases

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
def account(app: Flask) -> int:
    """100 purchased credits."""
    return door.open_account(holding=100)


def test_a_charge_is_given_back_as_a_row_of_its_own(account: int) -> None:
    charge = door.spend(account, 30, operation_type="ai_analysis", operation_id="job 7")

    back = door.reverse(account, charge.transaction_id, reason="The model timed out")

    assert (back.transaction_type, back.amount, back.debt_change, back.balance_after) == ("reversal", 30, 0, 100)
    assert (back.reference_id, back.description) == (str(charge.transaction_id), "The model timed out")
    assert (back.operation_type, back.operation_id) == ("ai_analysis", "job 7")
    assert ledger.balance(account).total_consumed == 0
    assert (ledger.totals(account).consumed, ledger.totals(account).reversed) == (30, 30)
    assert door.differences() == []


def test_a_charge_counts_as_reversed_only_when_all_of_it_went_back(account: int) -> None:
    charge = door.spend(account, 30)

    seen = []
    for amount in ("10", "19.999999", "0.000001"):
        seen.append(ledger.entry(account, charge.transaction_id).status)
        door.reverse(account, charge.transaction_id, amount)
    seen.append(ledger.entry(account, charge.transaction_id).status)

    assert seen == ["completed", "completed", "completed", "reversed"]
    assert [row.status for row in ledger.entries(account)] == ["completed"] * 3 + ["reversed", "completed"]
    assert door.differences() == []


@pytest.mark.parametrize("settled", [False, True])
def test_credits_return_to_the_lots_that_paid_last_taken_first(app: Flask, settled: bool) -> None:
    account = door.open_account()
    door.grant(account, 10, transaction_type="bonus")
    door.grant(account, 10, transaction_type="adjustment")
    door.grant(account, 10)
    door.spend(account, 4)
    charge = door.spend(account, 20)
    door.spend(account, 3)
    if settled:
        door.settle(account)
    assert door.left(account) == [("purchased", 3)]

    door.reverse(account, charge.transaction_id, 5)
    assert door.left(account) == [("adjustment", 1), ("purchased", 7)]
    door.reverse(account, charge.transaction_id, 9)
    assert door.left(account) == [("adjustment", 10), ("purchased", 7)]
    door.reverse(account, charge.transaction_id)
    assert door.left(account) == [("bonus", 6), ("adjustment", 10), ("purchased", 7)]
    assert door.differences() == []


def test_what_was_given_back_is_spent_again_and_its_first_payers_stay_what_they_were(account: int) -> None:
    first = door.spend(account, 100)
    door.reverse(account, first.transaction_id, 40)
    second = door.spend(account, 40)

    paid = [ledger.payers(ledger.entry(account, charge.transaction_id)) for charge in (first, second)]
    assert [[amount for _, amount in parts] for parts in paid] == [[100], [40]]
    with pytest.raises(ledger.InsufficientCredits):
        door.spend(account, "0.000001")
    assert door.differences() == []


def test_credits_that_return_to_an_expired_lot_can_be_spent_for_a_week(app: Flask) -> None:
    with clock.at(door.NOON):
        account = door.open_account()
        door.grant(account, 10, transaction_type="bonus", expires_at=door.NOON + DAY)
        charge = door.spend(account, 10)
    with clock.at(door.NOON + 3 * DAY):
        door.reverse(account, charge.transaction_id)
        (lot,) = ledger.lots_left(account)
        assert (lot.remaining, lot.expires_at) == (10, door.NOON + 10 * DAY)
    with clock.at(door.NOON + 10 * DAY - INSTANT):
        door.spend(account, 1)
    with clock.at(door.NOON + 10 * DAY):
        assert door.available(account) == 0
    assert door.differences() == []


def test_credits_that_return_in_time_keep_their_expiry(app: Flask) -> None:
    with clock.at(door.NOON):
        account = door.open_account()
        door.grant(account, 10, transaction_type="bonus", expires_at=door.NOON + DAY)
        charge = door.spend(account, 10)
        door.reverse(account, charge.transaction_id)

        assert [lot.expires_at for lot in ledger.lots_left(account)] == [door.NOON + DAY]


def test_a_capture_is_given_back_like_any_charge(account: int) -> None:
    opened = door.hold(account, 60)
    captured = door.capture(account, opened.id, 25)

    door.reverse(account, captured.transaction.id)

    found = ledger.balance(account)
    assert (found.balance, found.reserved, found.available) == (100, 35, 65)
    assert door.differences() == []


def test_one_key_gives_back_once_and_another_request_under_it_is_refused(account: int) -> None:
    charge = door.spend(account, 30)
    door.hold(account, 1, key="a hold's")
    first = door.reverse(account, charge.transaction_id, 10, key="the key")

    with door.nothing_written():
        assert door.reverse(account, charge.transaction_id, "10.0", key="the key").id == first.id
        for amount, key in ((11, "the key"), (None, "the key"), (10, "a hold's")):
            with pytest.raises(ledger.IdempotencyMismatch):
                door.reverse(account, charge.transaction_id, amount, key=key)
    assert door.available(account) == 79


def test_when_nothing_is_left_of_it_that_is_said(account: int) -> None:
    charge = door.spend(account, 30)
    door.reverse(account, charge.transaction_id)

    for amount in (None, 1):
        with door.nothing_written(), pytest.raises(ledger.AlreadyReversed) as refused:
            door.reverse(account, charge.transaction_id, amount)
        assert door.refusal(refused.value) == ("already_reversed", 409)


def test_more_than_is_left_of_it_is_refused(account: int) -> None:
    charge = door.spend(account, 30)
    door.reverse(account, charge.transaction_id, 10)

    for amount in ("20.000001", 0, -1, "0.0000001"):
        with door.nothing_written(), pytest.raises(ledger.InvalidAmount) as refused:
            door.reverse(account, charge.transaction_id, amount)
        assert refused.value.status == 422


def test_only_what_was_consumed_is_given_back(account: int) -> None:
    charge = door.spend(account, 30)
    rows = [ledger.entries(account)[-1], door.adjust(account, -1), door.reverse(account, charge.transaction_id)]

    for row in rows:
        with door.nothing_written(), pytest.raises(ledger.NotAConsumption) as refused:
            door.reverse(account, row.id)
        assert refused.value.status == 422


def test_a_strangers_charge_does_not_exist(account: int) -> None:
    charge = door.spend(account, 30)
    stranger = door.open_account(holding=100)

    for whose, what in ((stranger, charge.transaction_id), (account, 987_654_321), (12_345, charge.transaction_id)):
        with door.nothing_written(), pytest.raises(NotFound):
            door.reverse(whose, what)


def test_many_at_once_give_back_once_a_key_and_never_more_than_was_taken(
    account: int, app: Flask, racers: Racers
) -> None:
    charge = door.spend(account, 10).transaction_id
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])

    same = racers.race(url, callers.reverse_once, [(account, charge, "1", "one key")] * CALLERS)
    each = [(account, charge, "1", f"key {number}") for number in range(CALLERS // 2)]
    others = racers.race(url, callers.reverse_once, each)

    assert len(set(same)) == 1
    assert Counter(answer.split()[0] for answer in others) == {"given": 9, "refused": CALLERS // 2 - 9}
    assert door.available(account) == 100
    assert door.differences() == []


def test_a_page_of_the_history_knows_every_status_by_one_more_question(account: int) -> None:
    charges = [door.spend(account, 1) for _ in range(30)]
    for charge in charges[::2]:
        door.reverse(account, charge.transaction_id)
    asked = []

    def note(*told: object) -> None:
        asked.extend(statement for statement in told[2:3] if str(statement).startswith("SELECT"))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        page = ledger.entries(account, ledger.Filters(transaction_type="consumption"), limit=25)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

    assert [row.status for row in page] == ["completed", "reversed"] * 12 + ["completed"]
    assert len(asked) == 2
