"""A crossing is told once; hovering is not told; a top-up resolves and arms; whoever crosses at once meets."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from creditapp import alerts, clock, identity, ledger, schedule
from creditapp.db import db, transaction
from creditapp.errors import NotFound
from creditapp.letters import Letter
from creditapp.packages import CreditPackage
from tests.alerts.living import charges, told, tops_up
from tests.browsing import Api
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, order_paid
from tests.racing import CALLERS, Racers
from tests.web.seeing import DAY, FOUNDED, HOUR, NOON, grant, signed_up, spend

pytestmark = pytest.mark.both_databases


@pytest.fixture
def account(app: Flask) -> int:
    """Alice's, with 100 welcome credits, as it is after she signed up."""
    found = identity.account_id_of(signed_up(app, "alice@example.com"))
    with transaction():
        alerts.begin(found)
    return found


def rule(account: int, kind: str) -> alerts.AlertRule:
    with transaction():
        ledger.lock(account)
        return next(one for one in alerts.rules_of(account) if one.kind == kind)


def test_a_new_account_is_told_that_it_runs_low_without_any_set_up(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 599)
    assert told(account) == []
    charges(account, 1)

    [alert] = alerts.page(account, 9)
    assert (alert.alert_type, alert.status) == ("low_balance", "active")
    assert (alert.trigger_balance, alert.current_balance) == (500, 500)
    assert alert.message == "500 credits left. The alert is set to 500 or below. At 0 new charges are refused."


@pytest.mark.settings(low_balance_threshold=80)
def test_the_sellers_threshold_is_where_it_begins(account: int) -> None:
    charges(account, 19)
    assert told(account) == []
    charges(account, 1)
    assert told(account) == [("low_balance", "active")]


def test_who_begins_below_is_not_told_at_the_first_charge_but_at_a_fifth_of_what_came(account: int) -> None:
    charges(account, 79)
    assert told(account) == []
    charges(account, 1)

    [alert] = alerts.page(account, 9)
    assert alert.message.startswith("20 credits left. That is at or below 20 % of the 100 credits that came in last.")


@pytest.mark.parametrize("came", ["0.000006", "12.34567"], ids=["six millionths", "five decimals"])
def test_the_finest_credits_that_come_in_are_watched_like_any_others(account: int, came: str) -> None:
    charges(account, 100)
    tops_up(account, came)
    charges(account, came)
    assert told(account) == [("zero_balance", "resolved"), ("zero_balance", "active")]


def test_hovering_around_the_threshold_does_not_nag(account: int) -> None:
    tops_up(account, 500)
    charges(account, 110)  # 490 are left
    for _ in range(5):
        tops_up(account, 60)  # 550: not above it
        charges(account, 60)
    assert told(account) == [("low_balance", "active")]


def test_a_top_up_resolves_and_the_next_crossing_is_told_again(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 650)
    tops_up(account, 1_000)
    assert told(account) == [("low_balance", "resolved")]

    charges(account, 1_000)
    assert told(account) == [("low_balance", "resolved"), ("low_balance", "active")]


def test_what_was_dismissed_stays_dismissed_and_the_next_crossing_is_told(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 650)
    with transaction():
        alerts.dismiss(account, alerts.page(account, 1)[0].id)
    charges(account, 10)
    tops_up(account, 1_000)
    charges(account, 1_000)
    assert told(account) == [("low_balance", "dismissed"), ("low_balance", "active")]


def test_one_fall_through_everything_is_told_once_by_the_most_urgent(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 1_100)
    assert told(account) == [("zero_balance", "active")]


def test_nothing_left_is_over_with_the_first_credit_and_not_news_with_the_last(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 1_100)
    tops_up(account, 10, transaction_type="bonus")
    charges(account, 10)
    assert told(account) == [("zero_balance", "resolved")]


def test_a_hold_that_leaves_little_is_told_as_well(account: int, make_key: Any, api: Callable[[str], Api]) -> None:
    tops_up(account, 1_000)
    held = api(make_key(account)).post("/holds", {"amount": 900})
    assert held.status_code == 201
    assert told(account) == [("low_balance", "active")]


def test_a_charge_through_the_api_is_looked_at_and_a_reversal_is_too(
    account: int, make_key: Any, api: Callable[[str], Api]
) -> None:
    tops_up(account, 1_000)
    program = api(make_key(account))
    charged = program.post("/consume", {"amount": 700}).json
    assert told(account) == [("low_balance", "active")]
    assert program.post(f"/transactions/{charged['transaction_id']}/reverse").status_code == 201
    assert told(account) == [("low_balance", "resolved")]


def test_a_charge_that_crosses_nothing_writes_nothing(account: int) -> None:
    tops_up(account, 5_000)
    version = rule(account, "balance").updated_at
    with clock.at(clock.now() + HOUR):
        charges(account, 100)
    assert rule(account, "balance").updated_at == version


def test_sixty_four_charges_that_cross_at_once_raise_one_alert(app: Flask, account: int, racers: Racers) -> None:
    tops_up(account, 460)
    url = str(app.config["SQLALCHEMY_DATABASE_URI"])
    racers.race(url, charges, [(account, 1)] * CALLERS)

    assert ledger.balance(account).available == 560 - CALLERS
    assert told(account) == [("low_balance", "active")]
    assert letters_written(account) == 1


def letters_written(account: int) -> int:
    return (
        db.session.scalar(select(func.count()).where(Letter.account_id == account, Letter.kind == alerts.LETTER_KIND))
        or 0
    )


