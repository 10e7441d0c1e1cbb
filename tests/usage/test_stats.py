"""Usage by day: each charge on the account's own day, and nothing lost between two of them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from creditapp import clock, identity, usage
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
    assert complete == [0, 25, 100]


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
