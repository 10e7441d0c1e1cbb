"""PostgreSQL is killed, in short, on a product that has one of its own; ``pytest --full`` does it at full size."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Processes are found through /proc.")

Drilled = Callable[[str], None]


def test_what_a_program_was_told_is_true_and_its_retry_charges_nothing_twice(drilled_there: Drilled) -> None:
    drilled_there("postgresql-killed")


def test_a_paid_order_that_was_acknowledged_is_credited_once(drilled_there: Drilled) -> None:
    drilled_there("crash-of-postgresql")
