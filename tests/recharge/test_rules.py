"""When an account is recharged, gate by gate, at the edges."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditapp.recharge.rules import MOST_PACKAGES, Sold, Standing, Terms, decide, quantity_for

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
TERMS = Terms(enabled=True, threshold=Decimal(500), quantity=1, target=None, monthly_cap_cents=10_000, has_card=True)
STANDING = Standing(available=Decimal(500), debt=Decimal(0), in_flight=False, spent_this_month_cents=0)
SOLD = Sold(name="Professional", credits=Decimal(5_000), price_cents=4_000, unavailable=None)


def why(terms: Terms = TERMS, standing: Standing = STANDING, sold: Sold = SOLD, now: datetime = NOW) -> str:
    return decide(terms, standing, sold, now).why


def test_at_the_threshold_counts_as_below_it() -> None:
    assert why() == "due"
    assert why(standing=replace(STANDING, available=Decimal("500.000001"))) == "above"
    assert why(standing=replace(STANDING, available=Decimal("499.999999"))) == "due"
    assert why(replace(TERMS, threshold=Decimal(0)), replace(STANDING, available=Decimal(0))) == "due"


@pytest.mark.parametrize(
    ("terms", "standing", "sold", "expected"),
    [
        ({"enabled": False}, {}, {}, "off"),
        ({}, {"in_flight": True}, {}, "in_flight"),
        ({}, {"debt": Decimal("0.000001")}, {}, "debt"),
        ({"has_card": False}, {}, {}, "no_card"),
        ({"stopped_reason": "The card was declined."}, {}, {}, "stopped"),
        ({}, {}, {"unavailable": "It is no longer sold."}, "unavailable"),
    ],
)
def test_every_gate_closes_with_its_reason(terms: dict, standing: dict, sold: dict, expected: str) -> None:
    decision = decide(replace(TERMS, **terms), replace(STANDING, **standing), replace(SOLD, **sold), NOW)

    assert decision.why == expected
    assert not decision.charge
    assert decision.reason.endswith(".")
    assert decision.blocked == (expected not in {"off", "in_flight"})


def test_the_cooldown_ends_at_its_instant() -> None:
    cooling = replace(TERMS, cooling_until=NOW)

    assert why(cooling, now=NOW - INSTANT) == "cooling"
    assert why(cooling, now=NOW) == "due"


def test_the_monthly_limit_is_exact_at_its_edge() -> None:
    assert why(standing=replace(STANDING, spent_this_month_cents=6_000)) == "due"
    assert why(standing=replace(STANDING, spent_this_month_cents=6_001)) == "cap_reached"
    assert why(replace(TERMS, monthly_cap_cents=None), replace(STANDING, spent_this_month_cents=10**9)) == "due"
    assert why(replace(TERMS, quantity=3)) == "cap_reached"
    assert why(replace(TERMS, quantity=2)) == "due"


@given(available=st.integers(0, 10_000), target=st.integers(1, 1_000_000), size=st.integers(1, 50_000))
def test_a_target_is_reached_by_the_fewest_packages(available: int, target: int, size: int) -> None:
    terms = replace(TERMS, quantity=None, target=Decimal(target))
    packages = quantity_for(terms, Decimal(available), Decimal(size))

    assert 1 <= packages <= MOST_PACKAGES
    if packages < MOST_PACKAGES:
        assert available + packages * size >= target
    if packages > 1:
        assert available + (packages - 1) * size < target
