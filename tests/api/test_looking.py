"""A look whether to recharge follows the charge that left little, and costs every other charge nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from creditapp import Credits, recharge
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from tests.asking import COMMIT, statements
from tests.browsing import Api

pytestmark = pytest.mark.both_databases

ABOVE, AT_IT = 39, 40  # of 100 credits, watched from 60 on


@pytest.fixture
def program(account: int, shelf: dict[str, CreditPackage], make_key: Callable[..., str], api: Any) -> Api:
    """A program of an account that is recharged at 60 credits, once it has a card."""
    with transaction():
        recharge.save(account, wishes(threshold=60))
    found: Api = api(make_key(account))
    found.get("/balance")  # the key is known from now on
    return found


def wishes(**changed: Any) -> recharge.Wishes:
    usual = {"enabled": True, "threshold": 60, "package": "starter", "quantity": 1, "target": None}
    return recharge.Wishes(**{**usual, "monthly_cap_cents": None, "notify": "always", **changed})


def after_the_commit(asked: list[str]) -> list[str]:
    return asked[asked.index(COMMIT) + 1 :]


def looks(account: int) -> int:
    db.session.rollback()
    return len(recharge.attempts(account, 99))


def calls_of(program: Api, amount: int) -> dict[str, Callable[[], int]]:
    """Every call that takes so many credits."""
    return {
        "a charge": lambda: program.post("/consume", {"amount": amount}).status_code,
        "a batch": lambda: program.post("/consume/batch", {"items": [{"amount": amount, "key": "k"}]}).status_code,
        "a batch of all or none": lambda: (
            program.post("/consume/batch", {"items": [{"amount": amount, "key": "k"}], "mode": "all"}).status_code
        ),
        "a hold": lambda: program.post("/holds", {"amount": amount}).status_code,
    }


@pytest.mark.parametrize("call", ["a charge", "a batch", "a batch of all or none", "a hold"])
def test_a_charge_above_the_level_asks_the_database_nothing_more(program: Api, account: int, call: str) -> None:
    with statements() as asked:
        assert calls_of(program, ABOVE)[call]() in {200, 201}

    assert after_the_commit(asked) == []
    assert looks(account) == 0


@pytest.mark.parametrize("call", ["a charge", "a batch", "a batch of all or none", "a hold"])
def test_the_charge_that_leaves_little_is_looked_at(program: Api, account: int, call: str) -> None:
    assert calls_of(program, AT_IT)[call]() in {200, 201}

    assert looks(account) == 1  # "no card is saved yet" stands in the log


def test_a_capture_is_looked_at_where_little_is_left(program: Api, account: int) -> None:
    hold = program.post("/holds", {"amount": 10}).get_json()["hold_id"]
    with statements() as asked:
        assert program.post(f"/holds/{hold}/capture", {"amount": 5}).status_code == 201
    assert after_the_commit(asked) == []

    with transaction():
        recharge.save(account, wishes(threshold=95))
    assert program.post(f"/holds/{hold}/capture", {"amount": 5}).status_code == 201
    assert looks(account) == 1


@pytest.mark.parametrize("call", ["a charge", "a batch", "a batch of all or none", "a hold"])
def test_a_refused_charge_is_looked_at_where_little_is_left(program: Api, account: int, call: str) -> None:
    calls_of(program, 101)[call]()
    assert looks(account) == 0

    with transaction():
        recharge.save(account, wishes(threshold=100))
    calls_of(program, 101)[call]()
    assert looks(account) == 1


def test_a_plan_that_is_switched_off_is_not_looked_at_and_one_switched_on_is(program: Api, account: int) -> None:
    with transaction():
        recharge.switch(account, on=False)
    with statements() as asked:
        assert program.post("/consume", {"amount": AT_IT}).status_code == 201
    assert after_the_commit(asked) == []

    with transaction():
        recharge.switch(account, on=True)
    assert program.post("/consume", {"amount": 1}).status_code == 201
    assert looks(account) == 1


def test_charges_from_python_are_looked_at_alike(app: Flask, program: Api, account: int) -> None:
    credits = Credits(app=app)
    with statements() as asked:
        credits.consume(account, amount=30)
    assert after_the_commit(asked) == []
    with credits.hold(account, 9) as held, statements() as asked:
        held.capture(4)
    assert after_the_commit(asked) == []
    assert looks(account) == 0

    credits.consume(account, amount=7)
    assert looks(account) == 1
