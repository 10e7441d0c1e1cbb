"""What people typed, as it may be looked at and shown again."""

from flask import request

LONGEST_WORDS = 1_000


def typed(name: str) -> str:
    """What stands in the field, without the spaces around it; empty where nothing does."""
    return exactly(name).strip()


def exactly(name: str) -> str:
    """What stands in the field to the letter, for passwords. A NUL, which no keyboard types, is dropped."""
    return request.form.get(name, "").replace("\x00", "")[:LONGEST_WORDS]
