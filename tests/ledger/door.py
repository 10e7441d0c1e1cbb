"""The ledger as a door uses it: each verb in a transaction of its own, amounts in the way they are said."""

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import current_app
from sqlalchemy import select

from creditapp import clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.errors import CreditAppError
from creditapp.onecall import at_once

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OPENED = datetime(2025, 1, 1, tzinfo=UTC)  # before anything that a test lets happen
Amount = Decimal | int | str

# Callers in other processes must not meet on a key by accident.
_keys = (f"key {os.getpid()} {number}" for number in itertools.count(1))


def open_account(*, holding: Amount = 0) -> int:
    """A new account with so many credits that never expire."""
    with clock.at(clock.given() or OPENED), transaction():
        account_id = ledger.open_account().id
        if Decimal(holding):
            ledger.grant(account_id, Decimal(holding), transaction_type="purchase", key="opening")
        return account_id


def grant(
    account_id: int, amount: Amount, *, transaction_type: str = "purchase", key: str | None = None, **terms: Any
) -> ledger.CreditTransaction:
    """Put credits in, under a new key where none is given."""
    with transaction():
        return ledger.grant(
            account_id, Decimal(amount), transaction_type=transaction_type, key=key or next(_keys), **terms
        )


def spend(account_id: int, amount: Amount, **about: Any) -> ledger.Spent:
    """Charge, without a key where none is given."""
    with transaction():
        return ledger.spend(account_id, ledger.Charge(amount=Decimal(amount), **about))


def spend_at_once(account_id: int, amount: Amount, **about: Any) -> ledger.Spent:
    """The same, as one call that commits by itself."""
    return at_once(lambda: ledger.spend(account_id, ledger.Charge(amount=Decimal(amount), **about)))


def adjust(
    account_id: int, amount: Amount, *, reason: str = "counted again", key: str | None = None
) -> ledger.CreditTransaction:
    """Correct a balance, under a new key where none is given."""
    with transaction():
        return ledger.adjust(account_id, Decimal(amount), reason=reason, key=key or next(_keys))


def claw_back(
    account_id: int, amount: Amount, purchase_id: int, *, key: str | None = None, order: str = "an order"
) -> ledger.CreditTransaction:
    """Take back credits of a purchase, under a new key where none is given."""
    with transaction():
        return ledger.claw_back(
            account_id,
            Decimal(amount),
            purchase_id=purchase_id,
            key=key or next(_keys),
            description="Refund",
            polar_order_id=order,
        )


def give_back(
    account_id: int, amount: Amount, purchase_id: int, *, key: str | None = None, order: str = "an order"
) -> ledger.CreditTransaction:
    """Undo that, under a new key where none is given."""
    with transaction():
        return ledger.give_back(
            account_id,
            Decimal(amount),
            purchase_id=purchase_id,
            key=key or next(_keys),
            description="Refund undone",
            polar_order_id=order,
        )


def reverse(
    account_id: int,
    transaction_id: int,
    amount: Amount | None = None,
    *,
    key: str | None = None,
    reason: str | None = None,
) -> ledger.CreditTransaction:
    """Give back a charge, all that is left of it where no amount is given."""
    with transaction():
        return ledger.reverse(
            account_id, transaction_id, None if amount is None else Decimal(amount), key=key, reason=reason
        )


def write_off(
    account_id: int, amount: Amount, *, reason: str = "goodwill", key: str | None = None
) -> ledger.CreditTransaction:
    """Forgive debt, under a new key where none is given."""
    with transaction():
        return ledger.write_off(account_id, Decimal(amount), reason=reason, key=key or next(_keys))


def hold(account_id: int, amount: Amount, **terms: Any) -> ledger.Hold:
    """Set credits aside."""
    with transaction():
        return ledger.hold(account_id, Decimal(amount), **terms)


def capture(account_id: int, hold_id: int, amount: Amount | None = None, **terms: Any) -> ledger.Captured:
    """Charge out of a hold, all of it where no amount is given."""
    with transaction():
        return ledger.capture(account_id, hold_id, None if amount is None else Decimal(amount), **terms)


def release(account_id: int, hold_id: int) -> ledger.Hold:
    """Free what a hold keeps."""
    with transaction():
        return ledger.release(account_id, hold_id)


def extend(account_id: int, hold_id: int, by: timedelta) -> ledger.Hold:
    """Let a hold end so long from now."""
    with transaction():
        return ledger.extend(account_id, hold_id, by)


def expire(account_id: int) -> int:
    """Book what has fallen due."""
    with transaction():
        return ledger.expire(account_id)


def settle(account_id: int) -> None:
    """Allot to the lots what was consumed, which comes before anything is booked."""
    expire(account_id)


def key_of(account_id: int) -> int:
    """The id of a key of a program that acts for the account."""
    with transaction():
        identity.create_key(account_id, name="tests", scopes=("consume",), live=False)
        return identity.keys_of(account_id)[0].id


def owing(account_id: int, amount: Amount) -> None:
    """Bring an account into debt: a purchase is spent, then refunded by a seller who takes no other credits for it."""
    bought = grant(account_id, amount, priority=-1)
    spend(account_id, amount)
    usual = current_app.extensions["ledger_policy"]
    current_app.extensions["ledger_policy"] = replace(usual, clawback_other_lots=False)
    claw_back(account_id, amount, bought.id)
    current_app.extensions["ledger_policy"] = usual


def available(account_id: int) -> Decimal:
    """What may be spent now."""
    return ledger.balance(account_id).available


def rows(account_id: int) -> list[tuple[str, Decimal, Decimal]]:
    """Type, amount and balance after of every row, oldest first."""
    entries = ledger.entries(account_id, limit=10_000)
    return [(row.transaction_type, row.amount, row.balance_after) for row in reversed(entries)]


def left(account_id: int) -> list[tuple[str, Decimal]]:
    """Source and rest of every lot with something left, in the order in which they will be spent."""
    return [(lot.source, lot.remaining) for lot in ledger.lots_left(account_id)]


def differences() -> Sequence[str]:
    """What the proof of the books finds, in words."""
    return [f"{found.rule}: {found.found}, not {found.expected}" for found in ledger.verify()]


@contextmanager
def nothing_written() -> Iterator[None]:
    """What happens inside leaves every table of the ledger as it was."""
    before = _everything()
    yield
    assert _everything() == before


def refusal(error: CreditAppError) -> tuple[str, int]:
    """What a program sees of a refusal."""
    return error.code, error.status


def _everything() -> list[Any]:
    db.session.rollback()
    tables = (
        ledger.Account,
        ledger.CreditTransaction,
        ledger.CreditLot,
        ledger.LotRange,
        ledger.UsageRecord,
        ledger.UsageBucket,
        ledger.Hold,
    )
    return [sorted(db.session.execute(select(*table.__table__.columns)).all(), key=repr) for table in tables]
