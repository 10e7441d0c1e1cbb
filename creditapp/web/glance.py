"""One small read that tells whether anything on somebody's balance card can have changed.

It takes the facts as they were written, without working out what they mean: the account's row, the alerts that stand,
when auto-recharge was last changed or looked at, and how many lots and holds have come past the moments at which they
count otherwise. Where all of that is as it was when the card was last drawn, so is the card.
"""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from creditapp import clock, identity
from creditapp.db import is_postgres, sqlite_time
from creditapp.ledger import EXPIRING_WITHIN
from creditapp.onecall import driver
from creditapp.wiring import memory

MOST_REMEMBERED = 10_000
_FACTS = text(
    """
    SELECT a.id, a.time_zone, a.updated_at, a.last_number, a.balance, a.reserved, a.debt, a.consumed, a.settled,
        a.total_purchased, a.total_reversed,
        (SELECT count(*) FROM credit_lots l
         WHERE l.account_id = a.id AND l.remaining > 0 AND l.expires_at <= :now),
        (SELECT count(*) FROM credit_lots l
         WHERE l.account_id = a.id AND l.remaining > 0 AND l.expires_at <= :soon),
        (SELECT count(*) FROM credit_holds h
         WHERE h.account_id = a.id AND h.state = 'open' AND h.expires_at <= :now),
        (SELECT coalesce(sum(c.id), 0) FROM credit_alerts c WHERE c.account_id = a.id AND c.resolved_at IS NULL),
        (SELECT coalesce(sum(c.id), 0) FROM credit_alerts c
         WHERE c.account_id = a.id AND c.resolved_at IS NULL AND c.status = 'active'),
        p.updated_at, p.considered_at
    FROM user_sessions s
    JOIN memberships m ON m.user_id = s.user_id
    JOIN accounts a ON a.id = m.account_id
    LEFT JOIN recharge_plans p ON p.account_id = a.id
    WHERE s.token_hash = :token_hash AND s.revoked_at IS NULL AND s.expires_at > :now
    ORDER BY m.created_at LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class Glance:
    """What was seen: whose account it is, and the facts behind the card."""

    account_id: int
    time_zone: str
    facts: tuple[Any, ...]

    def mark(self) -> str | None:
        """The mark of the card that this process last drew from these very facts; None where it drew none."""
        return _marks().get(self.facts)

    def remember(self, mark: str) -> None:
        """The card drawn after this look, never before it, has that mark."""
        marks = _marks()
        if len(marks) >= MOST_REMEMBERED:
            marks.clear()
        marks[self.facts] = mark


def glance(token: str) -> Glance | None:
    """A look at the account of who is signed in with this token; None once the session ended."""
    now = clock.now()
    kept = (lambda moment: moment) if is_postgres() else sqlite_time
    given = {"now": kept(now), "soon": kept(now + EXPIRING_WITHIN), "token_hash": identity.token_hash(token)}
    with driver(writing=False) as execute:
        found = execute(_FACTS, given)
    if not found:
        return None
    facts = tuple(found[0])
    today = now.astimezone(ZoneInfo(facts[1])).date()
    return Glance(facts[0], facts[1], (*facts, today))


def _marks() -> dict[tuple[Any, ...], str]:
    found: dict[tuple[Any, ...], str] = memory().setdefault("balance cards", {})
    return found