def test_the_database_refuses_a_second_alert_that_stands_for_the_same(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 700)
    [first] = alerts.page(account, 9)
    facts = {name: getattr(first, name) for name in ("account_id", "rule_id", "alert_type", "subject", "message")}
    balances = {"trigger_balance": Decimal(1), "current_balance": Decimal(1)}
    with pytest.raises(IntegrityError), transaction():
        db.session.add(alerts.CreditAlert(**facts, **balances, triggered_at=clock.now(), email_sent=False))
        db.session.flush()


def test_a_crossing_that_nobody_looked_at_is_found_by_the_clock(account: int) -> None:
    tops_up(account, 1_000)
    spend(account, 700)  # the process died before its look
    schedule.consider_alerts()
    assert told(account) == [("low_balance", "active")]
    grant(account, 1_000)
    schedule.consider_alerts()
    assert told(account) == [("low_balance", "resolved")]
    assert alerts.due_accounts(9) == []


def test_a_look_at_an_account_that_stays_low_considers_nothing(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 700)
    assert not alerts.is_due(account)
    spend(account, 399)
    assert alerts.is_due(account)  # a fifth of what came in


def test_one_credit_given_back_at_zero_ends_the_alert_that_nothing_is_left(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 1_100)
    grant(account, 1, transaction_type="bonus")
    schedule.consider_alerts()
    assert told(account) == [("zero_balance", "resolved")]
    assert alerts.due_accounts(9) == []


def test_credits_that_lapse_are_a_crossing_too(account: int) -> None:
    with clock.at(NOON):
        grant(account, 600, transaction_type="bonus", expires_at=NOON + DAY)
        with transaction():
            alerts.consider(account)
    with clock.at(NOON + DAY + HOUR):
        schedule.expire_credits()
        schedule.consider_alerts()
        assert told(account) == [("low_balance", "active")]


def test_a_purchase_resolves_in_the_moment_it_is_credited(
    client: FlaskClient, account: int, shelf: dict[str, CreditPackage], run_jobs: Callable[[], None]
) -> None:
    tops_up(account, 1_000)
    charges(account, 700)
    deliver(client, order_paid(shelf["professional"], account), WEBHOOK_SECRETS[0])
    run_jobs()
    assert told(account) == [("low_balance", "resolved")]


def test_debt_is_told_and_is_over_when_it_is_repaid(account: int, shelf: dict[str, CreditPackage]) -> None:
    tops_up(account, 1_000)
    purchase = ledger.entries(account)[0]
    charges(account, 1_000)
    with transaction():
        ledger.claw_back(
            account, Decimal(1_000), purchase_id=purchase.id, key="r", description="refund", polar_order_id="o"
        )
        alerts.consider(account, told={"debt"})
    assert ("debt", "active") in told(account)
    tops_up(account, 5_000)
    assert ("debt", "resolved") in told(account)


@pytest.mark.settings(hold_overrun_debt=True)
def test_work_that_cost_more_than_there_is_tells_of_the_debt(
    account: int, make_key: Any, api: Callable[[str], Api]
) -> None:
    program = api(make_key(account))
    held = program.post("/holds", {"amount": 100}).json
    assert program.post(f"/holds/{held['hold_id']}/capture", {"amount": 130}).status_code == 201
    schedule.consider_alerts()

    [debt] = [alert for alert in alerts.page(account, 9) if alert.alert_type == "debt"]
    assert debt.message.startswith("30 credits owed. New charges are refused until they are repaid.")


def test_switched_off_nothing_is_told_and_on_again_only_the_next_crossing(account: int) -> None:
    tops_up(account, 1_000)
    number = rule(account, "balance").id
    with transaction():
        alerts.save(account, number, enabled=False, mail=True, threshold=None)
    charges(account, 700)
    with transaction():
        alerts.save(account, number, enabled=True, mail=True, threshold=None)
    charges(account, 10)
    assert told(account) == []
    tops_up(account, 1_000)
    charges(account, 1_000)
    assert told(account) == [("low_balance", "active")]


def test_a_threshold_below_what_is_left_ends_the_alert_of_the_old_one(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 700)
    number = rule(account, "balance").id
    with transaction():
        alerts.save(account, number, enabled=True, mail=True, threshold=Decimal(300))
    assert told(account) == [("low_balance", "resolved")]
    charges(account, 101)
    assert told(account) == [("low_balance", "resolved"), ("low_balance", "active")]


def test_nobody_marks_or_changes_what_is_anothers(app: Flask, account: int) -> None:
    other = identity.account_id_of(signed_up(app, "charlie@example.com"))
    tops_up(account, 1_000)
    charges(account, 700)
    [alert] = alerts.page(account, 9)
    mine = rule(account, "balance").id
    for verb in (
        lambda: alerts.acknowledge(other, alert.id),
        lambda: alerts.dismiss(other, alert.id),
        lambda: alerts.save(other, mine, enabled=False, mail=False, threshold=None),
        lambda: alerts.remove(other, mine),
    ):
        with pytest.raises(NotFound), transaction():
            verb()
    assert told(account) == [("low_balance", "active")]


def test_an_account_that_has_no_rules_yet_is_told_of_what_it_fell_to(app: Flask) -> None:
    account = identity.account_id_of(signed_up(app, "charlie@example.com"))
    with clock.at(FOUNDED + DAY):
        grant(account, 1_000)
        spend(account, 700)
    schedule.watch_accounts()
    schedule.consider_alerts()
    assert told(account) == [("low_balance", "active")]
