"""Usage summed up, whatever it consists of."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from creditapp.usage import Use, summary

FIRST = date(2026, 11, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(5)]
millionths = st.integers(1, 10**12).map(lambda number: Decimal(number).scaleb(-6))


@st.composite
def some_use(draw: st.DrawFn) -> Use:
    operations, credits = draw(st.integers(1, 50)), draw(millionths)
    back = draw(st.integers(0, operations))
    return Use(
        draw(st.sampled_from(DAYS)),
        draw(st.sampled_from(["ai_analysis", "data_export", "other"])),
        draw(st.sampled_from([None, "/v1/files", "/v1/images"])),
        draw(st.sampled_from([None, 1, 2])),
        operations,
        credits,
        back,
        credits if back == operations else draw(st.just(Decimal(0)) | st.just(credits / 2)),
    )


@given(st.lists(some_use(), max_size=20))
def test_every_way_of_splitting_usage_adds_up_to_the_same_total(uses: list[Use]) -> None:
    found = summary(uses, DAYS)

    for groups in (found.by_operation, found.by_endpoint, found.by_key):
        assert sum(group.credits for group in groups) == found.credits
        assert sum(group.operations for group in groups) == found.operations
    assert sum(day.total for day in found.daily) == found.credits
    assert sum(day.operations for day in found.daily) == found.operations
    assert [day.on for day in found.daily] == DAYS
    assert found.credits + found.reversed_credits == sum(use.credits for use in uses)


@given(st.lists(some_use(), max_size=20))
def test_the_dearest_operation_is_the_one_with_the_largest_total(uses: list[Use]) -> None:
    found = summary(uses, DAYS)

    if found.operations:
        assert found.dearest_operation == found.by_operation[0].name
        assert all(group.credits <= found.by_operation[0].credits for group in found.by_operation)
    else:
        assert (found.dearest_operation, found.average_cost) == (None, None)


def test_an_average_is_told_to_the_millionth() -> None:
    found = summary([Use(FIRST, "ai_analysis", None, None, 3, Decimal(10))], DAYS)

    assert found.average_cost == Decimal("3.333333")


def test_without_usage_there_is_no_average_and_no_dearest_operation() -> None:
    found = summary([], DAYS)

    assert (found.operations, found.credits, found.average_cost, found.dearest_operation) == (0, 0, None, None)
    assert [day.total for day in found.daily] == [0] * 5
