"""What keeps recharges from going well is told by one letter, and by no other until it is over."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from creditapp import alerts, charging, checkout, clock, ledger, recharge, schedule
from creditapp.db import transaction
from creditapp.gateway import Card, Payer, PolarOrder
from creditapp.packages import CreditPackage
from tests.alerts.living import charges, told, tops_up
from tests.letters.test_letters import files

pytestmark = pytest.mark.both_databases

HOURS = (0, 1, 2, 5, 30)
VISA = Card(id="pm_1", brand="visa", last4="4242", expires="12/2029", is_default=True)
WISHES: dict[str, Any] = {
    "enabled": True,
    "threshold": Decimal(900),
    "package": "starter",
    "quantity": 1,
    "target": None,
    "monthly_cap_cents": None,
    "notify": "failure",
}
Shelf = dict[str, CreditPackage]


@pytest.fixture
def account(account: int, shelf: Shelf) -> int:
    """Alice's, with her rules and 1,100 credits."""
    with transaction():
        alerts.begin(account)
    tops_up(account, 1_000)
    return account


def switches_on(account: int, **terms: Any) -> None:
    """Recharge with a Starter below 900 credits."""
    with transaction():
        recharge.save(account, recharge.Wishes(**WISHES | terms))
    charging.consider(account)


def saves_card(account: int) -> None:
    with transaction():
        checkout.remember_customer(account, "customer-1")
        if checkout.cards_told(account, Payer(cards=(VISA,), has_address=True)):
            recharge.card_saved(account)


def letters_left() -> list[str]:
    return [one for one in subjects("") if one.endswith("left")]


def goes_on(run_jobs: Callable[[], None]) -> None:
    """Hours in which the clock looks again and again."""
    began = clock.now()
    for hours in HOURS:
        with clock.at(began + timedelta(hours=hours)):
            schedule.consider_recharges()
            schedule.consider_alerts()
            run_jobs()


def subjects(begin: str = "Auto-recharge") -> list[str]:
    lines = [line for file in files() for line in file.read_text().splitlines()]
    told_of = [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]
    return [subject for subject in told_of if subject.startswith(begin)]


def order_of(attempt: recharge.RechargeAttempt, status: str) -> PolarOrder:
    return PolarOrder(
        id="order-1",
        status=status,
        paid=status == "paid",
        product_id=None,
        customer_id="customer-1",
        external_customer_id=None,
        our_checkout_id=None,
        our_recharge_id=str(attempt.id),
        subtotal_amount=1_000,
        discount_amount=0,
        net_amount=1_000,
        tax_amount=0,
        total_amount=1_000,
        refunded_amount=0,
        currency="usd",
        invoice_number=None,
        modified_at=None,
        created_at=clock.now(),
    )


@pytest.mark.parametrize("notify", recharge.NOTIFY)
def test_a_missing_card_is_told_by_one_letter_however_often_it_is_missed(
    account: int, run_jobs: Callable[[], None], notify: str
) -> None:
    switches_on(account, notify=notify)
    assert subjects() == []  # nothing is wanted yet
    charges(account, 300)
    for _ in range(3):
        charges(account, 1)
    goes_on(run_jobs)

    assert subjects() == ["Auto-recharge needs a card"]
    assert told(account) == [("auto_recharge_failed", "active")]
    [alert] = alerts.page(account, 9)
    assert alert.email_sent


def test_a_card_that_is_gone_again_later_is_told_again(account: int, run_jobs: Callable[[], None]) -> None:
    switches_on(account)
    charges(account, 300)
    run_jobs()
    saves_card(account)
    assert told(account) == [("auto_recharge_failed", "resolved")]

    with transaction():
        recharge.switch(account, on=False)
        checkout.cards_told(account, Payer(cards=(), has_address=True))
    with clock.at(clock.now() + timedelta(hours=2)):
        run_jobs()
        switches_on(account)
        run_jobs()
    assert subjects() == ["Auto-recharge needs a card"] * 2


def test_a_package_that_is_no_longer_sold_is_told_once_with_its_reason(
    account: int, shelf: Shelf, run_jobs: Callable[[], None]
) -> None:
    saves_card(account)
    with transaction():
        shelf["starter"].active = False
    switches_on(account)
    charges(account, 300)
    goes_on(run_jobs)

    assert subjects() == ["Auto-recharge is not possible now"]
    assert "Starter can't be bought: It is no longer sold." in alerts.page(account, 9)[0].message


