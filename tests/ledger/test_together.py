"""Many charges in one statement: exactly what each would have done after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from creditapp import clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.errors import CreditAppError, NotFound
from creditapp.onecall import at_once, driver
from tests.databases import POSTGRESQL
from tests.entries import every_entry
from tests.ledger import door

pytestmark = pytest.mark.both_databases

HELD = "held"  # a key that belongs to a hold
KEYS = st.sampled_from([None, "a", "b", "c", "d", HELD])
CHARGES = st.builds(
    ledger.Charge,
    amount=st.sampled_from([Decimal(1), Decimal("2.5"), Decimal(7), Decimal("0.000001")]),
    operation_type=st.sampled_from([None, "basic_api_call", "ai_analysis"]),
    key=KEYS,
    units=st.integers(1, 3),
    unit_cost=st.sampled_from([None, Decimal("0.5")]),
    api_endpoint=st.sampled_from([None, "/v1"]),
    operation_id=st.sampled_from([None, "job"]),
    description=st.sampled_from([None, "ü"]),
    price_version=st.sampled_from([None, "2026-01"]),
    started_at=st.sampled_from([None, door.NOON]),
    details=st.sampled_from([{}, {"a": [1, "ß", None, 0.1]}]),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller is told, without the numbers of rows."""

    words: str
    facts: tuple[Any, ...]


def told(outcome: ledger.Spent | CreditAppError) -> Told:
    if isinstance(outcome, ledger.InsufficientCredits):
        return Told(outcome.code, (outcome.required, outcome.available, outcome.reserved, outcome.watched))
    if isinstance(outcome, CreditAppError):
        return Told(outcome.code, ())
    facts = (outcome.operation_type, outcome.amount, outcome.balance_before, outcome.balance_after)
    return Told("charged", (*facts, outcome.reserved_after, outcome.replayed, outcome.watched))


def one_by_one(account: int, charges: Sequence[ledger.Charge]) -> list[Told]:
    outcomes: list[ledger.Spent | CreditAppError] = []
    for charge in charges:
        try:
            with transaction():
                outcomes.append(ledger.spend(account, charge))
        except CreditAppError as error:
            outcomes.append(error)
    return [told(outcome) for outcome in outcomes]


def all_in_one(account: int, charges: Sequence[ledger.Charge]) -> list[Told]:
    return [told(outcome) for outcome in at_once(lambda: ledger.spend_each(account, charges))]


def written(account: int) -> list[tuple[Any, ...]]:
    """Every row and its usage, without ids and times."""
    db.session.rollback()
    rows = []
    for row in every_entry(account):
        record = ledger.usage_of(row)
        used = record and (
            record.operation_type,
            record.operation_id,
            record.credits_consumed,
            record.cost_per_unit,
            record.units_consumed,
            record.operation_details,
            record.api_endpoint,
            record.started_at,
        )
        what = (row.number, row.transaction_type, row.amount, row.balance_before, row.balance_after, row.reserved_after)
        key = row.key if row.transaction_type == "consumption" else None  # others name ids
        why = (row.axis_from, key, row.request, row.operation_type, row.description, row.price_version, row.details)
        rows.append((*what, *why, used))
    return rows


def opened(holding: int, *, watch: bool, dated: bool) -> int:
    account = door.open_account(holding=holding)
    door.hold(account, 2, key=HELD)
    if watch:
        with transaction():
            ledger.watch(account, Decimal(10), by="tests")
    if dated:
        with clock.at(clock.now() - timedelta(days=2)):
            door.grant(account, 5, transaction_type="bonus", expires_at=clock.now() + timedelta(days=1))
    return account


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    batches=st.lists(st.lists(CHARGES, min_size=1, max_size=7), min_size=1, max_size=3),
    holding=st.sampled_from([5, 20, 1_000]),
    watch=st.booleans(),
    dated=st.booleans(),
)
def test_a_batch_does_exactly_what_its_charges_do_one_after_the_other(
    app: Flask, batches: list[list[ledger.Charge]], holding: int, watch: bool, dated: bool
) -> None:
    loop, batch = (opened(holding, watch=watch, dated=dated) for _ in range(2))

    for charges in batches:
        assert all_in_one(batch, charges) == one_by_one(loop, charges)
    for account in (batch, loop):
        door.expire(account)  # a charge that is refused alone books nothing, not even that
    assert written(batch) == written(loop)
    assert door.differences() == []


def fresh(*amounts: int | str, keys: str = "k", **about: Any) -> list[ledger.Charge]:
    return [ledger.Charge(amount=Decimal(amount), key=f"{keys}{at}", **about) for at, amount in enumerate(amounts)]


