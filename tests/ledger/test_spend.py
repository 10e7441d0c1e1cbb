"""Charges: all or nothing, once per key, in one round trip, without touching a lot."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from creditapp import clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.errors import NotFound
from creditapp.ledger import IdempotencyMismatch, InsufficientCredits
from tests.ledger import door

pytestmark = pytest.mark.both_databases


def test_a_charge_lowers_the_balance_and_is_a_row_with_a_usage_record(app: object) -> None:
    account = door.open_account(holding=100)
    began, ended = door.NOON - timedelta(seconds=3), door.NOON - timedelta(seconds=1)
    key = door.key_of(account)

    with clock.at(door.NOON + timedelta(days=900)):
        spent = door.spend(
            account,
            25,
            operation_type="ai_analysis",
            units=5,
            unit_cost=Decimal(5),
            key="api:1",
            operation_id="job 7",
            reference_id="row 3",
            description="A picture analysed",
            price_version="2026-11",
            api_endpoint="/v1/analyse",
            api_key_id=key,
            request_id="request 5",
            started_at=began,
            completed_at=ended,
            details={"model": "größer", "nested": [1, None]},
        )

    assert (spent.amount, spent.balance_before, spent.balance_after, spent.available) == (25, 100, 75, 75)
    assert (spent.operation_type, spent.replayed) == ("ai_analysis", False)
    row = ledger.entry(account, spent.transaction_id)
    assert (row.transaction_type, row.amount, row.number) == ("consumption", -25, 2)
    assert (row.balance_before, row.balance_after, row.axis_from, row.debt_change) == (100, 75, 0, 0)
    assert (row.operation_type, row.operation_id, row.reference_id) == ("ai_analysis", "job 7", "row 3")
    assert (row.description, row.price_version, row.key) == ("A picture analysed", "2026-11", "api:1")
    assert row.details == {"model": "größer", "nested": [1, None]}
    assert row.processed_at == door.NOON + timedelta(days=900)
    record = ledger.usage_of(row)
    assert record is not None
    assert (record.credits_consumed, record.units_consumed, record.cost_per_unit) == (25, 5, 5)
    assert (record.operation_type, record.operation_id, record.status) == ("ai_analysis", "job 7", "completed")
    assert (record.api_endpoint, record.api_key_id, record.request_id) == ("/v1/analyse", key, "request 5")
    assert (record.started_at, record.completed_at, record.created_at) == (began, ended, row.processed_at)
    assert record.operation_details == row.details
    assert door.differences() == []


def test_the_very_last_credit_can_be_spent_and_not_one_millionth_more(app: object) -> None:
    account = door.open_account(holding="2.5")

    assert door.spend(account, "2.5").balance_after == 0
    with door.nothing_written(), pytest.raises(InsufficientCredits):
        door.spend(account, "0.000001")


def test_a_charge_beyond_what_is_available_is_refused_with_the_exact_facts(app: object) -> None:
    account = door.open_account(holding="3.25")

    with door.nothing_written(), pytest.raises(InsufficientCredits) as refused:
        door.spend(account, 10)

    error = refused.value
    assert door.refusal(error) == ("insufficient_credits", 402)
    assert (error.required, error.available, error.reserved, error.debt) == (10, Decimal("3.25"), 0, 0)
    assert error.shortfall == Decimal("6.75")
    assert error.sentence == "10 credits are needed and 3.25 are available."


def test_in_debt_even_a_covered_charge_is_refused_and_the_shortfall_says_what_to_pay(app: object) -> None:
    account = door.open_account(holding=10)
    door.owing(account, 4)

    with door.nothing_written(), pytest.raises(InsufficientCredits) as refused:
        door.spend(account, 3)

    assert (refused.value.debt, refused.value.shortfall) == (4, 4)
    with door.nothing_written(), pytest.raises(InsufficientCredits) as refused:
        door.spend(account, 12)
    assert refused.value.shortfall == 6


def test_a_charge_of_an_account_that_does_not_exist_is_refused(app: object) -> None:
    with door.nothing_written(), pytest.raises(NotFound):
        door.spend(12_345, 1)


def test_the_same_key_and_request_charge_once_and_are_answered_as_the_first_time(app: object) -> None:
    account = door.open_account(holding=100)
    first = door.spend(account, 10, operation_type="image_processing", key="a")
    door.spend(account, 50)
    door.grant(account, 7)

    again = door.spend(account, "10.00", operation_type="image_processing", key="a")

    assert again.replayed
    assert not first.replayed
    told = ("transaction_id", "operation_type", "amount", "balance_before", "balance_after", "available")
    assert [getattr(again, fact) for fact in told] == [getattr(first, fact) for fact in told]
    assert door.available(account) == 47
    assert door.differences() == []


def test_a_repetition_is_answered_even_when_the_account_could_not_pay_any_more(app: object) -> None:
    account = door.open_account(holding=10)
    first = door.spend(account, 10, key="a")

    again = door.spend(account, 10, key="a")

    assert (again.replayed, again.transaction_id, again.balance_after) == (True, first.transaction_id, 0)


def test_a_repetition_is_answered_in_debt_and_after_credits_fell_due(app: object) -> None:
    account = door.open_account()
    with clock.at(door.NOON):
        door.grant(account, 10, expires_at=door.NOON + timedelta(days=1))
        first = door.spend(account, 4, key="a")

    with clock.at(door.NOON + timedelta(days=2)), door.nothing_written():
        assert door.spend(account, 4, key="a").transaction_id == first.transaction_id

    with clock.at(door.NOON + timedelta(days=2)):
        door.expire(account)
        door.owing(account, 3)
        with door.nothing_written():
            assert door.spend(account, 4, key="a").balance_after == 6


def test_the_mark_of_the_request_tells_a_repetition_not_the_price(app: object) -> None:
    account = door.open_account(holding=100)
    door.spend(account, 10, key="a", request="the request")

    again = door.spend(account, 12, key="a", request="the request")

    assert (again.replayed, again.amount) == (True, 10)
    assert door.available(account) == 90


@pytest.mark.parametrize("holding", [100, 10], ids=["while it could pay", "while it could not pay"])
@pytest.mark.parametrize("other", [{"amount": 11}, {"operation_type": "data_export"}], ids=["amount", "operation"])
def test_a_used_key_refuses_another_request(app: object, holding: int, other: dict[str, object]) -> None:
    account = door.open_account(holding=holding)
    request = {"amount": 10, "operation_type": "image_processing", "key": "a"}
    door.spend(account, **request)  # type: ignore[arg-type]

    with door.nothing_written(), pytest.raises(IdempotencyMismatch) as refused:
        door.spend(account, **{**request, **other})  # type: ignore[arg-type]

    assert door.refusal(refused.value) == ("idempotency_mismatch", 422)


def test_a_key_of_a_grant_refuses_a_charge(app: object) -> None:
    account = door.open_account()
    door.grant(account, 10, key="a")

    with door.nothing_written(), pytest.raises(IdempotencyMismatch):
        door.spend(account, 10, key="a")


def test_a_key_stays_taken_for_ever(app: object) -> None:
    account = door.open_account(holding=100)
    with clock.at(door.NOON + timedelta(days=365)):
        first = door.spend(account, 10, key="a")

    with clock.at(door.NOON + timedelta(days=365 * 50)):
        assert door.spend(account, 10, key="a").transaction_id == first.transaction_id
        with pytest.raises(IdempotencyMismatch):
            door.spend(account, 11, key="a")


def test_a_key_is_free_on_another_account(app: object) -> None:
    one, other = door.open_account(holding=10), door.open_account(holding=10)

    assert not door.spend(one, 1, key="a").replayed
    assert not door.spend(other, 2, key="a").replayed
    assert (door.available(one), door.available(other)) == (9, 8)


def test_a_refused_charge_is_not_remembered_so_its_key_works_after_a_top_up(app: object) -> None:
    account = door.open_account(holding=5)
    with pytest.raises(InsufficientCredits):
        door.spend(account, 10, key="a")
    door.grant(account, 10)

    spent = door.spend(account, 12, key="a")

    assert (spent.replayed, spent.balance_after) == (False, 3)


def test_without_a_key_the_same_charge_is_made_every_time(app: object) -> None:
    account = door.open_account(holding=10)

    for _ in range(3):
        door.spend(account, 2, operation_type="basic_api_call")

    assert door.available(account) == 4


def test_a_charge_that_is_not_committed_leaves_nothing(app: object) -> None:
    account = door.open_account(holding=10)

    def broken() -> None:
        with transaction():
            ledger.spend(account, ledger.Charge(amount=Decimal(5), key="a"))
            raise ZeroDivisionError

    with door.nothing_written(), pytest.raises(ZeroDivisionError):
        broken()
    assert not door.spend(account, 6, key="a").replayed


def test_a_charge_touches_no_lot(app: object) -> None:
    account = door.open_account(holding=10)
    statements: list[str] = []

    def noted(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    with transaction():
        event.listen(db.engine, "before_cursor_execute", noted)
        ledger.spend(account, ledger.Charge(amount=Decimal(5), key="a"))
        event.remove(db.engine, "before_cursor_execute", noted)

    assert not [statement for statement in statements if "credit_lot" in statement]
    assert len(statements) == (1 if db.engine.dialect.name == "postgresql" else 5)


def test_a_key_that_was_revoked_since_it_was_looked_up_charges_nothing(app: object) -> None:
    account = door.open_account(holding=100)
    key = door.key_of(account)
    door.spend(account, 10, api_key_id=key, key="paid")
    with transaction():
        identity.revoke_key(account, key)

    for attempt in ({"key": "new"}, {"key": "paid"}, {}):
        with door.nothing_written(), pytest.raises(ledger.KeyRevoked) as refused:
            door.spend(account, 10, api_key_id=key, **attempt)
        assert door.refusal(refused.value) == ("unauthorized", 401)


@pytest.mark.settings(spend_in_debt=True)
def test_where_the_seller_allows_it_charges_go_on_in_debt(app: object) -> None:
    account = door.open_account()
    door.owing(account, 30)
    door.grant(account, 50)
    assert door.available(account) == 20
    door.owing(account, 30)

    door.spend(account, 20)
    assert door.available(account) == 0