def test_what_an_owner_switched_off_before_its_letter_went_is_not_told(
    account: int, run_jobs: Callable[[], None]
) -> None:
    switches_on(account)
    charges(account, 300)
    run_jobs()
    with clock.at(clock.now() + timedelta(minutes=10)):
        for on in (False, True):
            with transaction():
                recharge.switch(account, on=on)
            charging.consider(account)
        with transaction():
            recharge.switch(account, on=False)
    goes_on(run_jobs)

    assert subjects() == ["Auto-recharge needs a card"]
    assert {status for _, status in told(account)} == {"resolved"}
    assert ledger.balance(account).available == 800


@pytest.fixture
def under_way(account: int, run_jobs: Callable[[], None]) -> recharge.RechargeAttempt:
    """A recharge that was begun and of which nothing was charged; low credits stand in the inbox alone."""
    saves_card(account)
    switches_on(account)
    charges(account, 650)
    [attempt] = recharge.attempts(account, 9)
    with transaction():
        assert recharge.claim(attempt.id) is not None
        recharge.postpone(attempt.id, "Polar can't be reached.")
    run_jobs()
    assert (attempt.state, told(account), letters_left()) == ("requested", [("low_balance", "active")], [])
    return attempt


def switches_off(account: int) -> None:
    with transaction():
        recharge.switch(account, on=False)


def test_low_credits_are_mailed_once_the_recharge_that_was_to_tell_is_switched_off(
    account: int, under_way: recharge.RechargeAttempt, run_jobs: Callable[[], None]
) -> None:
    charges(account, 50)
    switches_off(account)
    goes_on(run_jobs)

    assert under_way.state == "canceled"
    assert letters_left() == ["400 credits left"]  # what is available now
    assert told(account) == [("low_balance", "active")]
    assert alerts.page(account, 9)[0].email_sent


def test_low_credits_are_mailed_when_a_lost_answer_turns_out_to_be_a_draft(
    account: int, under_way: recharge.RechargeAttempt, run_jobs: Callable[[], None]
) -> None:
    began = clock.now()
    with transaction():
        recharge.drafted(under_way.id, "order-1")
    with transaction():
        assert recharge.claim(under_way.id) is not None
        recharge.postpone(under_way.id, "The answer was lost.")
    switches_off(account)
    draft = order_of(under_way, "draft")
    with clock.at(began + timedelta(minutes=30)):
        with transaction():
            recharge.told(under_way.id, draft)
        run_jobs()

    assert under_way.state == "canceled"
    assert letters_left() == ["450 credits left"]


@pytest.mark.parametrize("is_charged", [False, True], ids=["nothing was charged", "it is not known"])
def test_low_credits_are_mailed_when_a_recharge_is_given_up_after_twenty_hours(
    account: int, under_way: recharge.RechargeAttempt, run_jobs: Callable[[], None], is_charged: bool
) -> None:
    began = clock.now()
    if is_charged:
        with transaction():
            recharge.drafted(under_way.id, "order-1")
        with transaction():
            recharge.claim(under_way.id)
    with clock.at(began + timedelta(hours=21)):
        with transaction():
            recharge.postpone(under_way.id, "Polar can't be reached.")
        run_jobs()
    assert under_way.state == ("needs_operator" if is_charged else "canceled")
    assert letters_left() == ["450 credits left"]


def test_no_letter_catches_up_while_another_recharge_begins_or_where_it_was_seen(
    account: int, under_way: recharge.RechargeAttempt, run_jobs: Callable[[], None]
) -> None:
    with transaction():
        recharge.save(account, recharge.Wishes(**WISHES | {"quantity": 2}))
    with clock.at(clock.now() + timedelta(minutes=1)), transaction():
        assert recharge.claim(under_way.id) is None
    assert under_way.state == "canceled"
    assert recharge.in_flight(account)
    assert letters_left() == []

    with transaction():
        alerts.acknowledge(account, alerts.page(account, 9)[0].id)
    switches_off(account)
    goes_on(run_jobs)
    assert not recharge.in_flight(account)
    assert letters_left() == []
