"""The test cards, by number, and what each does (facts §5)."""

from dataclasses import dataclass
from typing import Literal

SHORTEST_NUMBER, LONGEST_NUMBER = 12, 19

Outcome = Literal["pays", "declines", "asks", "saves"]


@dataclass(frozen=True)
class Card:
    """A test card: its number, what happens at a checkout, and the words for a person."""

    number: str
    outcome: Outcome
    words: str

    @property
    def last4(self) -> str:
        """The last four digits."""
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        """The number in groups of four."""
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))


TEST_CARDS = (
    Card("4242424242424242", "pays", "Pays"),
    Card("4000000000000002", "declines", "Is declined"),
    Card("4000002760003184", "asks", "Asks to confirm (3DS)"),
    Card("4000000000000341", "saves", "Pays or saves, then declines"),
)


class BadCard(ValueError):
    """A number that no card has; the message is for the person who typed it."""


def card(number: str) -> Card:
    """The test card with this number, spaces and hyphens allowed. Raises BadCard."""
    digits = number.replace(" ", "").replace("-", "")
    if not digits:
        raise BadCard("Enter a card number.")
    if not (digits.isascii() and digits.isdigit()) or not SHORTEST_NUMBER <= len(digits) <= LONGEST_NUMBER:
        raise BadCard("A card number has 12 to 19 digits.")
    if not _passes_luhn(digits):
        raise BadCard("This is not a card number. Check the digits.")
    known = next((known for known in TEST_CARDS if known.number == digits), None)
    if known is None:
        raise BadCard("Only the test cards on this page work here.")
    return known


def _passes_luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0
