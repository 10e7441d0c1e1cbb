"""Watch levels: a charge says by itself when so few credits are left that somebody wants to hear of it."""

from decimal import Decimal

import pytest
from flask import Flask

from creditapp import ledger
from creditapp.db import transaction
from tests.ledger import door

pytestmark = pytest.mark.both_databases


def watch(account_id: int, level: int | str | None, by: str = "a recharge") -> None:
    with transaction():
        ledger.watch(account_id, None if level is None else Decimal(level), by=by)


def test_nobody_is_told_of_a_charge_where_nobody_watches(app: Flask) -> None:
    account_id = door.open_account(holding=10)

    assert not door.spend(account_id, 10).watched


def test_the_charge_that_leaves_the_level_or_less_says_so(app: Flask) -> None:
    account_id = door.open_account(holding=100)
    watch(account_id, 50)

    assert not door.spend(account_id, "49.999999").watched
    assert door.spend(account_id, "0.000001").watched
    assert door.spend(account_id, 10).watched
    door.grant(account_id, 100)
    assert not door.spend(account_id, 10).watched


def test_what_is_held_is_not_there(app: Flask) -> None:
    account_id = door.open_account(holding=100)
    watch(account_id, 50)

    assert not door.hold(account_id, 49).watched
    held = door.hold(account_id, 1)
    assert held.watched
    door.release(account_id, held.id)
    assert door.spend(account_id, 1).watched
    held = door.hold(account_id, 20)
    assert door.capture(account_id, held.id, 20).hold.watched
    door.grant(account_id, 1_000)
    held = door.hold(account_id, 20)
    assert not door.capture(account_id, held.id, 20).hold.watched


def test_a_refusal_says_so_too_and_a_repetition_does_not(app: Flask) -> None:
    account_id = door.open_account(holding=100)
    watch(account_id, 50)

    with pytest.raises(ledger.InsufficientCredits) as far_from_it:
        door.spend(account_id, 101)
    assert not far_from_it.value.watched
    assert door.spend(account_id, 50, key="once").watched
    again = door.spend(account_id, 50, key="once")
    assert (again.replayed, again.watched) == (True, False)
    for refused in (lambda: door.spend(account_id, 51), lambda: door.hold(account_id, 51)):
        with pytest.raises(ledger.InsufficientCredits) as at_it:
            refused()
        assert at_it.value.watched


def test_the_highest_level_that_anybody_wants_counts(app: Flask) -> None:
    account_id, other = door.open_account(holding=100), door.open_account(holding=100)
    watch(account_id, 20, by="a recharge")
    watch(account_id, 80, by="an alert")

    assert door.spend(account_id, 20).watched
    assert not door.spend(other, 20).watched
    watch(account_id, 70, by="an alert")
    assert not door.spend(account_id, 1).watched
    watch(account_id, None, by="an alert")
    assert not door.spend(account_id, 58).watched
    assert door.spend(account_id, 1).watched
    watch(account_id, None, by="a recharge")
    watch(account_id, None, by="a recharge")
    assert not door.spend(account_id, 1).watched


def test_a_level_of_nothing_is_told_when_nothing_is_left(app: Flask) -> None:
    account_id = door.open_account(holding=2)
    watch(account_id, 0)

    assert not door.spend(account_id, 1).watched
    assert door.spend(account_id, 1).watched
