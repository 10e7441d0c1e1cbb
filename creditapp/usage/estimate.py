"""What an operation would do to an account: nothing is charged, nothing is held."""

from dataclasses import dataclass
from decimal import Decimal

from creditapp import ledger


@dataclass(frozen=True, slots=True)
class Estimate:
    """A cost beside what the account has. What would be left is None where it can't be afforded."""

    cost: Decimal
    available: Decimal
    debt: Decimal
    can_afford: bool
    balance_after: Decimal | None
    available_after: Decimal | None
    shortfall: Decimal


def estimate(account_id: int, cost: Decimal) -> Estimate:
    """What a charge of *cost* would leave, at this moment. Raises NotFound."""
    standing = ledger.balance(account_id)
    blocked = bool(standing.debt) and not ledger.policy().spend_in_debt
    can_afford = cost <= standing.available and not blocked
    return Estimate(
        cost=cost,
        available=standing.available,
        debt=standing.debt,
        can_afford=can_afford,
        balance_after=standing.balance - cost if can_afford else None,
        available_after=standing.available - cost if can_afford else None,
        shortfall=Decimal(0) if can_afford else max(cost - standing.available, Decimal(0)) + standing.debt,
    )
