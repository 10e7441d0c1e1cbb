"""Money goes back to the buyer, and the credits follow it: as much, once, whatever was spent of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from creditapp import checkout, clock, jobs, ledger, webhooks
from creditapp.checkout import Order, Refund
from creditapp.checkout.refund import credits_to_take_back, money_returned
from creditapp.db import db, transaction
from creditapp.gateway import PolarDispute
from creditapp.letters import Letter
from creditapp.packages import CreditPackage
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, moment, order_changed, order_paid, refund

pytestmark = pytest.mark.both_databases

Shelf = dict[str, CreditPackage]
Says = Callable[..., None]


@pytest.fixture
def polar_says(client: FlaskClient, run_jobs: Callable[[], None]) -> Says:
    """Deliver events one after the other, each handled before the next."""

    def said(*events: dict[str, Any]) -> None:
        for event in events:
            assert deliver(client, event, WEBHOOK_SECRETS[0]).status_code == 202
            run_jobs()

    return said


@pytest.fixture
def bought(account: int, shelf: Shelf, polar_says: Says) -> dict[str, Any]:
    """Alice bought the Professional package: 5,000 credits for $40.00, on top of 100 welcome credits."""
    event = order_paid(shelf["professional"], account, order_id="order-1")
    polar_says(event)
    return event


def refunded(event: dict[str, Any], amount: int, seconds: float = 10) -> dict[str, Any]:
    """``order.refunded``: so much of the order is refunded in all."""
    return order_changed(
        event,
        "order.refunded",
        refunded_amount=amount,
        status="refunded" if amount == event["data"]["net_amount"] else "partially_refunded",
        modified_at=moment(seconds),
    )


def spends(account: int, credits: int) -> None:
    with transaction():
        ledger.spend(account, ledger.Charge(amount=Decimal(credits)))


def order() -> Order:
    return db.session.scalars(select(Order)).one()


def net(account: int) -> Decimal:
    entries = ledger.entries(account, limit=100)
    return sum((one.amount - one.debt_change for one in entries if one.polar_order_id == "order-1"), Decimal(0))


def books_tie_out() -> bool:
    db.session.rollback()
    return [*ledger.verify(), *checkout.verify()] == []


def test_a_partial_refund_takes_back_its_share(account: int, bought: dict[str, Any], polar_says: Says) -> None:
    polar_says(refunded(bought, 1000))

    assert ledger.balance(account).available == 100 + 3_750
    [entry] = ledger.entries(account, ledger.Filters(transaction_type="refund"))
    assert (entry.amount, entry.debt_change, entry.polar_order_id) == (-1_250, 0, "order-1")
    assert net(account) == 3_750
    assert books_tie_out()


def test_a_refund_in_another_currency_than_the_order_takes_nothing(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    polar_says(refund(bought, amount=1000, currency="jpy"))

    assert ledger.balance(account).available == 5_100
    assert books_tie_out()


def test_a_full_refund_takes_back_everything_and_no_more(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    polar_says(refunded(bought, 1000), refunded(bought, 4000, 20), refunded(bought, 4000, 30))

    assert ledger.balance(account).available == 100
    assert [one.amount for one in ledger.entries(account, ledger.Filters(transaction_type="refund"))] == [
        -3_750,
        -1_250,
    ]
    assert net(account) == 0
    assert ledger.balance(account).total_purchased == 0
    assert books_tie_out()


def test_a_thousandth_of_a_cents_worth_is_never_taken_too_much(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    polar_says(refunded(bought, 1))
    assert net(account) == 5_000 - Decimal("1.25")
    polar_says(refunded(bought, 3_999, 20))
    assert net(account) == Decimal("1.25")


def test_of_credits_already_spent_the_rest_becomes_debt_that_the_next_purchase_repays(
    account: int, bought: dict[str, Any], polar_says: Says, shelf: Shelf
) -> None:
    spends(account, 4_000)
    polar_says(refunded(bought, 4_000))

    standing = ledger.balance(account)
    # The welcome credits were spent first, so that 1,100 of the purchase were left.
    assert (standing.balance, standing.debt) == (0, 3_900)
    assert net(account) == 0
    assert books_tie_out()
    with pytest.raises(ledger.InsufficientCredits):
        spends(account, 1)

    polar_says(order_paid(shelf["professional"], account, order_id="order-2"))
    standing = ledger.balance(account)
    assert (standing.balance, standing.debt) == (1_100, 0)
    assert books_tie_out()


def test_a_refund_that_fails_afterwards_is_given_back(account: int, bought: dict[str, Any], polar_says: Says) -> None:
    created = refund(bought, amount=1_000, created_at=moment(5))
    polar_says(created, refunded(bought, 1000))
    assert net(account) == 3_750
    failed = order_changed(created, "refund.updated", status="failed", modified_at=moment(30))
    reverted = order_changed(bought, "order.updated", refunded_amount=0, status="paid", modified_at=moment(31))
    polar_says(failed, reverted)

    assert ledger.balance(account).available == 5_100
    assert net(account) == 5_000
    assert order().taken_back == 0
    assert books_tie_out()


def test_a_failed_refund_is_given_back_though_the_news_of_its_order_is_lost(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    created = refund(bought, amount=1_000, created_at=moment(5))
    polar_says(created, refunded(bought, 1000))
    polar_says(order_changed(created, "refund.updated", status="failed", modified_at=moment(30)))

    assert net(account) == 5_000


def test_a_pending_refund_takes_nothing_until_its_money_moves(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    pending = refund(bought, amount=1_000, status="pending")
    polar_says(pending)
    assert net(account) == 5_000

    polar_says(order_changed(pending, "refund.updated", status="succeeded", modified_at=moment(30)))
    assert net(account) == 3_750


def test_a_pending_refund_that_fails_never_took_anything(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    pending = refund(bought, amount=1_000, status="pending")
    polar_says(pending, order_changed(pending, "refund.updated", status="failed", modified_at=moment(30)))

    assert net(account) == 5_000
    assert ledger.entries(account, ledger.Filters(transaction_type="refund")) == []


def test_a_refund_told_twice_by_its_two_events_is_taken_once(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    created = refund(bought, amount=1_000, created_at=moment(9))
    polar_says(refunded(bought, 1_000), created, created, {**created, "type": "refund.updated"})

    assert net(account) == 3_750


def test_news_of_a_refund_before_the_news_of_the_payment_counts_when_that_comes(
    account: int, shelf: Shelf, polar_says: Says
) -> None:
    event = order_paid(shelf["professional"], account, order_id="order-1")
    polar_says(refund(event, amount=1_000), refunded(event, 1_000))
    assert ledger.balance(account).available == 100
    assert checkout.uncredited_orders(10) == []

    polar_says(event)
    assert ledger.balance(account).available == 100 + 3_750
    assert net(account) == 3_750
    assert books_tie_out()


def test_an_order_that_cost_nothing_has_nothing_to_take_back(account: int, shelf: Shelf, polar_says: Says) -> None:
    event = order_paid(shelf["professional"], account, order_id="order-1", discount_amount=4_000, net_amount=0)
    polar_says(event, refunded(event, 0), refund(event, amount=500))

    assert net(account) == 5_000
    assert books_tie_out()


def test_credits_that_expired_are_not_taken_from_the_purchase_twice(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    with clock.at(clock.now() + timedelta(days=91)):  # the welcome credits are gone
        with transaction():
            ledger.expire(account)
        assert ledger.balance(account).available == 5_000
    polar_says(refunded(bought, 4_000))

    assert (ledger.balance(account).balance, ledger.balance(account).debt) == (0, 0)
    assert books_tie_out()


def dispute(status: str, seconds: float, amount: int = 4_000) -> None:
    with transaction():
        checkout.disputed(
            PolarDispute(
                id="dispute-1",
                order_id="order-1",
                status=status,
                amount=amount,
                currency="usd",
                reason="fraudulent",
                told_at=clock.now() + timedelta(seconds=seconds),
            )
        )


def test_a_lost_dispute_is_taken_back_and_a_won_one_restored(account: int, bought: dict[str, Any]) -> None:
    dispute("needs_response", 1)
    assert net(account) == 5_000
    dispute("lost", 2)
    assert net(account) == 0
    dispute("needs_response", 1)  # older news
    assert net(account) == 0
    dispute("won", 3)
    assert net(account) == 5_000
    assert books_tie_out()


def test_a_lost_dispute_of_money_already_refunded_takes_nothing_more(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    polar_says(refunded(bought, 3_000))
    dispute("lost", 60)

    assert net(account) == 0
    assert order().returned_amount == 4_000
    assert books_tie_out()


def test_the_owner_is_told_what_was_refunded_and_what_it_took(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    spends(account, 5_000)
    polar_says(refunded(bought, 1_000))
    polar_says(refunded(bought, 1_000))  # told again, written once

    letters = db.session.scalars(select(Letter).where(Letter.kind == "refund_processed")).all()
    [facts] = [letter.facts for letter in letters]
    assert facts["refunded_amount"] == 1_000
    assert (facts["credits_taken"], facts["debt"], facts["full"]) == ("1250", "1150", False)


def test_a_dispute_is_called_one_and_a_refund_beside_it_a_refund(
    account: int, bought: dict[str, Any], polar_says: Says
) -> None:
    polar_says(refunded(bought, 1_000))
    dispute("lost", 60, 2_000)
    dispute("won", 70, 2_000)
    polar_says(refunded(bought, 4_000, 80))

    letters = db.session.scalars(select(Letter).where(Letter.kind.like("refund_%")).order_by(Letter.id)).all()
    assert [(letter.kind, letter.facts["by_dispute"]) for letter in letters] == [
        ("refund_processed", False),
        ("refund_processed", True),
        ("refund_reversed", True),
        ("refund_processed", False),
    ]
    entries = ledger.entries(account, ledger.Filters(transaction_type="refund"))
    assert [one.description for one in reversed(entries)] == [
        "Refund of the Professional package",
        "Disputed payment of the Professional package",
        "Disputed payment of the Professional package undone",
        "Refund of the Professional package",
    ]
    assert net(account) == 0
    assert books_tie_out()


def test_a_dispute_that_was_lost_before_the_purchase_was_heard_of_is_called_one(
    account: int, shelf: Shelf, polar_says: Says
) -> None:
    dispute("lost", 1)
    polar_says(order_paid(shelf["professional"], account, order_id="order-1"))

    letter = db.session.scalars(select(Letter).where(Letter.kind == "refund_processed")).one()
    assert letter.facts["by_dispute"]
    assert net(account) == 0


def test_two_pieces_of_news_at_once_take_back_once(
    app: Flask, account: int, bought: dict[str, Any], client: FlaskClient
) -> None:
    for amount, seconds in ((1_000, 10), (1_000, 10), (2_000, 20), (2_000, 20)):
        deliver(client, refunded(bought, amount, seconds), WEBHOOK_SECRETS[0])
    waiting = webhooks.waiting(10, longer_than=timedelta(0))
    db.session.rollback()

    def handle(event_id: int) -> None:
        with app.app_context():
            jobs.handle_webhook(event_id)

    with ThreadPoolExecutor(len(waiting)) as workers:
        list(workers.map(handle, waiting))

    assert net(account) == 2_500
    assert books_tie_out()


def as_of(refunded_amount: int, modified_seconds: int | None, net_amount: int = 4_000) -> Order:
    moment_ = NOON + timedelta(seconds=modified_seconds) if modified_seconds is not None else None
    return Order(refunded_amount=refunded_amount, net_amount=net_amount, polar_modified_at=moment_)


NOON = clock.now()


@given(
    credits=st.integers(1, 10**15), net_amount=st.integers(1, 10**8), shares=st.lists(st.integers(0, 10**8), max_size=6)
)
def test_taking_back_step_by_step_ends_where_taking_back_at_once_does(
    credits: int, net_amount: int, shares: list[int]
) -> None:
    amount = Decimal(credits) / 1_000_000
    taken = Decimal(0)
    returned = 0
    for share in shares:
        returned = min(returned + share, net_amount)
        target = credits_to_take_back(amount, returned, net_amount)
        assert target - taken >= 0
        taken = target
    assert taken == credits_to_take_back(amount, returned, net_amount)
    assert credits_to_take_back(amount, net_amount, net_amount) == amount
    assert taken * net_amount <= amount * returned


@given(data=st.data())
def test_refunds_told_one_by_one_never_sum_to_more_than_was_paid(data: st.DataObject) -> None:
    rows = [
        Refund(
            amount=data.draw(st.integers(0, 4_000)),
            status=data.draw(st.sampled_from(["pending", "succeeded", "failed", "canceled"])),
            moved=data.draw(st.booleans()),
            told_at=NOON + timedelta(seconds=data.draw(st.integers(0, 9))),
        )
        for _ in range(data.draw(st.integers(0, 4)))
    ]
    disputed = data.draw(st.integers(0, 4_000))
    order = as_of(data.draw(st.integers(0, 4_000)), data.draw(st.none() | st.integers(0, 9)))

    total = money_returned(order, rows, disputed)

    assert 0 <= total <= 4_000
    if order.polar_modified_at is not None and all(row.told_at <= order.polar_modified_at for row in rows):
        assert total == min(order.refunded_amount + disputed, 4_000)
