"""Many callers at once, from eight processes: nothing is lost, nothing is done twice, nothing is overdrawn."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from creditapp import clock, ledger
from creditapp.db import db
from tests.databases import POSTGRESQL
from tests.entries import every_entry
from tests.ledger import callers, door
from tests.racing import CALLERS, PROCESSES, Racers

pytestmark = pytest.mark.both_databases


@pytest.fixture
def url(app: Flask) -> str:
    """The database that they meet on."""
    return str(app.config["SQLALCHEMY_DATABASE_URI"])


def kinds(answers: list[str]) -> Counter[str]:
    return Counter(answer.split()[0] for answer in answers)


def test_eight_processes_on_one_account_lose_nothing(url: str, racers: Racers, full: bool) -> None:
    rounds = 50 if full else 6
    account = door.open_account(holding=10_000)

    added = racers.race(url, callers.work_a_day, [(account, number, rounds) for number in range(PROCESSES)])

    each = rounds * (-3 * Decimal("1.1") + 2 - Decimal("0.25"))
    assert added == [each] * PROCESSES
    assert door.available(account) == 10_000 + PROCESSES * each
    rows = list(every_entry(account))
    assert [row.number for row in reversed(rows)] == list(range(1, 1 + 1 + PROCESSES * rounds * 5))
    assert ledger.totals(account).consumed == PROCESSES * rounds * 3 * Decimal("1.1")
    assert door.differences() == []


# In a transaction of their own, and as one call, where callers of a process go together.
WAYS = (callers.charge_once, callers.charge_once_at_once)


@pytest.mark.parametrize("charge_once", WAYS)
def test_of_sixty_four_callers_who_fight_for_the_last_ten_credits_exactly_ten_get_one(
    url: str, racers: Racers, charge_once: Callable[..., str]
) -> None:
    account = door.open_account(holding=10)

    answers = racers.race(url, charge_once, [(account, "1", f"key {number}") for number in range(CALLERS)])

    assert kinds(answers) == {"charged": 10, "refused": CALLERS - 10}
    assert sorted(int(answer.split()[-1]) for answer in answers if answer.startswith("charged")) == list(range(10))
    assert door.available(account) == 0
    assert door.differences() == []


@pytest.mark.parametrize("charge_once", WAYS)
def test_one_key_sixty_four_times_at_once_is_one_transaction_and_one_answer(
    url: str, racers: Racers, charge_once: Callable[..., str]
) -> None:
    account = door.open_account(holding=1_000)

    answers = racers.race(url, charge_once, [(account, "3", "the key")] * CALLERS)

    assert kinds(answers) == {"charged": 1, "replayed": CALLERS - 1}
    assert len({answer.split(maxsplit=1)[1] for answer in answers}) == 1
    assert door.available(account) == 997
    assert door.differences() == []


def test_callers_who_go_together_are_each_charged_once(url: str, racers: Racers) -> None:
    account, times = door.open_account(holding=10_000), 5

    made = racers.race(url, callers.charge_some_at_once, [(account, number, times) for number in range(CALLERS)])

    assert made == [times] * CALLERS
    assert door.available(account) == 10_000 - CALLERS * times
    assert [row.number for row in reversed(list(every_entry(account)))] == list(range(1, 2 + CALLERS * times))
    assert door.differences() == []


def test_one_key_for_two_requests_at_once_goes_to_one_of_them_for_ever(url: str, racers: Racers) -> None:
    account = door.open_account(holding=1_000)
    calls = [(account, "3", "the key"), (account, "4", "the key")] * (CALLERS // 2)

    answers = racers.race(url, callers.charge_once, calls)

    assert kinds(answers) == {"charged": 1, "replayed": CALLERS // 2 - 1, "mismatch": CALLERS // 2}
    assert door.available(account) in {997, 996}
    assert door.differences() == []


def test_an_order_told_sixty_four_times_at_once_is_credited_once(url: str, racers: Racers) -> None:
    account = door.open_account()

    answers = racers.race(url, callers.grant_once, [(account, "5000", "order:1")] * CALLERS)

    assert len(set(answers)) == 1
    assert door.rows(account) == [("purchase", Decimal(5_000), Decimal(5_000))]
    assert door.differences() == []


def test_different_orders_at_once_are_all_credited(url: str, racers: Racers) -> None:
    account = door.open_account()

    answers = racers.race(url, callers.grant_once, [(account, "10", f"order:{number}") for number in range(CALLERS)])

    assert sorted(after for _, after in answers) == [10 * number for number in range(1, CALLERS + 1)]
    assert len(door.left(account)) == CALLERS
    assert door.differences() == []


def test_corrections_at_once_never_take_more_than_there_is(url: str, racers: Racers) -> None:
    account = door.open_account(holding=10)

    answers = racers.race(url, callers.adjust_once, [(account, "-1", f"operator:{n}") for n in range(CALLERS)])

    assert Counter(answers) == {"adjusted": 10, "refused": CALLERS - 10}
    assert door.available(account) == 0
    assert door.differences() == []


def test_the_same_correction_sixty_four_times_at_once_is_made_once(url: str, racers: Racers) -> None:
    account = door.open_account(holding=10)

    answers = racers.race(url, callers.adjust_once, [(account, "-1", "operator:1")] * CALLERS)

    assert Counter(answers) == {"adjusted": CALLERS}
    assert door.available(account) == 9
    assert door.differences() == []


def test_sweeps_at_once_book_each_expiry_once(url: str, racers: Racers) -> None:
    past = clock.now() - timedelta(hours=1)
    account = door.open_account(holding=5)
    with clock.at(past):
        for minutes in range(3):
            door.grant(account, 10, transaction_type="bonus", expires_at=past + timedelta(minutes=1 + minutes))

    answers = racers.race(url, callers.expire_once, [(account,)] * CALLERS)

    assert sum(answers) == 3
    assert ledger.totals(account).expired == 30
    assert door.available(account) == 5
    assert door.differences() == []


def test_callers_at_once_after_an_expiry_book_it_once_and_spend_only_what_lives(
    url: str, racers: Racers, full: bool
) -> None:
    many = CALLERS if full else CALLERS // 4  # each holds the lock for several questions; a busy machine has its limit
    past = clock.now() - timedelta(hours=1)
    account = door.open_account(holding=10)
    with clock.at(past):
        door.grant(account, 30, transaction_type="bonus", expires_at=past + timedelta(minutes=1))

    answers = racers.race(url, callers.charge_once, [(account, "1", None)] * many)

    assert kinds(answers) == {"charged": 10, "refused": many - 10}
    assert Counter(kind for kind, _, _ in door.rows(account))["expiration"] == 1
    assert door.differences() == []


def test_settling_at_once_allots_every_credit_once(url: str, racers: Racers) -> None:
    account = door.open_account(holding=100)
    door.grant(account, 5, transaction_type="bonus")
    door.spend(account, 50)

    racers.race(url, callers.settle_once, [(account,)] * CALLERS)

    ranges = db.session.query(ledger.LotRange).filter_by(account_id=account).order_by(ledger.LotRange.axis_from)
    assert [(found.axis_from, found.axis_to) for found in ranges] == [(0, 5), (5, 50)]
    assert door.differences() == []


def test_a_refusal_never_says_that_there_was_enough_while_credits_come_in(
    url: str, racers: Racers, database_kind: str, full: bool
) -> None:
    # Only PostgreSQL lets credits in between the refusal and the look at what there is.
    tries, purchases = (400, 300) if full and database_kind == POSTGRESQL else (12, 10)
    account = door.open_account()
    spending = [(callers.charge_again_and_again, account, "1", tries)] * (PROCESSES - 2)
    topping_up = [(callers.top_up_again_and_again, account, "1", purchases)] * 2

    refusals = racers.race(url, callers.call, [*spending, *topping_up])

    assert [available for told in refusals for available in told if available >= 1] == []
    assert door.differences() == []
