"""Demo data: four people to sign in as, two of them with months of history that ends today.

Invariants: safe to repeat, a person who is there stays as they are; each comes whole or not at all; the same day gives
the same history; the books tie out. Importing this costs nothing: ``flask dev`` does, only to say who can sign in.
"""

from dataclasses import dataclass

PASSWORD = "demo-password"  # noqa: S105  (everybody may know it)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to sign in as, and in a few words why."""

    email: str
    words: str
    operator: bool = False


HIGH = Person("high-credits@example.com", "25,000 credits and four busy months")
LOW = Person("low-credits@example.com", "150 credits left: time to buy")
NEW = Person("new-credits@example.com", "just signed up, 100 welcome credits")
OPERATOR = Person("operator@example.com", "one of the seller's own staff", operator=True)
PEOPLE = (HIGH, LOW, NEW, OPERATOR)


def people() -> None:
    """Make the four people, each in a transaction of their own. The packages must be on the shelf."""
    from creditapp.demo import life

    for person in PEOPLE:
        life.live(person)


__all__ = ["PASSWORD", "PEOPLE", "Person", "people"]
