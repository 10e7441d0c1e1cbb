"""Usage by day: each charge on the account's own day, and nothing lost between two of them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from creditapp import clock, identity, ledger, usage
from creditapp.db import transaction
from tests.entries import every_entry
from tests.web.seeing import FOUNDED, NOON, grant, set_account, signed_up, spend, spend_at

pytestmark = pytest.mark.both_databases

SECOND = timedelta(seconds=1)


@pytest.fixture
def account(app: Flask) -> int:
    return identity.account_id_of(signed_up(app, "alice@example.com"))


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("UTC", datetime(2026, 11, 23, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 23, 5, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2026, 11, 22, 18, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 11, 22, 13, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 11, 22, 10, tzinfo=UTC)),
    ],
)
def test_a_day_begins_at_midnight_in_the_accounts_zone(account: int, zone: str, midnight: datetime) -> None:
    set_account(account, time_zone=zone)
    spend_at(midnight - SECOND, account, 1)
    spend_at(midnight, account, 10)

    with clock.at(NOON):
        by_day = {day.on: day.total for day in usage.daily(account, 5, zone)}
        complete = usage.on_complete_days(account, 5, zone)

    assert by_day[date(2026, 11, 22)] == 1
    assert by_day[date(2026, 11, 23)] == 10
    # On the far side of the date line it is a day later already.
    ago = (NOON.astimezone(ZoneInfo(zone)).date() - date(2026, 11, 23)).days
    assert complete[-ago] == 10
    assert complete[-ago - 1] == 1


def test_the_day_on_which_the_clocks_change_has_all_its_hours(account: int) -> None:
    with clock.at(FOUNDED):
        grant(account, 1_000)
    autumn = datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    for hour in range(25):
        spend_at(autumn + timedelta(hours=hour, minutes=30), account, 1)
    spend_at(autumn + timedelta(hours=25), account, 100)

    with clock.at(autumn + timedelta(days=3)):
        by_day = {day.on: day.total for day in usage.daily(account, 5, "Europe/Berlin")}
        complete = usage.on_complete_days(account, 3, "Europe/Berlin")

    assert by_day[date(2026, 10, 25)] == 25
    assert by_day[date(2026, 10, 26)] == 100
    assert complete == [25, 100]  # nothing is told of days before the first usage


def test_complete_days_add_up_to_what_the_days_say_one_by_one(account: int) -> None:
    with clock.at(FOUNDED):
        grant(account, 100_000)
    for hours in range(24 * 20, 0, -7):
        spend_at(NOON - timedelta(hours=hours), account, hours)

    with clock.at(NOON):
        spend(account, "0.000001")
        days = usage.daily(account, 20, "Europe/Berlin")
        complete = usage.on_complete_days(account, 19, "Europe/Berlin")

    assert complete == [day.total for day in days[:-1]]
    assert days[-1].total > 0


def test_days_without_usage_are_there_and_empty(account: int) -> None:
    with clock.at(NOON):
        days = usage.daily(account, 14, "UTC")

    assert [day.on for day in days] == [date(2026, 11, 11) + timedelta(days=number) for number in range(14)]
    assert all(day.total == 0 for day in days)


def test_another_accounts_usage_is_not_counted(app: Flask, account: int) -> None:
    other = identity.account_id_of(signed_up(app, "charlie@example.com"))
    spend_at(NOON - timedelta(days=1), other, 50)

    with clock.at(NOON):
        assert sum(day.total for day in usage.daily(account, 14, "UTC")) == 0
        assert sum(usage.on_complete_days(account, 14, "UTC")) == 0
        assert usage.used_since(account, 30) == 0
        assert usage.used_since(other, 30) == 50


def give_back(account: int, charge: int, amount: Decimal | int | None = None) -> None:
    with transaction():
        ledger.reverse(account, charge, None if amount is None else Decimal(amount), key=None)


def statistics(account: int, period: str = "last_30_days", zone: str = "UTC") -> usage.Summary:
    with clock.at(NOON):
        return usage.statistics(account, period, zone).summary


def test_an_operation_that_was_given_back_counts_nowhere_but_there(account: int) -> None:
    with clock.at(NOON - timedelta(days=3)):
        grant(account, 1_000)
        failed = spend(account, 40, "image_processing", api_endpoint="/v1/images")
        spend(account, 5, "ai_analysis", api_endpoint="/v1/analyses")
    with clock.at(NOON - timedelta(hours=1)):
        give_back(account, failed)

    found = statistics(account)

    assert (found.operations, found.credits) == (1, 5)
    assert (found.reversed_operations, found.reversed_credits) == (1, 40)
    assert [group.name for group in found.by_operation] == ["ai_analysis"]
    assert [group.name for group in found.by_endpoint] == ["/v1/analyses"]
    assert [day.total for day in found.daily if day.operations] == [5]
    with clock.at(NOON):
        assert usage.used_since(account, 30) == 5
        assert usage.on_complete_days(account, 30, "UTC") == [5, 0, 0]


def test_an_operation_given_back_in_part_counts_with_what_is_left_of_it(account: int) -> None:
    with clock.at(NOON - timedelta(days=1)):
        charge = spend(account, 40, "image_processing")
        give_back(account, charge, 10)
        give_back(account, charge, 5)

    found = statistics(account)

    assert (found.operations, found.credits) == (1, 25)
    assert (found.reversed_operations, found.reversed_credits) == (0, 15)
    with clock.at(NOON):
        give_back(account, charge)
    assert (statistics(account).operations, statistics(account).credits) == (0, 0)


def test_a_refund_of_a_purchase_is_no_operation_given_back(account: int) -> None:
    with clock.at(NOON):
        bought = grant(account, 1_000)
        spend(account, 7)
        with transaction():
            ledger.claw_back(
                account, Decimal(500), purchase_id=bought.id, key="refund", description="", polar_order_id="o"
            )

    assert (statistics(account).credits, statistics(account).reversed_credits) == (7, 0)


def test_a_period_is_compared_with_the_same_stretch_before(account: int) -> None:
    spend_at(NOON - timedelta(days=8), account, 20)
    spend_at(NOON - timedelta(days=7) + timedelta(hours=1), account, 3)  # the stretch before was over then
    spend_at(NOON - timedelta(days=2), account, 30)

    with clock.at(NOON):
        week = usage.statistics(account, "last_7_days", "UTC")

    assert (week.summary.credits, week.credits_before) == (30, 20)
    assert usage.change(week.summary.credits, week.credits_before) == 50
    assert usage.change(Decimal(30), Decimal(0)) is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe"])
def test_statistics_say_what_the_ledger_says_whatever_happened(account: int, zone: str) -> None:
    chance = Random(zone)
    with clock.at(FOUNDED):
        grant(account, 1_000_000)
    for moment in sorted(FOUNDED + chance.random() * (NOON - FOUNDED) for _ in range(120)):
        with clock.at(moment):
            operation = chance.choice(["ai_analysis", "data_export", None])
            charge = spend(account, Decimal(chance.randint(1, 9_999_999)).scaleb(-6), operation)
            if chance.random() < 0.2:
                give_back(account, charge)

    with clock.at(NOON):
        found = usage.statistics(account, "last_90_days", zone)
        entries = list(every_entry(account))

    returned = {entry.reference_id: entry.amount for entry in entries if entry.transaction_type == "reversal"}
    by_day: Counter[date] = Counter()
    by_operation: Counter[str] = Counter()
    for entry in entries:
        if entry.transaction_type == "consumption" and str(entry.id) not in returned:
            by_day[entry.processed_at.astimezone(ZoneInfo(zone)).date()] -= entry.amount  # type: ignore[assignment,operator]
            by_operation[entry.operation_type or "other"] -= entry.amount  # type: ignore[assignment,operator]
    assert {day.on: day.total for day in found.summary.daily if day.total} == dict(by_day)
    assert {group.name: group.credits for group in found.summary.by_operation} == dict(by_operation)
    assert found.summary.credits == sum(by_day.values())
    assert found.summary.reversed_credits == sum(returned.values())
    assert found.summary.reversed_operations == len(returned)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu"])
def test_hours_are_those_of_the_zones_clock(account: int, zone: str) -> None:
    spend_at(NOON - timedelta(hours=1, minutes=50), account, 3)
    spend_at(NOON - timedelta(minutes=50), account, 4)

    with clock.at(NOON):
        asked = usage.statistics(account, "last_24_hours", zone).span
        by_hour = usage.by_day(usage.uses_in(account, asked, hourly=True), asked.hours)

    assert len(by_hour) == 25  # the first and the last in part
    used = {f"{hour.on:%H:%M}": hour.total for hour in by_hour if hour.total}
    assert used == ({"11:00": 3, "12:00": 4} if zone == "Europe/Berlin" else {"15:00": 3, "16:00": 4})


def test_the_hour_that_comes_twice_is_one_and_holds_both(account: int) -> None:
    with clock.at(FOUNDED):
        grant(account, 1_000)
    again = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # half past two in Berlin, and an hour later once more
    spend_at(again, account, 3)
    spend_at(again + timedelta(hours=1), account, 4)

    with clock.at(again + timedelta(hours=12)):
        asked = usage.statistics(account, "last_24_hours", "Europe/Berlin").span
        by_hour = usage.by_day(usage.uses_in(account, asked, hourly=True), asked.hours)

    assert [(f"{hour.on:%H}", hour.total) for hour in by_hour if hour.total] == [("02", 7)]
