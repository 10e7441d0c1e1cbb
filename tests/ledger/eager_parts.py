"""What the eager ledger is made of: rows, lots, holds, and what it refuses."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)
NEVER = datetime.max
BURNS = {"bonus": 0, "adjustment": 1, "purchase": 2}


class Refused(Exception):
    """Nothing was written."""


class Insufficient(Refused):
    """Not enough; the credits that are available."""


class Mismatch(Refused):
    """The key was used for another request."""


class TooMuch(Refused):
    """More than there is to give back, or to forgive."""


class NothingLeft(Refused):
    """All of it was given back already."""


class NoCharge(Refused):
    """Only a consumption is given back."""


class Closed(Refused):
    """The hold has ended."""


@dataclass
class Row:
    """One line of the statement."""

    kind: str
    amount: Decimal
    debt_change: Decimal
    balance_after: Decimal
    at: datetime
    gone_back: Decimal = ZERO


@dataclass
class Lot:
    """Credits that came in with row *number*."""

    number: int
    kind: str
    left: Decimal
    priority: int
    expires_at: datetime | None

    @property
    def ends(self) -> datetime:
        """When it can't be spent any more."""
        return self.expires_at.replace(tzinfo=None) if self.expires_at else NEVER

    def turn(self) -> tuple[int, datetime, int, int]:
        """When its turn to burn comes."""
        return (self.priority, self.ends, BURNS[self.kind], self.number)


@dataclass
class Hold:
    """Credits set aside; of those that end at one instant the lowest *rank* ends first."""

    left: Decimal
    expires_at: datetime
    state: str = "open"
    rank: int = 0
