"""What keeps recharges from going well is told by one letter, and by no other until it is over."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from creditapp import alerts, charging, checkout, clock, ledger, recharge, schedule
from creditapp.db import transaction
from creditapp.gateway import Card, Payer
from creditapp.packages import CreditPackage
from tests.alerts.living import charges, told, tops_up
from tests.letters.test_letters import files

pytestmark = pytest.mark.both_databases

HOURS = (0, 1, 2, 5, 30)
VISA = Card(id="pm_1", brand="visa", last4="4242", expires="12/2029", is_default=True)
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
    usual: dict[str, Any] = {"enabled": True, "threshold": Decimal(900), "package": "starter", "quantity": 1}
    more: dict[str, Any] = {"target": None, "monthly_cap_cents": None, "notify": "failure"}
    with transaction():
        recharge.save(account, recharge.Wishes(**{**usual, **more, **terms}))
    charging.consider(account)


def saves_card(account: int) -> None:
    with transaction():
        checkout.remember_customer(account, "customer-1")
        if checkout.cards_told(account, Payer(cards=(VISA,), has_address=True)):
            recharge.card_saved(account)


def goes_on(run_jobs: Callable[[], None]) -> None:
    """Hours in which the clock looks again and again."""
    began = clock.now()
    for hours in HOURS:
        with clock.at(began + timedelta(hours=hours)):
            schedule.consider_recharges()
            schedule.consider_alerts()
            run_jobs()


def subjects() -> list[str]:
    lines = [
        line for file in files() for line in file.read_text().splitlines() if line.startswith("Subject: Auto-rech")
    ]
    return [line.removeprefix("Subject: ") for line in lines]


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
