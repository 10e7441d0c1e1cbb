"""What was used and what will be, as programs are told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from creditapp import checkout, clock, identity, ledger
from creditapp.db import transaction
from creditapp.gateway import Payer
from creditapp.packages import CreditPackage
from tests.browsing import Api
from tests.web.seeing import FOUNDED, NOON, VISA, grant, recharge_at, set_account, signed_up, spend

Shelf = dict[str, CreditPackage]
DAY = timedelta(days=1)


@pytest.fixture
def account(app: Flask) -> int:
    """Alice's account: eight weeks old, 100 welcome credits with five weeks left."""
    return identity.account_id_of(signed_up(app, "alice@example.com"))


@pytest.fixture
def program(account: int, shelf: Shelf, make_key: Callable[..., str], api: Callable[..., Api]) -> Api:
    return api(make_key(account))


def asked(program: Api, path: str, at: datetime = NOON) -> Any:
    with clock.at(at):
        answer = program.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


def used_every_day(account: int, days: int, amount: int, *, bought: int = 100_000) -> None:
    with clock.at(NOON - (days + 1) * DAY):
        grant(account, bought)
    for ago in range(days, 0, -1):
        with clock.at(NOON - ago * DAY):
            spend(account, amount)


@pytest.mark.both_databases
def test_statistics_say_how_often_what_and_where(program: Api, account: int) -> None:
    with clock.at(NOON - 2 * DAY):
        spend(account, 10, "image_processing", api_endpoint="/v1/images")
        spend(account, 1, "basic_api_call", api_endpoint="/v1/records")
        failed = spend(account, 25, "ai_analysis", api_endpoint="/v1/analyses")
        with transaction():
            ledger.reverse(account, failed, key=None)
    with clock.at(NOON - DAY):
        spend(account, 1, "basic_api_call", api_endpoint="/v1/records")
        spend(account, "0.5", None)

    answer = asked(program, "/usage_stats?period=last_7_days")

    daily = answer.pop("daily")
    assert answer == {
        "period": "last_7_days",
        "from": "2026-11-18T00:00:00Z",
        "to": "2026-11-24T12:00:00Z",
        "time_zone": "UTC",
        "api_calls_count": 4,
        "total_credits": 12.5,
        "average_cost_per_call": 3.125,
        "highest_cost_operation": "image_processing",
        "credits_before": 0,
        "change_percentage": None,
        "reversed": {"operations": 1, "credits": 25},
        "by_operation": [
            {"operation_type": "image_processing", "operations": 1, "credits": 10},
            {"operation_type": "basic_api_call", "operations": 2, "credits": 2},
            {"operation_type": "other", "operations": 1, "credits": 0.5},
        ],
        "by_endpoint": [
            {"api_endpoint": "/v1/images", "operations": 1, "credits": 10},
            {"api_endpoint": "/v1/records", "operations": 2, "credits": 2},
            {"api_endpoint": None, "operations": 1, "credits": 0.5},
        ],
        "by_key": [{"api_key_id": None, "operations": 4, "credits": 12.5}],
    }
    assert len(daily) == 7
    assert daily[4] == {
        "date": "2026-11-22",
        "operations": 2,
        "credits": 11,
        "by_operation": {"image_processing": 10, "basic_api_call": 1},
    }
    assert daily[6] == {"date": "2026-11-24", "operations": 0, "credits": 0, "by_operation": {}}


@pytest.mark.both_databases
def test_without_usage_counts_are_0_and_averages_are_null(program: Api) -> None:
    answer = asked(program, "/usage_stats")

    assert (answer["period"], len(answer["daily"])) == ("last_30_days", 30)
    assert (answer["api_calls_count"], answer["total_credits"]) == (0, 0)
    assert (answer["average_cost_per_call"], answer["highest_cost_operation"]) == (None, None)
    assert (answer["by_operation"], answer["by_endpoint"]) == ([], [])


def test_what_a_key_charged_is_told_by_its_id(program: Api, account: int) -> None:
    assert program.post("/consume", {"operation_type": "api_call", "api_endpoint": "/v1/x"}).status_code == 201

    (key,) = program.get("/usage_stats?period=last_24_hours").json["by_key"]

    assert key == {"api_key_id": str(identity.keys_of(account)[0].id), "operations": 1, "credits": 1}


@pytest.mark.parametrize(
    ("period", "days"), [("last_24_hours", 2), ("last_7_days", 7), ("last_90_days", 90), ("last_year", 365)]
)
def test_a_period_goes_back_as_far_as_it_says(program: Api, account: int, period: str, days: int) -> None:
    answer = asked(program, f"/usage_stats?period={period}")

    assert len(answer["daily"]) == days
    assert answer["daily"][-1]["date"] == "2026-11-24"