@pytest.mark.parametrize("holding", [100, 3], ids=["with enough", "with too little"])
def test_a_key_that_belongs_to_a_hold_charges_nothing(app: Flask, holding: int) -> None:
    account = opened(holding, watch=False, dated=False)

    for charge in (door.spend, door.spend_at_once):
        with pytest.raises(ledger.IdempotencyMismatch):
            charge(account, 5, key=HELD)
    charges = [ledger.Charge(amount=Decimal(1), key=key) for key in ("a", HELD)]
    assert [told(one).words for one in at_once(lambda: ledger.spend_each(account, charges))] == [
        "charged",
        "idempotency_mismatch",
    ]
    assert door.available(account) == holding - 3
    assert door.differences() == []


def test_charges_that_all_fit_are_written_at_one_moment(app: Flask, database_kind: str) -> None:
    account = door.open_account(holding=10)

    done = at_once(lambda: ledger.spend_all(account, fresh(1, 2, 3)))

    assert [(one.amount, one.balance_after) for one in done] == [(1, 9), (2, 7), (3, 4)]
    rows = list(every_entry(account))[:3]
    assert [row.id for row in rows] == [one.transaction_id for one in reversed(done)]
    if database_kind == POSTGRESQL:  # that they went in one statement is seen from outside by nothing else
        assert len({row.processed_at for row in rows}) == 1


def test_all_or_none_where_the_last_does_not_fit(app: Flask) -> None:
    account = door.open_account(holding=10)

    with pytest.raises(ledger.InsufficientCredits) as refused:
        at_once(lambda: ledger.spend_all(account, fresh(5, 4, 2)))

    assert (refused.value.required, refused.value.available) == (2, 1)
    assert door.available(account) == 10
    assert len(written(account)) == 1
    assert door.differences() == []


def test_a_batch_for_nobody_or_by_a_revoked_key_charges_nothing(app: Flask, account: int) -> None:
    with transaction():
        identity.create_key(account, name="tests", scopes=("consume",), live=False)
        key = identity.keys_of(account)[0]
        identity.revoke_key(account, key.id)
        revoked = key.id

    with pytest.raises(NotFound):
        at_once(lambda: ledger.spend_each(1, fresh(1, 2)))
    with pytest.raises(ledger.KeyRevoked):
        at_once(lambda: ledger.spend_each(account, fresh(1, 2, api_key_id=revoked)))
    assert door.available(account) == 100


def test_what_is_due_is_booked_before_a_batch(app: Flask) -> None:
    account = opened(20, watch=False, dated=True)

    done = at_once(lambda: ledger.spend_all(account, fresh(1, 2)))

    assert [one.balance_after for one in done] == [19, 17]
    assert [kind for kind, _, _ in door.rows(account)][-3:] == ["expiration", "consumption", "consumption"]
    assert door.differences() == []


def test_one_that_can_t_be_written_keeps_nobody_else_from_going_together(app: Flask) -> None:
    account = door.open_account(holding=10)
    good, other = fresh(1, 2)
    bad = replace(other, key="bad", units=2**63)  # no column holds so many
    asked = [ledger.spending._parameters(account, charge) for charge in (good, bad, other)]

    assert ledger.together(asked) == []
    assert door.available(account) == 10
    with pytest.raises((DBAPIError, OverflowError)):
        ledger.together(asked[1:2])
    assert [answer.outcome for one in (asked[0], asked[2]) for answer in ledger.together([one])] == ["charged"] * 2
    db.session.rollback()  # what was read before is read again
    assert door.available(account) == 7
    assert door.differences() == []


def test_what_fails_as_one_call_leaves_nothing_and_the_connection_works_on(app: Flask) -> None:
    account = door.open_account(holding=10)
    for _ in range(30):  # more often than there are connections
        with pytest.raises(DBAPIError), driver() as execute:
            execute(db.text("SELECT no_such_column FROM accounts"), {})

    assert door.spend_at_once(account, 1).balance_after == 9
    assert door.differences() == []


def test_a_batch_reads_no_more_where_the_account_has_a_long_history(app: Flask, database_kind: str) -> None:
    if database_kind != POSTGRESQL:
        return  # there each charge is one of its own
    account = door.open_account(holding=10_000)
    hundred = [1] * 100
    for part in range(30):
        at_once(partial(ledger.spend_all, account, fresh(*hundred, keys=f"{part} ")))
    read = db.text("SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'credit_transactions'")

    with transaction():
        before = db.session.scalar(read) or 0
        ledger.spend_all(account, fresh(*hundred, keys="last "))
        assert (db.session.scalar(read) or 0) - before <= len(hundred)
