"""Refunds follow the money: what is taken back of a purchase, what becomes debt, what repays it, what is forgiven."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from creditapp import clock, ledger
from creditapp.errors import NotFound
from tests.ledger import callers, door
from tests.racing import CALLERS, Racers

pytestmark = pytest.mark.both_databases

DAY = timedelta(days=1)


def owed(account: int) -> tuple[Decimal, Decimal]:
    """Balance and debt."""
    found = ledger.balance(account)
    return found.balance, found.debt


def moves(account: int) -> list[tuple[str, Decimal, Decimal]]:
    """Type, amount and change of debt of every row, oldest first."""
    rows = ledger.entries(account, limit=1_000)
    return [(row.transaction_type, row.amount, row.debt_change) for row in reversed(rows)]


def test_five_thousand_bought_four_thousand_spent_and_all_refunded_is_a_debt_of_four_thousand(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 5_000, polar_order_id="order 1")
    door.spend(account, 4_000)

    refund = door.claw_back(account, 5_000, bought.id, order="order 1")

    assert (refund.transaction_type, refund.amount, refund.debt_change) == ("refund", -1_000, 4_000)
    assert (refund.reference_id, refund.polar_order_id) == (str(bought.id), "order 1")
    assert owed(account) == (0, 4_000)
    door.grant(account, 5_000, polar_order_id="order 2")
    assert owed(account) == (1_000, 0)
    assert moves(account)[-2:] == [("purchase", 5_000, 0), ("repayment", -4_000, -4_000)]
    assert door.differences() == []


def test_a_refund_takes_its_own_purchase_then_other_purchases_and_bonuses_last(app: Flask) -> None:
    account = door.open_account()
    door.grant(account, 10, transaction_type="bonus")
    door.adjust(account, 10)
    bought = door.grant(account, 10)
    door.grant(account, 10)
    more = door.grant(account, 30)

    door.claw_back(account, 5, bought.id)
    assert door.left(account)[2:] == [("purchased", 5), ("purchased", 10), ("purchased", 30)]
    door.spend(account, 45)  # of the purchase of 30 are left 20
    door.grant(account, 7, transaction_type="bonus")
    door.adjust(account, 4)
    door.grant(account, 3)
    door.claw_back(account, 25, more.id)
    assert door.left(account) == [("bonus", 7), ("adjustment", 2)]
    door.claw_back(account, 5, more.id)
    assert door.left(account) == [("bonus", 4)]
    assert owed(account) == (4, 0)
    assert door.differences() == []


@pytest.mark.settings(clawback_other_lots=False)
def test_where_the_seller_says_so_a_refund_takes_nothing_but_its_own_purchase(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 10)
    door.grant(account, 30)
    door.spend(account, 4)

    door.claw_back(account, 10, bought.id)

    assert owed(account) == (30, 4)
    assert door.left(account) == [("purchased", 30)]
    door.grant(account, 3)
    assert owed(account) == (30, 1)  # what comes in repays, what was there does not
    assert door.differences() == []


def test_a_refund_never_takes_what_is_reserved(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 100)
    opened = door.hold(account, 70)

    door.claw_back(account, 100, bought.id)

    found = ledger.balance(account)
    assert (found.balance, found.reserved, found.debt) == (70, 70, 70)
    door.grant(account, 30)
    assert owed(account) == (70, 40)
    door.capture(account, opened.id, 50, final=True)
    assert owed(account) == (0, 20)
    assert door.differences() == []


def test_a_refund_of_credits_that_are_all_gone_is_all_debt(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 10)
    door.spend(account, 10)

    refund = door.claw_back(account, "2.5", bought.id)

    assert (refund.amount, refund.debt_change) == (0, Decimal("2.5"))
    assert door.differences() == []


@pytest.mark.settings(clawback_forgive=True)
def test_where_the_seller_forgives_it_the_shortfall_is_written_off_and_the_order_still_adds_up(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 10, polar_order_id="forgiven order")
    door.spend(account, 6)

    door.claw_back(account, 10, bought.id, order="forgiven order")

    assert owed(account) == (0, 0)
    assert moves(account)[-2:] == [("refund", -4, 6), ("adjustment", 0, -6)]
    of_the_order = [row for row in ledger.entries(account) if row.polar_order_id == "forgiven order"]
    assert sum(row.amount - row.debt_change for row in of_the_order) == 0
    assert door.differences() == []


def test_the_status_of_a_purchase_and_the_totals_follow_its_refunds(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 100)
    door.spend(account, 70)

    def seen() -> tuple[str, Decimal, Decimal]:
        status = ledger.entry(account, bought.id).status
        return status, ledger.balance(account).total_purchased, ledger.totals(account).refunded

    assert seen() == ("completed", 100, 0)
    door.claw_back(account, 40, bought.id)
    assert seen() == ("partially_refunded", 60, 40)
    door.claw_back(account, 60, bought.id)
    assert seen() == ("refunded", 0, 100)
    door.give_back(account, 10, bought.id)
    assert seen() == ("partially_refunded", 10, 90)
    door.give_back(account, 90, bought.id)
    assert seen() == ("completed", 100, 0)
    assert owed(account) == (30, 0)
    assert door.differences() == []


def test_totals_add_up_to_the_balance_less_the_debt(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 100)
    door.grant(account, 5, transaction_type="bonus")
    charge = door.spend(account, 95)
    door.claw_back(account, 100, bought.id)
    door.reverse(account, charge.transaction_id, 30)
    door.write_off(account, 20)
    door.adjust(account, 3)

    total = ledger.totals(account)
    inwards = total.purchased + total.bonus + total.reversed + total.adjusted
    balance, debt = owed(account)
    assert inwards - total.consumed - total.refunded - total.expired == balance - debt == -37
    assert door.differences() == []


def test_credits_given_back_return_to_their_own_purchase(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 10)
    door.grant(account, 20)
    door.claw_back(account, 10, bought.id)

    back = door.give_back(account, 4, bought.id)

    assert (back.transaction_type, back.amount, back.debt_change) == ("refund", 4, 0)
    assert door.left(account) == [("purchased", 4), ("purchased", 20)]
    assert door.differences() == []


def test_credits_given_back_after_their_expiry_can_be_spent_for_a_week(app: Flask) -> None:
    with clock.at(door.NOON):
        account = door.open_account()
        bought = door.grant(account, 10, expires_at=door.NOON + DAY)
        door.claw_back(account, 10, bought.id)
    with clock.at(door.NOON + 2 * DAY):
        door.give_back(account, 10, bought.id)
        assert door.available(account) == 10
    with clock.at(door.NOON + 9 * DAY - timedelta(microseconds=1)):
        door.spend(account, 4)
    with clock.at(door.NOON + 9 * DAY):
        assert door.available(account) == 0
        door.expire(account)
    assert door.differences() == []


def test_credits_given_back_repay_the_debt_that_the_refund_made(app: Flask) -> None:
    account = door.open_account()
    bought = door.grant(account, 10)
    door.spend(account, 7)
    door.claw_back(account, 10, bought.id)

    door.give_back(account, 10, bought.id)

    assert owed(account) == (3, 0)
    assert moves(account)[-2:] == [("refund", 10, 0), ("repayment", -7, -7)]
    assert door.differences() == []


@pytest.mark.parametrize("way", ["purchase", "bonus", "adjustment", "reversal", "release"])
def test_whatever_comes_in_is_booked_in_full_and_repays_debt_at_once(app: Flask, way: str) -> None:
    account = door.open_account(holding=50)
    charge = door.spend(account, 20)
    opened = door.hold(account, 30)
    bought = int(ledger.entries(account, ledger.Filters(transaction_type="purchase"))[0].id)
    door.claw_back(account, 50, bought)
    assert owed(account) == (30, 50)
    match way:
        case "reversal":
            door.reverse(account, charge.transaction_id)
        case "release":
            door.release(account, opened.id)
        case _:
            door.grant(account, 20, transaction_type=way)

    repaid = 30 if way == "release" else 20
    assert moves(account)[-1] == ("repayment", -repaid, -repaid)
    assert owed(account) == (0 if way == "release" else 30, 50 - repaid)
    assert door.differences() == []


def test_credits_that_came_past_their_expiry_do_not_repay(app: Flask) -> None:
    account = door.open_account()
    door.owing(account, 5)
    door.grant(account, 10, transaction_type="bonus", expires_at=clock.now() - DAY)

    door.expire(account)

    assert owed(account) == (0, 5)
    assert door.differences() == []


def test_the_highest_balance_leaves_out_what_repaid_debt_as_it_came(app: Flask) -> None:
    account = door.open_account()
    since = clock.now()
    door.owing(account, 40)
    before = ledger.highest(account, since)
    door.grant(account, 100)

    assert (before, ledger.highest(account, since)) == (40, 60)


def test_debt_is_forgiven_in_part_or_whole_with_a_reason(app: Flask) -> None:
    account = door.open_account()
    door.owing(account, 10)

    row = door.write_off(account, 4, reason="Long a customer")

    assert (row.transaction_type, row.amount, row.debt_change) == ("adjustment", 0, -4)
    assert row.description == "Long a customer"
    assert owed(account) == (0, 6)
    door.write_off(account, 6)
    assert owed(account) == (0, 0)
    assert door.differences() == []


def test_a_refusal_says_whether_the_balance_or_the_debt_is_in_the_way(app: Flask) -> None:
    account = door.open_account(holding=10)
    door.owing(account, 5)

    told = {}
    for amount in (3, 30):
        with pytest.raises(ledger.InsufficientCredits) as refused:
            door.spend(account, amount)
        told[amount] = refused.value.limit
    assert told == {3: "debt", 30: "balance"}


def verbs(account: int, purchase: int) -> dict[str, Callable[..., Any]]:
    """Each verb on an account that owes 10, with a purchase of 40 of which 20 were taken back."""
    return {
        "claw_back": lambda amount, key: door.claw_back(account, amount, purchase, key=key),
        "give_back": lambda amount, key: door.give_back(account, amount, purchase, key=key),
        "write_off": lambda amount, key: door.write_off(account, amount, key=key),
    }


@pytest.fixture
def story(app: Flask) -> tuple[int, int]:
    """An account that owes 10, and its purchase of 40 of which 20 were taken back."""
    account = door.open_account()
    bought = door.grant(account, 40)
    door.spend(account, 30)
    door.claw_back(account, 20, bought.id)
    return account, bought.id


@pytest.mark.parametrize("verb", ["claw_back", "give_back", "write_off"])
def test_one_key_does_it_once_and_another_request_under_it_is_refused(story: tuple[int, int], verb: str) -> None:
    work = verbs(*story)[verb]
    first = work(2, "the key")
    with door.nothing_written():
        assert work("2.0", "the key").id == first.id
        with pytest.raises(ledger.IdempotencyMismatch):
            work(3, "the key")
    assert door.differences() == []


@pytest.mark.parametrize("verb", ["claw_back", "give_back", "write_off"])
def test_more_than_there_is_to_it_and_what_is_no_amount_is_refused(story: tuple[int, int], verb: str) -> None:
    work = verbs(*story)[verb]
    for amount in ("20.000001", 0, -1, "0.0000001", "NaN"):
        with door.nothing_written(), pytest.raises(ledger.InvalidAmount):
            work(amount, "a key")


@pytest.mark.parametrize("verb", ["claw_back", "give_back"])
def test_only_a_purchase_of_the_account_itself_goes_back(story: tuple[int, int], verb: str) -> None:
    account, purchase = story
    bonus = door.grant(account, 1, transaction_type="bonus").id
    for whose, what in ((account, bonus), (door.open_account(), purchase), (account, 987_654_321), (12_345, purchase)):
        with door.nothing_written(), pytest.raises(NotFound):
            verbs(whose, what)[verb](1, "a key")


@pytest.mark.parametrize(
    ("caller", "told"),
    [(callers.claw_back_once, "taken"), (callers.give_back_once, "given"), (callers.write_off_once, "forgiven")],
)
def test_many_at_once_do_it_once_a_key_and_never_more_than_there_is(
    story: tuple[int, int], app: Flask, racers: Racers, caller: Callable[..., str], told: str
) -> None:
    account, purchase = story
    whose = (account, "4") if caller is callers.write_off_once else (account, "4", purchase)
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])

    same = racers.race(url, caller, [(*whose, "one key")] * (CALLERS // 4))
    each = racers.race(url, caller, [(*whose, f"key {number}") for number in range(CALLERS // 4)])

    assert len(set(same)) == 1
    more = 1 if told == "forgiven" else 4  # of the debt of 10 are left 6, of the 20 are left 16
    assert Counter(answer.split()[0] for answer in each) == {told: more, "refused": CALLERS // 4 - more}
    assert door.differences() == []
