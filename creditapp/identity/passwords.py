"""Passwords: argon2id, and words about what makes one acceptable."""

import os
import threading
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from creditapp.errors import InvalidInput

SHORTEST, LONGEST = 8, 256

# Tests sign up hundreds of people; nobody else sets this.
_CHEAP = os.environ.get("CREDITAPP_CHEAP_PASSWORDS") == "1"
# OWASP's smallest: what it lacks in memory it makes up for in rounds, and a process stays small under many sign-ins.
_hasher = PasswordHasher(time_cost=1 if _CHEAP else 4, memory_cost=8 if _CHEAP else 9 * 1024, parallelism=1)
_one_at_a_time = threading.Lock()


class UnacceptablePassword(InvalidInput):
    """Too short, too long, or known to everybody."""

    code = "unacceptable_password"


def hashed(password: str) -> str:
    """The hash to keep. Raises UnacceptablePassword, in words for the person."""
    if len(password) < SHORTEST:
        message = f"Use at least {SHORTEST} characters. A few words in a row are easy to remember."
        raise UnacceptablePassword(message)
    if len(password) > LONGEST:
        message = f"Use at most {LONGEST} characters."
        raise UnacceptablePassword(message)
    if password.lower() in _known_to_everybody():
        message = "This password is on every attacker's list. Use another; a few words in a row are easy to remember."
        raise UnacceptablePassword(message)
    with _one_at_a_time:
        return _hasher.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether *password* is the one; without a hash it takes as long and says no."""
    try:
        with _one_at_a_time:
            return _hasher.verify(password_hash or _nobody(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("the password of nobody")


@lru_cache(maxsize=1)
def _known_to_everybody() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())
