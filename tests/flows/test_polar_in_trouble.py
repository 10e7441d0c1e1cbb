"""Polar breaks, is busy, falls silent or talks nonsense at the moment of buying: nothing is lost, and it says so."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from creditapp import packages
from creditapp.db import transaction
from tests.flows.house import Polar, Program, Visitor, words

CALLERS = 64
TROUBLES = {
    "broken": {"status": 500},
    "away": {"status": 502},
    "busy": {"status": 429},
    "silent": {"status": None},
    "silent-after-the-work": {"status": None, "after_charge": True},
    "talking-nonsense": {"status": 200},
}

troubled = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)


@troubled
def test_a_program_is_told_that_nothing_was_charged_and_its_key_works_afterwards(
    program: Program, polar: Polar, account: int, arrived: Callable[[str], None], trouble: dict[str, Any]
) -> None:
    polar.control("fail_next", path="/v1/checkouts", **trouble)
    refused = program.post("/purchase", {"package": "professional"}, key="order-17")
    told = refused.json()
    assert (refused.status_code, told["code"]) == (503, "polar_unavailable")
    assert refused.headers["content-type"] == "application/problem+json"
    assert "Nothing was charged" in told["detail"]
    if trouble["status"] == 429:
        assert int(refused.headers["retry-after"]) >= 1

    again = program.post("/purchase", {"package": "professional"}, key="order-17")
    assert again.status_code == 201
    assert "Idempotent-Replayed" not in again.headers
    replayed = program.post("/purchase", {"package": "professional"}, key="order-17")
    assert replayed.json() == again.json()
    assert replayed.headers["Idempotent-Replayed"] == "true"

    polar.pays(again.json()["checkout_url"])
    [order] = polar.orders_for(again.json()["checkout_id"])
    arrived(order["id"])
    assert program.available == 5_100


@pytest.mark.parametrize("status", [500, None], ids=["broken", "silent"])
def test_so_it_is_when_polar_fails_earlier_while_it_looks_for_the_customer(
    program: Program, polar: Polar, status: int | None
) -> None:
    polar.control("fail_next", path="/v1/customers", status=status)
    refused = program.post("/purchase", {"package": "professional"}, key="order-17")

    assert (refused.status_code, refused.json()["code"]) == (503, "polar_unavailable")
    assert program.post("/purchase", {"package": "professional"}, key="order-17").status_code == 201


@pytest.mark.parametrize("trouble", [TROUBLES["broken"], TROUBLES["silent"]], ids=["broken", "silent"])
def test_a_person_is_told_so_on_the_packages_page_and_the_next_click_works(
    browser: Visitor, polar: Polar, trouble: dict[str, Any]
) -> None:
    polar.control("fail_next", path="/v1/checkouts", **trouble)
    refused = browser.presses_buy("professional")

    assert refused.status_code == 503
    assert "Nothing was charged" in words(refused.text)
    assert "Buy 5,000 for $40.00" in words(refused.text)
    assert browser.presses_buy("professional").headers["location"].startswith(polar.base)


def test_a_product_that_polar_no_longer_sells_is_refused_in_words(
    browser: Visitor, program: Program, polar: Polar
) -> None:
    product = polar.sell("Starter", 10_00)
    with transaction():
        packages.seed({"starter": product.id})
    polar.polar.products.update(product.id, is_archived=True)
    refused = program.post("/purchase", {"package": "starter"})

    assert (refused.status_code, refused.json()["code"]) == (502, "polar_refused")
    page = browser.presses_buy("starter")
    assert page.status_code == 502
    assert "Nothing was charged" in words(page.text)


def test_one_key_is_one_checkout_however_often_it_is_used(program: Program, polar: Polar, account: int) -> None:
    first = program.post("/purchase", {"package": "professional"}, key="k")
    again = program.post("/purchase", {"package": "professional"}, key="k")
    other = program.post("/purchase", {"package": "starter"}, key="k")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(polar.checkouts_for(account)) == 1


def test_sixty_four_at_once_with_one_key_get_one_checkout(program: Program, polar: Polar, account: int) -> None:
    with ThreadPoolExecutor(CALLERS) as callers:
        asked = [
            callers.submit(program.post, "/purchase", {"package": "professional"}, key="k") for _ in range(CALLERS)
        ]
        answers = [one.result() for one in asked]

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len([answer for answer in answers if "Idempotent-Replayed" not in answer.headers]) == 1
    assert len(polar.checkouts_for(account)) == 1
