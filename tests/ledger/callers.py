"""What the racing processes do: each function is one caller, and answers in words."""

from decimal import Decimal

from creditapp import ledger
from creditapp.ledger import IdempotencyMismatch, InsufficientCredits
from tests.ledger import door


def charge_once(account_id: int, amount: str, key: str | None) -> str:
    """``charged``, ``replayed`` or ``refused``, and by which row."""
    try:
        spent = door.spend(account_id, amount, key=key)
    except InsufficientCredits as refused:
        return f"refused with {refused.available} available"
    except IdempotencyMismatch:
        return "mismatch"
    return f"{'replayed' if spent.replayed else 'charged'} {spent.transaction_id} -> {spent.balance_after}"


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
