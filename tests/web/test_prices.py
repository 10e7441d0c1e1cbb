"""The price list: for everybody, exactly what a charge will cost."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, pricing
from creditapp.db import transaction
from creditapp.pricing import Parameter, Rate, RateCard, Size, Step
from tests.web.tree import Node, tree

LATER = datetime(2090, 1, 1, tzinfo=UTC)


def rows(page: Node) -> dict[str, str]:
    """The operations by their name in a call, with what stands in the last column."""
    table = page.every("table")[0]
    return {row.every("code")[0].words: row.every("td")[-1].words for row in table.every("tr")[1:]}


def publish(card: RateCard) -> None:
    with transaction():
        pricing.publish(card, holds_from=LATER)


def test_a_visitor_sees_what_every_operation_costs(client: FlaskClient) -> None:
    page = tree(client.get("/prices"))

    assert page.one("h1").words == "Prices"
    assert rows(page) == {
        "basic_api_call": "1",
        "advanced_api_call": "5",
        "image_processing": "10",
        "ai_analysis": "25",
        "large_file_processing": "50",
        "data_export": "15",
    }
    assert "Price list 2026-11" in page.words
    assert [link["href"] for link in page.every("a", class_="btn")] == ["/sign-in", "/sign-up"]


def test_the_list_says_what_multiplies_a_price(client: FlaskClient) -> None:
    page = tree(client.get("/prices"))

    said = [[row.words for row in table.one("tbody").every("tr")] for table in page.every("table")[1:]]
    assert said == [
        ["simple× 1", "standard× 1.5", "complex× 2.5", "advanced× 4"],
        ["low× 0.8", "normal× 1", "high× 1.5", "urgent× 2"],
        ["up to 1 MB× 1", "up to 10 MB× 2", "up to 100 MB× 5", "more× 10"],
        ["over 10 MB, up to 100 MB× 1", "up to 1 GB× 2", "more× 4"],
    ]
    assert "Large file processing; in bytes" in page.words


def test_who_is_signed_in_finds_the_estimator_and_the_packages(browser: FlaskClient) -> None:
    page = tree(browser.get("/prices"))

    addresses = {link["href"] for link in page.every("a")}
    assert {"/credits/estimate", "/credits/packages", "/prices"} - addresses == {"/prices"}


def test_a_visitor_finds_the_list_from_the_sign_in_page(client: FlaskClient) -> None:
    for path in ("/sign-in", "/sign-up"):
        assert "/prices" in {link["href"] for link in tree(client.get(path)).every("a")}


@pytest.mark.both_databases
def test_new_prices_are_announced_and_hold_from_their_day(app: Flask, client: FlaskClient) -> None:
    sizes = (Size(up_to=2_000_000, factor=Decimal(1)), Size(factor=Decimal(3)))
    rate = Rate(
        key="translation",
        name="Translation",
        description="A page",
        credits=Decimal("7.5"),
        steps=(Step(from_unit=101, credits=Decimal(6)),),
        minimum=Decimal(20),
        parameters={"file_size": Parameter(name="File size", sizes=sizes)},
    )
    publish(RateCard(version="2090", operations=(rate,)))

    before = tree(client.get("/prices")).words
    with clock.at(LATER):
        page = tree(client.get("/prices"))

    assert "Price list 2090 holds from 1 Jan 2090, 00:00 UTC. Until then these hold." in before
    assert rows(page) == {"translation": "7.56 from unit 101 onat least 20 at once"}
    assert "New prices are coming" not in page.words


def test_a_list_without_parameters_has_no_word_about_them(app: Flask, client: FlaskClient) -> None:
    publish(RateCard(version="2090", operations=(Rate(key="a", name="A", description="B", credits=Decimal(1)),)))

    with clock.at(LATER):
        assert "What makes it more or less" not in tree(client.get("/prices")).words
