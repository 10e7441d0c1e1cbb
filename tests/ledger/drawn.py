"""What Hypothesis draws for a story: amounts, times, keys, and what a seller decides."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st

from creditapp.db import MILLIONTH
from creditapp.ledger import Policy
from tests.ledger.eager_parts import ZERO

INSTANT, SECOND, HOUR, DAY = timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

whole = st.integers(1, 30).map(Decimal)
broken = st.integers(1, 30_000_000).map(lambda millionths: Decimal(millionths) / 1_000_000)
amounts = whole | broken
shares = st.sampled_from([1, 1, 2, 3])
beyond = st.sampled_from([ZERO, ZERO, MILLIONTH])
places = st.integers(0, 30)
kinds = st.sampled_from(["purchase", "bonus", "adjustment"])
lifetimes = st.sampled_from([None, None, 0 * DAY, HOUR, DAY, 3 * DAY, 30 * DAY, 30 * DAY + INSTANT, 90 * DAY])
pauses = st.sampled_from([INSTANT, SECOND, HOUR, DAY, 3 * DAY, 30 * DAY])
hold_times = st.sampled_from([SECOND, HOUR, 3 * HOUR, DAY])
keys = st.sampled_from(["a", "b", "c", "d"])
policies = st.builds(
    Policy,
    clawback_other_lots=st.booleans(),
    forgive_shortfall=st.sampled_from([False, False, True]),
    spend_in_debt=st.sampled_from([False, False, True]),
    overrun_into_debt=st.booleans(),
    return_grace_days=st.sampled_from([7, 7, 0, 1]),
)

Choice = TypeVar("Choice")


def part(whole: Decimal, share: int) -> Decimal:
    """A share of it in millionths, and never nothing."""
    return max((whole / share).quantize(MILLIONTH), MILLIONTH)


def chosen(among: Sequence[Choice], place: int) -> Choice:
    """One of them."""
    return among[place % len(among)]
