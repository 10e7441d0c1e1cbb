"""What people typed, as it may be looked at and shown again."""

import re

from flask import request

LONGEST_WORDS = 1_000
NUMBER = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+")


def typed(name: str) -> str:
    """What stands in the field, without the spaces around it; empty where nothing does."""
    return exactly(name).strip()


def exactly(name: str) -> str:
    """What stands in the field to the letter, for passwords. A NUL, which no keyboard types, is dropped."""
    return request.form.get(name, "").replace("\x00", "")[:LONGEST_WORDS]


def ungrouped(text: str) -> str:
    """A number without its thousands marks; empty where it is none: "1,5" may be meant as either."""
    return text.replace(",", "") if NUMBER.fullmatch(text) else ""
