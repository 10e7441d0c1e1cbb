"""What changes with time: unusual days with their numbers, runway, credits that expire; each told once, in the
account's own days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from creditapp import alerts, clock, identity, ledger, schedule, watching
from creditapp.db import transaction
from tests.alerts.living import told
from tests.web.seeing import DAY, HOUR, NOON, grant, set_account, signed_up, spend, spend_at

pytestmark = pytest.mark.both_databases


@pytest.fixture
def account(app: Flask) -> int:
    """Alice's, with plenty of credits that don't expire soon."""
    found = identity.account_id_of(signed_up(app, "alice@example.com"))
    with clock.at(NOON - 40 * DAY):
        grant(found, 1_000_000)
        with transaction():
            alerts.consider(found)
    return found


def used_daily(account: int, days: int, amount: int, **facts: Any) -> None:
    """So much on each of the last *days* complete days."""
    for ago in range(days, 0, -1):
        with clock.at(NOON - ago * DAY):
            spend(account, amount, **facts)


def watched(account: int, moment: datetime = NOON) -> list[str]:
    """What is told at this look, newest first."""
    with clock.at(moment):
        before = {alert.id for alert in alerts.page(account, 99)}
        watching.watch(account)
        return [alert.message for alert in alerts.page(account, 99) if alert.id not in before]


def change(account: int, kind: str, threshold: int | None = None, *, enabled: bool = True) -> None:
    with transaction():
        ledger.lock(account)
        rule = next(one for one in alerts.rules_of(account) if one.kind == kind)
        number = Decimal(threshold) if threshold is not None else None
        alerts.save(account, rule.id, enabled=enabled, mail=True, threshold=number)


def key_named(account: int, name: str) -> int:
    with transaction():
        identity.create_key(account, name=name, scopes=("consume",), live=False)
    return next(key.id for key in identity.keys_of(account) if key.name == name)


def test_a_day_of_more_than_three_times_the_usual_is_told_once_with_its_numbers(account: int) -> None:
    used_daily(account, 14, 200)
    spend_at(NOON, account, 600)
    assert watched(account) == []
    spend_at(NOON, account, 1)

    [message] = watched(account)
    assert message == (
        "601 credits used on 24 Nov 2026. That is 3 times the 200 of a usual day, the median of the last 14 days. "
        "The alert is set to more than 3 times."
    )
    spend_at(NOON + HOUR, account, 5_000)
    assert watched(account, NOON + 2 * HOUR) == []


def test_without_a_week_of_history_nothing_is_unusual(account: int) -> None:
    used_daily(account, 6, 200)
    spend_at(NOON, account, 5_000)
    assert watched(account) == []


def test_days_like_it_are_no_news_until_a_quiet_one_came_between(account: int) -> None:
    used_daily(account, 14, 200)
    for later in range(3):
        spend_at(NOON + later * DAY, account, 2_000)
        watched(account, NOON + later * DAY + HOUR)
    assert told(account) == [("high_usage", "active")]

    spend_at(NOON + 3 * DAY, account, 100)
    spend_at(NOON + 4 * DAY, account, 3_000)
    assert len(watched(account, NOON + 4 * DAY + HOUR)) == 1
    assert told(account) == [("high_usage", "resolved"), ("high_usage", "active")]


def test_a_key_unlike_its_other_days_is_named(account: int) -> None:
    importer = key_named(account, "nightly-import")
    for ago in range(10, 0, -1):
        spend_at(NOON - ago * DAY, account, 5_000)
        with clock.at(NOON - ago * DAY):
            spend(account, 20, api_key_id=importer)
    spend_at(NOON, account, 4_000)
    with clock.at(NOON):
        spend(account, 100, api_key_id=importer)

    [message] = watched(account)
    assert message.startswith("100 credits used on 24 Nov 2026 by the key nightly-import. That is 5 times the 20 of")
    assert watched(account, NOON + HOUR) == []
    assert alerts.page(account, 1)[0].api_key_id == importer


def test_an_unusual_day_of_the_account_names_the_key_behind_it_and_is_told_once(account: int) -> None:
    importer = key_named(account, "nightly-import")
    used_daily(account, 10, 20, api_key_id=importer)
    with clock.at(NOON):
        spend(account, 1_000, api_key_id=importer)

    [message] = watched(account)
    assert message.endswith("Most of it by the key nightly-import.")
    assert watched(account, NOON + HOUR) == []


def test_spend_a_day_is_told_above_its_number_on_the_accounts_own_day(account: int) -> None:
    set_account(account, time_zone="Asia/Kathmandu")
    change(account, "daily_spend", 1_000)
    change(account, "spike", enabled=False)
    midnight = datetime(2026, 11, 24, 18, 15, tzinfo=UTC)  # of the 25th, in Kathmandu
    spend_at(midnight - HOUR, account, 900)
    spend_at(midnight + HOUR, account, 1_000)
    assert watched(account, midnight + 2 * HOUR) == []

    spend_at(midnight + 3 * HOUR, account, 1)
    assert watched(account, midnight + 4 * HOUR) == [
        "1,001 credits used on 25 Nov 2026. The alert is set to more than 1,000 a day."
    ]


def test_one_key_can_have_a_number_of_its_own(account: int) -> None:
    importer = key_named(account, "nightly-import")
    with transaction():
        rule = alerts.add_for_key(account, importer, Decimal(50)).id
    with clock.at(NOON):
        spend(account, 5_000)
        spend(account, 50, api_key_id=importer)
    assert watched(account) == []
    with clock.at(NOON):
        spend(account, 1, api_key_id=importer)
    assert watched(account) == [
        "51 credits used on 24 Nov 2026 by the key nightly-import. The alert is set to more than 50 a day."
    ]
    with transaction():
        alerts.remove(account, rule)
    assert told(account) == [("high_usage", "resolved")]


def test_operations_given_back_do_not_count(account: int) -> None:
    used_daily(account, 14, 200)
    charged = spend_at(NOON, account, 2_000)
    with clock.at(NOON), transaction():
        ledger.reverse(account, charged, key="back")
    assert watched(account) == []


def test_runway_is_told_once_it_is_short_and_over_with_a_top_up(account: int) -> None:
    change(account, "runway", 7)
    left = ledger.balance(account).available - 14 * 1_000
    used_daily(account, 14, 1_000)
    assert watched(account) == []
    with clock.at(NOON), transaction():
        ledger.adjust(account, Decimal(5_000) - left, reason="so that five days are left", key="down")

    [message] = watched(account)
    assert message.startswith("5 days left at your pace. 5,000 credits last until 29 Nov 2026")
    assert watched(account, NOON + HOUR) == []
    with clock.at(NOON + HOUR):
        grant(account, 50_000)
    watched(account, NOON + 2 * HOUR)
    assert told(account) == [("runway", "resolved")]


def test_credits_that_expire_are_told_thirty_days_a_week_and_a_day_ahead(account: int) -> None:
    expires = NOON + 40 * DAY
    with clock.at(NOON):
        grant(account, 300, transaction_type="bonus", expires_at=expires)
    heard = []
    for ago in range(41, -1, -1):
        heard += [(ago, message.partition(".")[0]) for message in watched(account, expires - ago * DAY)]
    ours = [(ago, words) for ago, words in heard if words.startswith("300")]
    assert ours == [
        (30, "300 credits expire in 30 days"),
        (7, "300 credits expire in 7 days"),
        (1, "300 credits expire tomorrow"),
    ]


def test_only_the_narrowest_window_is_told_of_credits_that_begin_short(account: int) -> None:
    with clock.at(NOON):
        grant(account, 300, transaction_type="bonus", expires_at=NOON + 5 * DAY)
        grant(account, 200, transaction_type="bonus", expires_at=NOON + 5 * DAY + HOUR)
    assert [message.partition(".")[0] for message in watched(account)] == ["500 credits expire in 5 days"]
    assert watched(account, NOON + 6 * HOUR) == []


def test_the_day_of_an_expiry_is_the_accounts_own(account: int) -> None:
    set_account(account, time_zone="Pacific/Kiritimati")  # the 25th there, at noon of the 24th
    with clock.at(NOON):
        grant(account, 300, transaction_type="bonus", expires_at=datetime(2026, 11, 26, 9, tzinfo=UTC))
    [message] = watched(account)
    assert message.startswith(
        "300 credits expire tomorrow. They are spent before all others. What is left of them on 26"
    )


def test_what_was_spent_in_time_is_over(account: int) -> None:
    with clock.at(NOON):
        grant(account, 300, transaction_type="bonus", expires_at=NOON + 5 * DAY)
    watched(account)
    spend_at(NOON + HOUR, account, 400)
    watched(account, NOON + 2 * HOUR)
    assert told(account) == [("credits_expiring", "resolved")]


def test_the_clock_looks_at_everybody_soon_after_they_moved_and_now_and_then_else(account: int) -> None:
    def due(moment: datetime) -> bool:
        with clock.at(moment):
            return account in alerts.unmeasured_accounts(99)

    assert due(NOON)
    with clock.at(NOON):
        schedule.watch_accounts()
    assert not due(NOON + timedelta(minutes=5))
    assert not due(NOON + timedelta(minutes=11))  # nothing moved
    spend_at(NOON + timedelta(minutes=1), account, 5)
    assert not due(NOON + timedelta(minutes=9))
    assert due(NOON + timedelta(minutes=11))
    with clock.at(NOON + timedelta(minutes=11)):
        schedule.watch_accounts()
    assert not due(NOON + 5 * HOUR)
    assert due(NOON + 7 * HOUR)


def test_the_operator_sees_unusual_use_of_everybody_until_it_is_over(app: Flask, account: int) -> None:
    used_daily(account, 14, 200)
    spend_at(NOON, account, 2_000)
    watched(account)
    with transaction():
        alerts.dismiss(account, alerts.page(account, 1)[0].id)

    [seen] = alerts.unusual(9)
    assert (seen.email, seen.alert.account_id) == ("alice@example.com", account)
    assert seen.alert.details["on"] == date(2026, 11, 24).isoformat()
    watched(account, NOON + 2 * DAY)
    assert alerts.unusual(9) == []
