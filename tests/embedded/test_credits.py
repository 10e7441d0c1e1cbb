"""Credits in another program: the same verbs, once, all or nothing, and together with the caller's own rows."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, jsonify
from sqlalchemy import text
from sqlalchemy.orm import Session

from creditapp import Credits, checkout, clock, identity, ledger, usage
from creditapp.db import db, transaction
from creditapp.embedded import Use
from creditapp.errors import InvalidInput, NotFound

pytestmark = pytest.mark.both_databases


@pytest.fixture
def credits(app: Flask) -> Credits:
    return Credits(app=app)


def available(account: int) -> Decimal:
    db.session.rollback()
    return ledger.balance(account).available


def books_tie_out() -> bool:
    db.session.rollback()
    return [*ledger.verify(), *checkout.verify()] == []


def test_an_operation_is_charged_once_per_key(credits: Credits, account: int) -> None:
    first = credits.consume(account, "ai_analysis", quantity=2, key="job-1", operation_id="job-1")
    again = credits.consume("alice@example.com", "ai_analysis", quantity=2, key="job-1", operation_id="job-1")

    assert (first.amount, first.available) == (50, 50)
    assert (again.transaction_id, again.replayed) == (first.transaction_id, True)
    assert available(account) == 50
    assert credits.balance(account).available == 50


def test_many_are_charged_or_none(credits: Credits, account: int) -> None:
    assert len(credits.consume_many(account, [Use("basic_api_call", key=f"k{n}") for n in range(5)])) == 5
    with pytest.raises(ledger.InsufficientCredits):
        credits.consume_many(account, [Use("basic_api_call", key="a"), Use(amount=Decimal(95), key="b")])

    assert available(account) == 95
    assert credits.consume(account, "basic_api_call", key="a").replayed is False


def test_a_hold_releases_what_was_not_captured_however_the_work_ends(credits: Credits, account: int) -> None:
    with credits.hold(account, 60, operation_type="batch") as held:
        held.capture(10)
        assert available(account) == 40
    assert available(account) == 90

    with pytest.raises(ZeroDivisionError), credits.hold(account, 60) as held:
        held.capture(5, key="c")
        raise ZeroDivisionError
    assert available(account) == 85
    assert books_tie_out()


def test_a_lease_is_counted_in_memory_and_charged_once(credits: Credits, account: int) -> None:
    with credits.lease(account, 50, operation="basic_api_call") as lease:
        for _ in range(300):
            lease.spend("0.1")
        with pytest.raises(ledger.InsufficientCredits):
            lease.spend("20.1")
        assert available(account) == 50

    assert available(account) == 70
    charges = ledger.entries(account, ledger.Filters(transaction_type="consumption"))
    assert [charge.amount for charge in charges] == [-30]
    assert books_tie_out()


def test_threads_share_a_lease_and_never_spend_more_than_it_holds(credits: Credits, account: int) -> None:
    with credits.lease(account, 50, operation="basic_api_call") as lease:

        def spends(_: int) -> int:
            done = 0
            for _ in range(20):
                with contextlib.suppress(ledger.InsufficientCredits):
                    lease.spend(1)
                    done += 1
            return done

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(spends, range(8))) == 50

    assert available(account) == 50
    [charge] = ledger.entries(account, ledger.Filters(transaction_type="consumption"))
    assert (charge.amount, usage.units_of([charge.id])) == (-50, {charge.id: 50})
    assert books_tie_out()


def test_a_lease_lasts_as_long_as_it_is_spent_from(credits: Credits, account: int) -> None:
    with credits.lease(account, 50, expires_in=timedelta(minutes=10)) as lease:
        for minutes in range(0, 40, 4):
            with clock.at(clock.now() + timedelta(minutes=minutes)):
                lease.spend(1)

    assert available(account) == 90
    assert books_tie_out()


def test_a_lease_that_lay_idle_too_long_charges_what_was_spent_and_no_more(credits: Credits, account: int) -> None:
    later = clock.now() + timedelta(minutes=11)
    with clock.at(clock.now()), credits.lease(account, 50, expires_in=timedelta(minutes=10)) as lease:
        lease.spend(20)
        with clock.at(later), transaction():
            ledger.expire(account)
        with clock.at(later), pytest.raises(ledger.HoldClosed):
            lease.spend(1)

    with clock.at(later):
        assert available(account) == 80
        assert [charge.amount for charge in ledger.entries(account, ledger.Filters("consumption"))] == [-20]
        assert books_tie_out()


def test_a_failed_operation_is_given_back(credits: Credits, account: int) -> None:
    spent = credits.consume(account, amount=30)
    credits.reverse(account, spent.transaction_id, 10, key="r")
    credits.reverse(account, spent.transaction_id, 10, key="r")

    assert available(account) == 80


@pytest.mark.parametrize(("answer", "left"), [(200, 90), (404, 90), (500, 100), ("raises", 100)])
def test_a_view_is_charged_only_when_it_succeeds(credits: Credits, account: int, answer: Any, left: int) -> None:
    seller = Flask("seller")

    @seller.get("/")
    @credits.charge("image_processing", account=lambda: account)
    def view() -> Any:
        if answer == "raises":
            raise ZeroDivisionError
        return jsonify(ok=True), answer

    seller.config["PROPAGATE_EXCEPTIONS"] = False
    told = seller.test_client().get("/")

    assert told.status_code == (500 if answer == "raises" else answer)
    assert available(account) == left
    assert books_tie_out()


def test_a_view_that_can_t_be_paid_is_not_begun(credits: Credits, account: int) -> None:
    credits.consume(account, amount=95)
    seller, begun = Flask("seller"), []

    @seller.get("/")
    @credits.charge("image_processing", account=lambda: account)
    def view() -> Any:
        begun.append(1)
        return "done"

    seller.testing = True
    with pytest.raises(ledger.InsufficientCredits):
        seller.test_client().get("/")
    assert begun == []


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session of the caller's, with a table of its own."""
    with db.engine.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (id INTEGER PRIMARY KEY)"))
    made = Session(db.engine.execution_options(writing=True))
    yield made
    made.close()


