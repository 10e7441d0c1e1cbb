"""What operations cost: the six of the text, and every rule that a rate card may have."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditapp import pricing
from creditapp.errors import InvalidInput
from creditapp.pricing import FIRST_CARD, Parameter, Rate, RateCard, Size, Step, cost

FLAT = {
    "basic_api_call": 1,
    "advanced_api_call": 5,
    "image_processing": 10,
    "ai_analysis": 25,
    "large_file_processing": 50,
    "data_export": 15,
}
MB = 1_000_000


def card(**facts: Any) -> RateCard:
    """A card with one operation, ``work``: 1 credit where nothing else is said."""
    rate = {"key": "work", "name": "Work", "description": "Some work", "credits": Decimal(1), **facts}
    return RateCard(version="test", operations=(Rate(**rate),))


def tens() -> RateCard:
    """1 credit each, 0.9 from unit 11 on, 0.7 from unit 101 on."""
    steps = (Step(from_unit=11, credits=Decimal("0.9")), Step(from_unit=101, credits=Decimal("0.7")))
    return card(steps=steps)


amounts = st.decimals("0.000001", 1_000, places=6)
factors = st.decimals("0.0001", 100, places=4)
quantities = st.integers(1, 1_000_000)
steps = st.lists(st.tuples(st.integers(2, 2_000), amounts), max_size=4, unique_by=lambda step: step[0]).map(
    lambda found: tuple(Step(from_unit=unit, credits=credits) for unit, credits in sorted(found))
)
cards = st.builds(
    card,
    credits=amounts,
    steps=steps,
    minimum=st.none() | amounts,
    rounding=st.sampled_from([Decimal("0.1"), Decimal(1), Decimal("0.000001"), Decimal("0.25")]),
    parameters=st.dictionaries(
        st.sampled_from(["complexity", "priority"]),
        st.builds(Parameter, name=st.just("Factor"), choices=st.builds(lambda factor: {"it": factor}, factors)),
    ),
)


def all_of(one: RateCard) -> dict[str, str]:
    """A value for every parameter of the card's operation."""
    return dict.fromkeys(one.operations[0].parameters, "it")


@pytest.mark.parametrize(("operation", "price"), FLAT.items())
@given(quantity=quantities)
def test_each_of_the_six_costs_its_price_times_the_quantity_exactly(operation: str, price: int, quantity: int) -> None:
    found = cost(FIRST_CARD, operation, quantity)

    assert (found.total, found.unit_cost, found.version) == (price * quantity, price, "2026-11")
    assert found.is_plain


def test_the_first_rate_card_has_the_six_and_no_more() -> None:
    assert set(FIRST_CARD.rates) == set(FLAT)


def test_api_call_is_another_name_for_the_basic_one() -> None:
    assert cost(FIRST_CARD, "api_call").operation_type == "basic_api_call"


@pytest.mark.parametrize("operation", ["teleportation", "", "BASIC_API_CALL", "basic_api_call "])
def test_an_unknown_operation_is_an_error_and_never_one_credit(operation: str) -> None:
    with pytest.raises(pricing.UnknownOperation) as refused:
        cost(FIRST_CARD, operation)
    assert "basic_api_call" in refused.value.sentence


@pytest.mark.parametrize(
    ("complexity", "priority", "total"),
    [
        ("simple", "normal", "25"),
        ("standard", None, "37.5"),
        ("complex", "high", "93.8"),
        ("advanced", "urgent", "200"),
        (None, "low", "20"),
    ],
)
def test_complexity_and_priority_multiply_the_price(complexity: str | None, priority: str | None, total: str) -> None:
    asked = {name: value for name, value in (("complexity", complexity), ("priority", priority)) if value}

    assert cost(FIRST_CARD, "ai_analysis", 1, asked).total == Decimal(total)


@pytest.mark.parametrize(
    ("size", "total"),
    [(1, 15), (MB, 15), (MB + 1, 30), (10 * MB, 30), (10 * MB + 1, 75), (100 * MB, 75), (100 * MB + 1, 150)],
)
def test_the_size_of_a_file_is_priced_by_its_step_to_the_byte(size: int, total: int) -> None:
    assert cost(FIRST_CARD, "data_export", 1, {"file_size": size}).total == total


@pytest.mark.parametrize(
    ("size", "total"), [(10 * MB + 1, 50), (100 * MB, 50), (1_000 * MB, 100), (1_000 * MB + 1, 200)]
)
def test_a_large_file_costs_fifty_and_a_huge_one_more(size: int, total: int) -> None:
    assert cost(FIRST_CARD, "large_file_processing", 1, {"file_size": size}).total == total


