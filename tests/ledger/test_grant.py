"""Credits in: booked once, as a lot of their own."""

from datetime import timedelta
from decimal import Decimal

import pytest

from creditapp import clock, ledger
from creditapp.db import db, transaction
from creditapp.errors import NotFound
from creditapp.ledger import IdempotencyMismatch
from tests.ledger import door

pytestmark = pytest.mark.both_databases


def test_a_grant_raises_the_balance_and_is_a_row_and_a_lot(app: object) -> None:
    account = door.open_account()

    with clock.at(door.NOON):
        granted = door.grant(
            account,
            5_000,
            description="Professional package",
            expires_at=door.NOON + timedelta(days=400),
            priority=2,
            paid_cents=40_00,
            currency="usd",
            reference_id="checkout 7",
            polar_order_id="order 9",
            details={"package": "professional"},
        )

        assert (granted.transaction_type, granted.amount) == ("purchase", 5_000)
        assert (granted.number, granted.balance_before, granted.balance_after) == (1, 0, 5_000)
        assert (granted.description, granted.reference_id) == ("Professional package", "checkout 7")
        assert (granted.polar_order_id, granted.details) == ("order 9", {"package": "professional"})
        assert (granted.processed_at, granted.status, granted.debt_change) == (door.NOON, "completed", 0)
        lot = db.session.query(ledger.CreditLot).filter_by(credit_transaction_id=granted.id).one()
        assert (lot.source, lot.amount, lot.remaining, lot.priority) == ("purchased", 5_000, 5_000, 2)
        assert (lot.paid_cents, lot.currency, lot.created_at) == (40_00, "usd", door.NOON)
        assert lot.expires_at == door.NOON + timedelta(days=400)
        assert door.available(account) == 5_000
        assert door.differences() == []


@pytest.mark.parametrize(
    ("transaction_type", "source", "purchased"),
    [("purchase", "purchased", 10), ("bonus", "bonus", 0), ("adjustment", "adjustment", 0)],
)
def test_only_bought_credits_count_as_purchased(
    app: object, transaction_type: str, source: str, purchased: int
) -> None:
    account = door.open_account()

    door.grant(account, 10, transaction_type=transaction_type)

    assert ledger.balance(account).total_purchased == purchased
    assert door.left(account) == [(source, Decimal(10))]


def test_a_new_account_gets_its_welcome_credits_as_a_bonus_that_expires(app: object) -> None:
    with clock.at(door.NOON), transaction():
        account = ledger.open_account(welcome=100, welcome_expires_days=90, time_zone="Asia/Kolkata").id

    with clock.at(door.NOON):
        assert door.rows(account) == [("bonus", Decimal(100), Decimal(100))]
        (lot,) = ledger.lots_left(account)
        assert (lot.source, lot.expires_at) == ("bonus", door.NOON + timedelta(days=90))


def test_a_new_account_without_welcome_credits_is_empty(app: object) -> None:
    account = door.open_account()

    balance = ledger.balance(account)
    assert (balance.balance, balance.reserved, balance.debt, balance.available) == (0, 0, 0, 0)
    assert (balance.total_purchased, balance.total_consumed, balance.expiring, balance.expiring_at) == (0, 0, 0, None)
    assert door.rows(account) == []


def test_the_same_order_twice_is_credited_once(app: object) -> None:
    account = door.open_account()
    first = door.grant(account, 1_000, key="order:1", polar_order_id="1")

    with door.nothing_written():
        again = door.grant(account, "1000.0", key="order:1", polar_order_id="1")

    assert again.id == first.id
    assert (again.balance_before, again.balance_after) == (0, 1_000)
    assert door.available(account) == 1_000


def test_a_repeated_grant_is_answered_as_the_first_time_whatever_happened_since(app: object) -> None:
    account = door.open_account()
    first = door.grant(account, 10, key="order:1")
    door.spend(account, 10)
    door.grant(account, 7)

    again = door.grant(account, 10, key="order:1")

    assert (again.id, again.number, again.balance_after) == (first.id, 1, 10)
    assert door.available(account) == 7


@pytest.mark.parametrize(
    "other",
    [{"amount": 11}, {"transaction_type": "bonus"}, {"polar_order_id": "2"}],
    ids=["amount", "type", "order"],
)
def test_a_used_key_refuses_another_grant(app: object, other: dict[str, object]) -> None:
    account = door.open_account()
    request = {"amount": 10, "transaction_type": "purchase", "polar_order_id": "1", "key": "order:1"}
    door.grant(account, **request)  # type: ignore[arg-type]

    with door.nothing_written(), pytest.raises(IdempotencyMismatch) as refused:
        door.grant(account, **{**request, **other})  # type: ignore[arg-type]

    assert door.refusal(refused.value) == ("idempotency_mismatch", 422)
    assert "order:1" in refused.value.sentence


def test_a_key_of_a_charge_or_a_correction_refuses_a_grant(app: object) -> None:
    account = door.open_account(holding=10)
    door.spend(account, 1, key="a")
    door.adjust(account, -1, key="b")

    for key in ("a", "b"):
        with door.nothing_written(), pytest.raises(IdempotencyMismatch):
            door.grant(account, 1, key=key)


def test_a_key_is_free_on_another_account(app: object) -> None:
    one, other = door.open_account(), door.open_account()

    door.grant(one, 10, key="order:1")
    door.grant(other, 20, key="order:1")

    assert (door.available(one), door.available(other)) == (10, 20)


def test_credits_for_an_account_that_does_not_exist_are_refused(app: object) -> None:
    with door.nothing_written(), pytest.raises(NotFound):
        door.grant(12_345, 10)


def test_a_grant_that_is_not_committed_leaves_nothing(app: object) -> None:
    account = door.open_account(holding=1)

    def broken() -> None:
        with transaction():
            ledger.grant(account, Decimal(10), transaction_type="bonus", key="k")
            raise ZeroDivisionError

    with door.nothing_written(), pytest.raises(ZeroDivisionError):
        broken()
    assert door.grant(account, 10, transaction_type="bonus", key="k").balance_after == 11


def test_a_new_lot_pays_nothing_that_was_consumed_before_it_came(app: object) -> None:
    account = door.open_account(holding=10)
    door.spend(account, 4)

    door.grant(account, 100, transaction_type="bonus", priority=-1)

    assert door.left(account) == [("bonus", Decimal(100)), ("purchased", Decimal(6))]
    assert door.differences() == []
