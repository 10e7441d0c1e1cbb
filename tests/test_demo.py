from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import func, select

from creditapp import checkout, clock, demo, identity, ledger, letters, packages, recharge, usage
from creditapp.db import db, transaction
from creditapp.demo.stories import STORIES
from tests.databases import Databases, app_on
from tests.entries import every_entry

# A Wednesday noon, a Sunday night, a Monday just after midnight, the days after both changes of the clocks in
# Berlin and New York, and a leap day.
DAYS = (
    datetime(2026, 11, 25, 12, 0, tzinfo=UTC),
    datetime(2026, 11, 22, 23, 59, tzinfo=UTC),
    datetime(2026, 11, 23, 0, 1, tzinfo=UTC),
    datetime(2027, 3, 29, 8, 0, tzinfo=UTC),
    datetime(2027, 11, 8, 15, 0, tzinfo=UTC),
    datetime(2028, 2, 29, 9, 30, tzinfo=UTC),
)
HIGH, LOW = demo.HIGH.email, demo.LOW.email


def available(email: str) -> Decimal:
    return ledger.balance(identity.account_named(email)).available


def history(email: str) -> list[ledger.CreditTransaction]:
    return list(every_entry(identity.account_named(email), ledger.Filters()))


@pytest.fixture
def told(shelf: dict[str, packages.CreditPackage]) -> None:
    demo.people()


@pytest.mark.both_databases
def test_each_demo_person_has_exactly_the_promised_credits(told: None) -> None:
    assert {person.email: available(person.email) for person in demo.PEOPLE} == {
        "high-credits@example.com": 25_000,
        "low-credits@example.com": 150,
        "new-credits@example.com": 100,
        "operator@example.com": 100,
    }


@pytest.mark.both_databases
def test_the_books_of_the_demo_people_tie_out(told: None) -> None:
    assert [*ledger.verify(), *checkout.verify()] == []


@pytest.mark.parametrize("today", DAYS, ids=lambda day: f"{day:%a %d %b %Y %H:%M}")
def test_the_balances_are_exact_on_whatever_day_it_is_set_up(
    today: datetime, shelf: dict[str, packages.CreditPackage]
) -> None:
    with clock.at(today):
        demo.people()
        assert (available(HIGH), available(LOW)) == (25_000, 150)
        assert [*ledger.verify(), *checkout.verify()] == []
        assert max(row.processed_at for row in history(HIGH)) <= today


def test_all_four_sign_in_with_the_same_password_and_only_one_is_an_operator(told: None) -> None:
    signed_in = [identity.by_credentials(person.email, demo.PASSWORD) for person in demo.PEOPLE]

    assert [user.email for user in signed_in if user] == [person.email for person in demo.PEOPLE]
    assert [user.email for user in signed_in if user and user.is_operator] == ["operator@example.com"]


def test_setting_up_the_demo_people_again_changes_nothing(told: None) -> None:
    before = db.session.scalar(select(func.count()).select_from(ledger.CreditTransaction))

    demo.people()

    assert db.session.scalar(select(func.count()).select_from(ledger.CreditTransaction)) == before


def test_what_a_visitor_spent_stays_spent_when_the_demo_is_set_up_again(told: None) -> None:
    with transaction():
        ledger.spend(identity.account_named(LOW), ledger.Charge(amount=Decimal(100)))

    demo.people()

    assert available(LOW) == 50


def test_the_history_shows_every_kind_of_movement_there_is_so_far(told: None) -> None:
    kinds = Counter(row.transaction_type for row in history(HIGH))

    assert set(kinds) == {"purchase", "consumption", "bonus", "adjustment", "expiration", "refund", "reversal"}
    assert kinds["consumption"] > 500
    assert {"refund", "reversal", "expiration"} < {row.transaction_type for row in history(LOW)}


def test_the_history_spans_weeks_and_uses_every_operation_mostly_in_office_hours(told: None) -> None:
    for email in (HIGH, LOW):
        zone = ZoneInfo(STORIES[email].time_zone)
        used = [row for row in history(email) if row.transaction_type == "consumption"]
        moments = [row.processed_at.astimezone(zone) for row in used]
        weekdays = [moment for moment in moments if moment.weekday() < 5]

        assert max(moments) - min(moments) > timedelta(days=115)
        assert len({row.operation_type for row in used}) == 6
        assert len(weekdays) > 0.85 * len(moments)
        assert sum(8 <= moment.hour < 18 for moment in weekdays) > 0.75 * len(weekdays)


def test_a_package_is_bought_when_the_balance_has_run_low(told: None) -> None:
    rows = history(LOW)
    before_purchases = [row.balance_before for row in rows if row.transaction_type == "purchase"]

    assert len(before_purchases) == 6
    assert all(balance < 500 for balance in before_purchases)


def test_a_failed_batch_was_given_back_whole_within_minutes(told: None) -> None:
    for email in (HIGH, LOW):
        rows = {str(row.id): row for row in history(email)}
        back = [row for row in rows.values() if row.transaction_type == "reversal"]
        assert len(back) > 3
        for row in back:
            charge = rows[str(row.reference_id)]
            assert (charge.amount, charge.status) == (-row.amount, "reversed")
            assert timedelta(0) < row.processed_at - charge.processed_at < timedelta(minutes=10)


def test_one_day_stands_out(told: None) -> None:
    for email in (HIGH, LOW):
        days = usage.daily(identity.account_named(email), 120, STORIES[email].time_zone)
        busy = sorted(day.total for day in days if day.total)
        assert busy[-1] > 2 * busy[int(len(busy) * 0.8)]


def test_a_recharge_went_well_in_the_past_and_its_owner_switched_it_off(told: None) -> None:
    account_id = identity.account_named(HIGH)
    plan, [attempt] = recharge.plan_of(account_id), recharge.attempts(account_id, 10)

    assert plan
    assert not plan.enabled
    assert (attempt.state, attempt.reason) == ("paid", "Recharged 5,000 credits.")
    assert attempt.at < clock.now() - timedelta(days=30)


def test_money_went_back_in_full_and_in_part(told: None) -> None:
    refunded = {
        order.refunded_amount * 100 // order.net_amount
        for order in db.session.scalars(select(checkout.Order).where(checkout.Order.refunded_amount > 0))
    }

    assert refunded == {100, 40}


def test_the_purchases_of_the_past_send_no_letters_today(told: None) -> None:
    assert letters.waiting(100, longer_than=timedelta(0)) == []


@pytest.mark.both_databases
def test_the_same_day_gives_the_same_history(databases: Databases, database_kind: str, tmp_path: Path) -> None:
    def told() -> list[tuple[object, ...]]:
        url = databases.fresh(database_kind)
        with app_on(url, tmp_path).app_context(), clock.at(DAYS[0]):
            with transaction():
                packages.seed({})
            demo.people()
            rows = [
                (row.processed_at, row.transaction_type, row.amount, row.operation_type, row.polar_order_id)
                for person in (HIGH, LOW)
                for row in history(person)
            ]
            db.session.remove()
            db.engine.dispose()
        databases.forget(url)
        return rows

    assert told() == told()


def test_without_products_at_polar_there_is_a_history_too_and_the_packages_stay_unconnected(app: Flask) -> None:
    with transaction():
        packages.seed({})

    demo.people()

    assert available(HIGH) == 25_000
    assert [package.polar_product_id for package in packages.everything()] == [None] * 5


@pytest.mark.settings(welcome_credits=0)
def test_without_welcome_credits_the_promised_balances_hold_all_the_same(told: None) -> None:
    assert (available(HIGH), available(LOW)) == (25_000, 150)
