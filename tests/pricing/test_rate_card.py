"""A rate card, as an operator writes it: read strictly, and refused with the place and the reason."""

import copy
import json
from typing import Any

import pytest

from creditapp import pricing


def written() -> dict[str, Any]:
    """The first card, as JSON has it."""
    found: dict[str, Any] = json.loads(json.dumps(pricing.FIRST_CARD.model_dump(mode="json")))
    return found


def test_a_card_is_the_same_after_it_was_written_and_read() -> None:
    assert pricing.read_card(written()) == pricing.FIRST_CARD


def test_a_card_may_leave_out_what_it_does_not_need() -> None:
    card = pricing.read_card(
        {
            "version": "2027-01",
            "operations": [
                {"key": "work", "name": "Work", "description": "Some", "credits": "0.9"},
                {"key": "play", "name": "Play", "description": "Some", "credits": 2, "minimum": 4, "rounding": 1},
            ],
        }
    )

    assert pricing.cost(card, "work", 3).total == pricing.cost(card, "work", 3).lines[0].credits
    assert pricing.cost(card, "play").total == 4


def changed(path: str, value: Any) -> dict[str, Any]:
    """The first card with one thing changed, by its path."""
    card = copy.deepcopy(written())
    *way, last = path.split(".")
    here: Any = card
    for part in way:
        here = here[int(part)] if part.isdigit() else here[part]
    here[last] = value
    return card


SIZES = "operations.0.parameters.file_size.sizes"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("version", "", "version"),
        ("version", "no spaces", "version"),
        ("version", "x" * 33, "version"),
        ("operations", [], "operations"),
        ("operations.0.credits", 0, "operations.0.credits"),
        ("operations.0.credits", "-1", "operations.0.credits"),
        ("operations.0.credits", 1.5, "must be written as text or as a whole number"),
        ("operations.0.credits", "NaN", "operations.0.credits"),
        ("operations.0.credits", "0.0000001", "at most six decimals"),
        ("operations.0.credits", "1000001", "operations.0.credits"),
        ("operations.0.rounding", "0", "operations.0.rounding"),
        ("operations.0.minimum", "-3", "operations.0.minimum"),
        ("operations.0.key", "Not A Key", "operations.0.key"),
        ("operations.0.key", "data_export", "an operation is there twice"),
        ("operations.0.colour", "red", "operations.0.colour"),
        ("operations.0.steps", [{"from_unit": 1, "credits": 1}], "operations.0.steps.0.from_unit"),
        ("operations.0.steps", [{"from_unit": 9, "credits": 1}, {"from_unit": 5, "credits": 1}], "steps must grow"),
        ("operations.0.parameters.priority.choices", {}, "needs either choices or sizes"),
        ("operations.0.parameters.priority.choices", {"high": 0}, "choices.high"),
        ("operations.0.parameters.priority.choices", {"high": "1.00001"}, "choices.high"),
        (SIZES, [{"up_to": 5, "factor": 1}], "the last size has no up_to"),
        (SIZES, [{"factor": 1}, {"factor": 2}], "the last size has no up_to"),
        (SIZES, [{"up_to": 5, "factor": 1}, {"up_to": 5, "factor": 2}, {"factor": 3}], "sizes must grow"),
        ("operations.4.parameters.file_size.above", 100_000_000, "sizes must grow"),
        ("aliases", {"data_export": "ai_analysis"}, "the alias data_export must be another name"),
        ("aliases", {"export": "nothing"}, "the alias export must be another name"),
    ],
)
def test_a_card_with_a_mistake_is_refused_with_its_place(path: str, value: Any, words: str) -> None:
    with pytest.raises(pricing.BadRateCard) as refused:
        pricing.read_card(changed(path, value))
    assert words in refused.value.sentence


@pytest.mark.parametrize("value", [None, [], "card", 5, {}])
def test_what_is_no_card_at_all_is_refused(value: Any) -> None:
    with pytest.raises(pricing.BadRateCard):
        pricing.read_card(value)
