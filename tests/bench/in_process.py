"""What a program does that uses the credits without HTTP."""

import random

from creditapp import Credits
from tests.bench.house import ACCOUNTS, HOT

LEASED = 1_000


def consume(credits: Credits, drawn: random.Random) -> int:
    """One charge by the rate card, under a key, of any account."""
    credits.consume(drawn.randint(1, ACCOUNTS), "basic_api_call", key=str(drawn.getrandbits(62)))
    return 1


def consume_hot(credits: Credits, drawn: random.Random) -> int:
    """The same, always of one account."""
    credits.consume(HOT, "basic_api_call", key=str(drawn.getrandbits(62)))
    return 1


def lease(credits: Credits, drawn: random.Random) -> int:
    """A block of a thousand, counted off one by one."""
    with credits.lease(HOT, LEASED, operation="basic_api_call") as block:
        for _ in range(LEASED):
            block.spend(1)
    return LEASED