def test_large_file_processing_is_refused_for_a_file_of_ten_megabytes() -> None:
    with pytest.raises(pricing.BadParameter) as refused:
        cost(FIRST_CARD, "large_file_processing", 1, {"file_size": 10 * MB})
    assert refused.value.sentence == "Large file processing is for more than 10 MB; file_size is in bytes."


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"colour": "red"}, "takes no parameter 'colour'. It takes: complexity, priority, file_size."),
        ({"complexity": "hard"}, "complexity must be one of: simple, standard, complex, advanced."),
        ({"complexity": 2}, "complexity must be one of"),
        ({"priority": ""}, "priority must be one of"),
        ({"priority": None}, "priority must be one of"),
        ({"file_size": "12"}, "file_size must be a whole number of bytes."),
        ({"file_size": True}, "file_size must be a whole number of bytes."),
        ({"file_size": Decimal("1.5")}, "file_size must be a whole number of bytes."),
        ({"file_size": Decimal("NaN")}, "file_size must be a whole number of bytes."),
        ({"file_size": Decimal("Infinity")}, "file_size must be a whole number of bytes."),
        ({"file_size": 0}, "file_size must be from 1 to"),
        ({"file_size": -5}, "file_size must be from 1 to"),
        ({"file_size": 10**16}, "file_size must be from 1 to"),
        ({"x" * 500: 1}, "takes no parameter"),
    ],
)
def test_an_unknown_or_wrong_parameter_is_refused_in_words(parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(pricing.BadParameter) as refused:
        cost(FIRST_CARD, "data_export", 1, parameters)
    assert words in refused.value.sentence
    assert refused.value.status == 422
    assert len(refused.value.sentence) < 200


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_below_one_is_refused(quantity: int) -> None:
    with pytest.raises(InvalidInput):
        cost(FIRST_CARD, "api_call", quantity)


@pytest.mark.parametrize(
    ("quantity", "total"),
    [(1, "1"), (10, "10"), (11, "10.9"), (12, "11.8"), (100, "91"), (101, "91.7"), (1_000, "721")],
)
def test_each_unit_is_priced_by_its_own_step(quantity: int, total: str) -> None:
    assert cost(tens(), "work", quantity).total == Decimal(total)


def test_the_lines_tell_the_steps() -> None:
    lines = cost(tens(), "work", 120).lines

    assert [(line.label, line.rule, line.credits) for line in lines] == [
        ("10 × Work", "10 × 1", 10),
        ("90 × Work, from unit 11 on", "90 × 0.9", 81),
        ("20 × Work, from unit 101 on", "20 × 0.7", 14),
    ]


@given(one=cards, quantity=st.integers(1, 100_000), more=st.integers(1, 100_000))
def test_more_units_never_cost_less(one: RateCard, quantity: int, more: int) -> None:
    parameters = all_of(one)

    assert cost(one, "work", quantity + more, parameters).total >= cost(one, "work", quantity, parameters).total


@given(one=cards, quantity=quantities)
def test_a_price_is_rounded_up_once_by_less_than_its_step(one: RateCard, quantity: int) -> None:
    rate = one.operations[0]
    price = cost(one, "work", quantity, all_of(one))
    before = sum((line.credits for line in price.lines if line.label != "Rounded up"), Decimal(0))

    assert price.total % rate.rounding == 0
    assert 0 <= price.total - before < rate.rounding
    assert price.total >= (rate.minimum or 0)


@given(one=cards, quantity=quantities)
def test_the_lines_of_a_price_add_up_to_it(one: RateCard, quantity: int) -> None:
    price = cost(one, "work", quantity, all_of(one))

    assert sum(line.credits for line in price.lines) == price.total


def test_rounding_happens_once_for_the_operation_and_not_for_each_unit() -> None:
    price = cost(FIRST_CARD, "basic_api_call", 3, {"complexity": "standard", "priority": "high"})

    assert price.total == Decimal("6.8")  # 3 times 2.25 is 6.75; three roundings would make 6.9
    assert price.unit_cost == Decimal("2.266667")


def test_a_minimum_is_charged_where_the_price_is_below_it() -> None:
    one = card(credits=Decimal("0.5"), minimum=Decimal(5))

    assert cost(one, "work", 9).total == 5
    assert [line.label for line in cost(one, "work", 9).lines] == ["9 × Work", "Minimum"]
    assert cost(one, "work", 11).total == Decimal("5.5")


def test_a_size_is_told_in_the_unit_that_people_use() -> None:
    assert [pricing.in_words(size) for size in (1, 999, 1_000, 12_500_000, 3 * 10**9, 10**12)] == [
        "1 byte",
        "999 bytes",
        "1 kB",
        "12.5 MB",
        "3 GB",
        "1 TB",
    ]


def test_a_size_without_end_takes_any_file() -> None:
    sizes = (Size(up_to=10, factor=Decimal(1)), Size(factor=Decimal(3)))
    one = card(parameters={"file_size": Parameter(name="File size", sizes=sizes)})

    assert [cost(one, "work", 1, {"file_size": size}).total for size in (10, 11, 10**15)] == [1, 3, 3]