@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_a_charge_and_the_callers_own_row_commit_together_or_not_at_all(
    credits: Credits, account: int, session: Session, ends: str
) -> None:
    db.session.rollback()
    session.execute(text("INSERT INTO jobs (id) VALUES (7)"))
    with credits.joining(session) as joined:
        joined.consume(account, "ai_analysis", key="job-7")
        with joined.hold(account, 10) as held:
            held.capture(4)
    getattr(session, ends)()

    with db.engine.connect() as connection:
        jobs = connection.execute(text("SELECT count(*) FROM jobs")).scalar_one()
    assert (jobs, available(account)) == ((1, 71) if ends == "commit" else (0, 100))
    assert books_tie_out()


def test_an_account_that_does_not_exist_is_said(credits: Credits, account: int) -> None:
    for name in (1, "nobody@example.com"):
        with pytest.raises(NotFound):
            credits.consume(name, "ai_analysis")


def test_the_verbs_of_the_text_are_there(credits: Credits, account: int) -> None:
    credits.consume_credits(account, 12, "report")
    today = clock.now().date().isoformat()

    assert credits.daily_credit_consumption("alice@example.com", 2)[today] == 12
    assert identity.account_named("alice@example.com") == account


def test_what_was_used_is_told_as_in_the_api(credits: Credits, account: int) -> None:
    empty = credits.credit_usage_stats(account)
    assert (empty["api_calls_count"], empty["average_cost_per_call"], empty["highest_cost_operation"]) == (
        0,
        None,
        None,
    )
    credits.consume(account, "ai_analysis", quantity=2)
    credits.consume(account, "basic_api_call", api_endpoint="/v1/ping")
    failed = credits.consume(account, "image_processing")
    credits.reverse(account, failed.transaction_id)

    found = credits.credit_usage_stats("alice@example.com", "last_7_days", "Asia/Kathmandu")

    assert (found["api_calls_count"], found["total_credits"]) == (2, 51)
    assert (found["average_cost_per_call"], found["highest_cost_operation"]) == (Decimal("25.5"), "ai_analysis")
    assert found["by_operation"] == {"ai_analysis": 50, "basic_api_call": 1}
    assert found["by_endpoint"] == {None: 50, "/v1/ping": 1}
    assert (len(found["daily"]), sum(found["daily"].values())) == (7, 51)
    for period, zone in (("last_century", None), ("last_7_days", "Mars/Olympus")):
        with pytest.raises(InvalidInput):
            credits.credit_usage_stats(account, period, zone)