def test_days_are_the_accounts_own_or_those_of_the_zone_that_is_asked_for(program: Api, account: int) -> None:
    set_account(account, time_zone="America/New_York")
    with clock.at(datetime.fromisoformat("2026-11-23T20:00:00Z")):
        spend(account, 5)

    def day_of_use(query: str) -> str:
        daily = asked(program, f"/usage_stats?{query}")["daily"]
        return next(str(day["date"]) for day in daily if day["credits"])

    assert day_of_use("period=last_7_days") == "2026-11-23"
    assert day_of_use("period=last_7_days&tz=Asia/Kolkata") == "2026-11-24"


@pytest.mark.parametrize(
    "query",
    [
        "period=last_century",
        "tz=Mars/Olympus",
        "tz=localtime",
        "tz=../../etc/passwd",
        "tz=",
        "days=3",
        "period=last_year&x=1",
        "period=custom",
        "period=custom&from=2026-11-01",
        "period=custom&to=2026-11-01",
        "from=2026-11-01&to=2026-11-02",
        "period=last_year&to=2026-11-02",
        "period=custom&from=2026-11-02&to=2026-11-01",
        "period=custom&from=2025-10-20&to=2026-11-24",
        "period=custom&from=2026-11-01&to=2026-11-25",
        "period=custom&from=2026-11-31&to=2026-12-01",
        "period=custom&from=1794873600&to=2026-11-01",
        "period=custom&from=0001-01-01&to=0001-01-02",
        "period=custom&from=2026-11-01T00:00:00Z&to=2026-11-02",
    ],
)
def test_statistics_that_can_not_be_asked_for_are_refused_in_words(program: Api, query: str) -> None:
    with clock.at(NOON):
        answer = program.get(f"/usage_stats?{query}")

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json["errors"]


@pytest.mark.both_databases
def test_any_days_can_be_asked_for_both_included(program: Api, account: int) -> None:
    used_every_day(account, 10, 100, bought=5_000)

    answer = asked(program, "/usage_stats?period=custom&from=2026-11-16&to=2026-11-18")

    assert (answer["from"], answer["to"]) == ("2026-11-16T00:00:00Z", "2026-11-18T23:59:59.999999Z")
    assert [day["date"] for day in answer["daily"]] == ["2026-11-16", "2026-11-17", "2026-11-18"]
    assert (answer["total_credits"], answer["credits_before"], answer["change_percentage"]) == (300, 200, 50)
    today = asked(
        program, "/usage_stats?period=custom&from=2026-11-24&to=2026-11-24&tz=Pacific/Kiritimati", at=NOON - DAY / 2
    )
    assert len(today["daily"]) == 1


@pytest.mark.both_databases
def test_the_forecast_goes_by_the_accounts_own_days(program: Api, account: int) -> None:
    used_every_day(account, 28, 100, bought=5_000)

    answer = asked(program, "/forecast?days=30")

    # 2,300 are left, at 100 a day; the 12 hours that are left of today are half a day.
    assert answer == {
        "days": 30,
        "time_zone": "UTC",
        "enough_history": True,
        "active_days": 28,
        "history_days": 28,
        "daily_average": 100,
        "projected_usage": {"low": 3_000, "expected": 3_000, "high": 3_000},
        "available": 2_300,
        "days_remaining": 23,
        "runs_out_on": "2026-12-17",
        "expiring": [],
        "recharges_on": None,
        "days_remaining_without_recharge": 23,
        "recommendation": {
            "package": "professional",
            "name": "Professional",
            "credits": 5_000,
            "quantity": 1,
            "price_cents": 4_000,
            "currency": "usd",
        },
    }


def test_below_three_active_days_nothing_is_guessed(program: Api, account: int) -> None:
    used_every_day(account, 2, 100)

    answer = asked(program, "/forecast")

    assert (answer["enough_history"], answer["active_days"]) == (False, 2)
    assert (answer["daily_average"], answer["days_remaining"], answer["recommendation"]) == (None, None, None)
    assert answer["projected_usage"] == {"low": None, "expected": None, "high": None}


def test_an_account_created_today_has_no_forecast_yet(program: Api, account: int) -> None:
    answer = asked(program, "/forecast", FOUNDED)

    assert (answer["enough_history"], answer["active_days"], answer["history_days"]) == (False, 0, 0)
    assert answer["days_remaining"] is None


@pytest.mark.parametrize("days", [0, 5])
def test_a_balance_of_0_lasts_0_days(program: Api, account: int, days: int) -> None:
    if days:
        used_every_day(account, days, 10, bought=10)
    with clock.at(NOON - timedelta(hours=1)):
        spend(account, ledger.balance(account).available)

    answer = asked(program, "/forecast")

    assert (answer["available"], answer["days_remaining"], answer["runs_out_on"]) == (0, 0, "2026-11-24")


