"""What nobody looked at the clock finds, however many accounts there are, and who waited longest comes first."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from creditapp import alerts, charging, clock, identity, ledger, recharge, schedule
from creditapp.db import transaction
from creditapp.packages import CreditPackage
from tests.alerts.living import charges, told, tops_up
from tests.web.seeing import DAY, HOUR, NOON, grant, recharge_at, signed_up, spend

pytestmark = pytest.mark.both_databases

Open = Callable[[], int]


@pytest.fixture
def open_account(app: Flask) -> Open:
    """Another account with its rules and 1,100 credits."""
    names = iter("abcdefghij")

    def opened() -> int:
        account = identity.account_id_of(signed_up(app, f"{next(names)}@example.com"))
        with transaction():
            alerts.begin(account)
        tops_up(account, 1_000)
        return account

    return opened


def owes(account: int) -> None:
    """A purchase is refunded that was spent, and nobody looks."""
    purchase = ledger.entries(account, ledger.Filters("purchase"))[0]
    spend(account, 1_000)
    with transaction():
        ledger.claw_back(
            account, Decimal(1_000), purchase_id=purchase.id, key="r", description="refund", polar_order_id="o"
        )


def test_debt_and_its_end_that_nobody_looked_at_are_found_by_the_clock(open_account: Open) -> None:
    account = open_account()
    owes(account)
    schedule.consider_alerts()
    assert ("debt", "active") in told(account)
    grant(account, 5_000)
    schedule.consider_alerts()
    assert ("debt", "resolved") in told(account)


def test_the_clock_finds_exactly_those_accounts_at_which_there_is_something_to_consider(open_account: Open) -> None:
    _idle, low, lower, recovered, empty, indebted, repaid, silent = accounts = [open_account() for _ in range(8)]
    for account in (low, lower, recovered):
        charges(account, 600)
    charges(empty, 1_100)
    with transaction():
        for rule in alerts.rules_of(silent):
            alerts.save(silent, rule.id, enabled=False, mail=True, threshold=None)
    for account in (indebted, repaid):
        owes(account)
    schedule.consider_alerts()
    assert alerts.due_accounts(99) == []

    spend(lower, 400)
    grant(recovered, 1_000)
    grant(empty, 1, transaction_type="bonus")
    grant(repaid, 5_000)
    spend(silent, 1_000)

    assert sorted(alerts.due_accounts(99)) == sorted([lower, recovered, empty, repaid])
    assert [account for account in accounts if alerts.is_due(account)] == [lower, recovered, empty, repaid]
    assert len(alerts.due_accounts(2)) == 2


def test_who_waited_longest_is_measured_first(open_account: Open) -> None:
    first, second, new = (open_account() for _ in range(3))
    for account, moment in ((first, NOON), (second, NOON - HOUR)):
        with clock.at(moment), transaction():
            alerts.measure(account, alerts.Reading(today=moment.date()))

    with clock.at(NOON + DAY):
        assert alerts.unmeasured_accounts(3) == [new, second, first]


def test_who_waited_longest_is_considered_for_a_recharge_first(
    open_account: Open, shelf: dict[str, CreditPackage]
) -> None:
    first, second, new = (open_account() for _ in range(3))
    for account, moment in ((first, NOON), (second, NOON - HOUR), (new, None)):
        recharge_at(account, threshold=2_000)
        if moment is not None:
            with clock.at(moment):
                charging.consider(account)

    with clock.at(NOON + DAY):
        assert recharge.due_accounts(3, not_since=timedelta(minutes=5)) == [new, second, first]
