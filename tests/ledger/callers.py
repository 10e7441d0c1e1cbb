"""What the racing processes do: each function is one caller, and answers in words."""

import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from creditapp import clock, ledger
from creditapp.ledger import AlreadyReversed, IdempotencyMismatch, InsufficientCredits, InvalidAmount
from tests.ledger import door

Answer = TypeVar("Answer")


def charge_once(account_id: int, amount: str, key: str | None, spend: Callable[..., ledger.Spent] = door.spend) -> str:
    """``charged``, ``replayed`` or ``refused``, and by which row."""
    try:
        spent = spend(account_id, amount, key=key)
    except InsufficientCredits as refused:
        return f"refused with {refused.available} available"
    except IdempotencyMismatch:
        return "mismatch"
    return f"{'replayed' if spent.replayed else 'charged'} {spent.transaction_id} -> {spent.balance_after}"


def charge_at(account_id: int, moment: datetime, amount: str) -> int:
    """The row of a charge at *moment*."""
    with clock.at(moment):
        return door.spend(account_id, amount).transaction_id


def charge_once_at_once(account_id: int, amount: str, key: str | None) -> str:
    """The same, as one call that commits by itself."""
    return charge_once(account_id, amount, key, door.spend_at_once)


def charge_some_at_once(account_id: int, number: int, times: int) -> int:
    """How many of so many charges were made, each under a key of its own."""
    return sum(not door.spend_at_once(account_id, 1, key=f"{number} {turn}").replayed for turn in range(times))


def grant_once(account_id: int, amount: str, key: str) -> tuple[int, Decimal]:
    """The row, and the balance after it."""
    granted = door.grant(account_id, amount, key=key)
    return granted.id, granted.balance_after


def adjust_once(account_id: int, amount: str, key: str) -> str:
    """``adjusted`` or ``refused``."""
    try:
        door.adjust(account_id, amount, key=key)
    except InsufficientCredits:
        return "refused"
    return "adjusted"


def claw_back_once(account_id: int, amount: str, purchase_id: int, key: str) -> str:
    """``taken`` by which row, or ``refused``."""
    try:
        return f"taken {door.claw_back(account_id, amount, purchase_id, key=key).id}"
    except InvalidAmount:
        return "refused"


def give_back_once(account_id: int, amount: str, purchase_id: int, key: str) -> str:
    """``given`` by which row, or ``refused``."""
    try:
        return f"given {door.give_back(account_id, amount, purchase_id, key=key).id}"
    except InvalidAmount:
        return "refused"


def reverse_once(account_id: int, transaction_id: int, amount: str, key: str) -> str:
    """``given`` by which row, or ``refused``."""
    try:
        return f"given {door.reverse(account_id, transaction_id, amount, key=key).id}"
    except AlreadyReversed:
        return "refused"


def write_off_once(account_id: int, amount: str, key: str) -> str:
    """``forgiven`` by which row, or ``refused``."""
    try:
        return f"forgiven {door.write_off(account_id, amount, key=key).id}"
    except InvalidAmount:
        return "refused"


def expire_once(account_id: int) -> int:
    """How many lots this sweep booked."""
    return door.expire(account_id)


def settle_once(account_id: int) -> None:
    """Settle beside the others."""
    door.settle(account_id)


def work_a_day(account_id: int, number: int, rounds: int) -> Decimal:
    """Everything that moves credits, in turns; what it added to the balance in all."""
    added = Decimal(0)
    for turn in range(rounds):
        for _ in range(3):
            added -= door.spend(account_id, "1.1", key=f"{number} {turn} {_}").amount
        added += door.grant(account_id, 2, transaction_type="bonus").amount
        added += door.adjust(account_id, "-0.25").amount
        door.settle(account_id)
        assert ledger.balance(account_id).available >= 0
    return added


def charge_again_and_again(account_id: int, amount: str, times: int) -> list[Decimal]:
    """How much was available by each refusal's own words."""
    refusals = []
    for _ in range(times):
        try:
            door.spend(account_id, amount)
        except InsufficientCredits as refused:
            refusals.append(refused.available)
    return refusals


def top_up_again_and_again(account_id: int, amount: str, times: int) -> list[Decimal]:
    """Nothing is refused."""
    for _ in range(times):
        door.grant(account_id, amount)
    return []


def time_charges(account_id: int, times: int) -> tuple[float, float]:
    """The longest that one of so many charges took, and all of them together."""
    began, longest = time.monotonic(), 0.0
    for _ in range(times):
        before = time.monotonic()
        door.spend(account_id, 1)
        longest = max(longest, time.monotonic() - before)
    return longest, time.monotonic() - began


def call(caller: Callable[..., Answer], *told: object) -> Answer:
    """One of several callers who do not do the same."""
    return caller(*told)