def test_a_two_day_old_habit_is_not_divided_by_a_month(program: Api, account: int) -> None:
    used_every_day(account, 3, 100)

    assert asked(program, "/forecast")["daily_average"] == 100


def test_an_average_has_at_most_six_decimals(program: Api, account: int) -> None:
    used_every_day(account, 3, 100)
    with clock.at(NOON - timedelta(hours=20)):
        spend(account, 1)

    assert asked(program, "/forecast")["daily_average"] == 100.333333


def test_whoever_needs_more_than_the_largest_package_is_told_how_many(program: Api, account: int) -> None:
    used_every_day(account, 10, 5_000, bought=1_000_000)

    answer = asked(program, "/forecast?days=30")["recommendation"]

    largest = 50_000
    assert (answer["package"], answer["credits"]) == ("enterprise", largest)
    assert answer["quantity"] == -(-30 * 5_000 * Decimal("1.2") // largest)


def test_the_day_on_which_auto_recharge_would_buy_is_told_once_it_can(program: Api, account: int) -> None:
    used_every_day(account, 10, 100, bought=5_000)
    with clock.at(NOON):
        program.put("/auto_recharge", {"enabled": True, "threshold": 1_000, "package": "professional"})

    without_card = asked(program, "/forecast")
    assert without_card["recharges_on"] is None
    assert without_card["days_remaining"] == without_card["days_remaining_without_recharge"] == 41
    with transaction():
        checkout.remember_customer(account, "customer-1")
        checkout.cards_told(account, Payer(cards=(VISA,), has_address=True))

    # 4,100 are left, at 100 a day: 1,000 after 31 days, at noon; then 5,000 more every 50 days, well within the limit.
    answer = asked(program, "/forecast")
    assert answer["recharges_on"] == "2026-12-25"
    assert answer["days_remaining"] is answer["runs_out_on"] is None
    assert answer["days_remaining_without_recharge"] == 41


def test_recharges_that_do_not_keep_up_put_the_end_off(program: Api, account: int) -> None:
    used_every_day(account, 10, 1_000, bought=15_000)
    with clock.at(NOON):
        recharge_at(account, 1_000, monthly_cap_cents=4_000)

    # 5,100 last until the 29th; 5,000 in November, 5,000 in December, then the limit is reached.
    answer = asked(program, "/forecast")
    assert answer["days_remaining_without_recharge"] == 5.1
    assert answer["days_remaining"] == 15.1
    assert answer["runs_out_on"] == "2026-12-09"


@pytest.mark.both_databases
def test_the_months_limit_goes_by_the_accounts_months_whatever_days_are_asked_for(program: Api, account: int) -> None:
    used_every_day(account, 10, 1_000, bought=11_200)
    with clock.at(NOON):
        recharge_at(account, 2_000, monthly_cap_cents=4_000)

    # 1,300 and 5,000 more at once last until the evening of the 30th; on the islands it is December by then.
    answer = asked(program, "/forecast?tz=Pacific/Kiritimati")

    assert answer["recharges_on"] == "2026-11-25"
    assert (answer["days_remaining"], answer["runs_out_on"]) == (6.3, "2026-12-01")


def test_credits_that_expire_before_they_are_spent_are_told_and_do_not_count(program: Api, account: int) -> None:
    used_every_day(account, 10, 10, bought=1_000)
    with clock.at(NOON):
        grant(account, 500, transaction_type="bonus", expires_at=NOON + 5 * DAY)

    answer = asked(program, "/forecast")

    # Of 500, the five days use 50; then the 1,000 that were bought last another 100.
    assert answer["expiring"] == [{"date": "2026-11-29", "credits": 450}]
    assert answer["days_remaining"] == 5 + 100


def test_what_lasts_longer_than_two_years_is_not_given_a_number(program: Api, account: int) -> None:
    used_every_day(account, 5, 1, bought=1_000_000)

    answer = asked(program, "/forecast")

    assert (answer["enough_history"], answer["days_remaining"], answer["runs_out_on"]) == (True, None, None)


@pytest.mark.parametrize("query", ["days=0", "days=366", "days=many", "days=1.5", "tz=Nowhere"])
def test_a_forecast_that_can_not_be_asked_for_is_refused_in_words(program: Api, query: str) -> None:
    assert program.get(f"/forecast?{query}").status_code == 422


def test_both_need_a_key_that_may_read_and_an_account_of_its_own(
    account: int, make_key: Callable[..., str], api: Callable[..., Api], charlie: identity.User
) -> None:
    for path in ("/usage_stats", "/forecast"):
        assert api(None).get(path).status_code == 401
        assert api(make_key(account, scopes=("consume",))).get(path).status_code == 403
        assert api(make_key(account)).get(f"{path}?account=charlie@example.com").status_code == 404
        assert api(make_key()).get(path).status_code == 422
        assert api(make_key()).get(f"{path}?account=alice@example.com").status_code == 200
