"""What may be bought by whom, which package fits, and the five packages of every installation."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from creditapp import clock, packages
from creditapp.db import transaction
from creditapp.errors import NotFound
from creditapp.packages.models import CreditPackage

pytestmark = pytest.mark.both_databases

Shelf = dict[str, CreditPackage]
MICROSECOND = timedelta(microseconds=1)


def reasons(bought: dict[int, int] | None = None) -> dict[str, str | None]:
    return {offer.package.key: offer.unavailable_reason for offer in packages.on_sale(bought or {})}


def test_all_five_are_on_sale_in_the_order_of_the_shelf(shelf: Shelf) -> None:
    offers = packages.on_sale({})

    assert [offer.package.key for offer in offers] == [
        "starter",
        "professional",
        "business",
        "enterprise",
        "holiday_bonus",
    ]
    assert all(offer.available for offer in offers)


def test_the_five_packages_are_those_of_the_price_list(shelf: Shelf) -> None:
    listed = {key: (found.name, found.credits, found.price_cents, found.currency) for key, found in shelf.items()}

    assert listed == {
        "starter": ("Starter", 1_000, 10_00, "usd"),
        "professional": ("Professional", 5_000, 40_00, "usd"),
        "business": ("Business", 15_000, 105_00, "usd"),
        "enterprise": ("Enterprise", 50_000, 300_00, "usd"),
        "holiday_bonus": ("Holiday Bonus", 7_500, 40_00, "usd"),
    }


def test_the_holiday_bonus_is_sold_for_thirty_days_and_not_an_instant_longer(shelf: Shelf) -> None:
    ends = shelf["holiday_bonus"].expires_at
    assert ends is not None
    assert timedelta(days=30) - timedelta(minutes=1) < ends - clock.now() <= timedelta(days=30)

    with clock.at(ends - MICROSECOND):
        assert reasons()["holiday_bonus"] is None
    with clock.at(ends):
        assert reasons()["holiday_bonus"] == "The offer has ended."


def test_the_holiday_bonus_can_be_bought_once_per_account(shelf: Shelf) -> None:
    bought = {package.id: 1 for package in shelf.values()}

    assert reasons(bought) == {
        "starter": None,
        "professional": None,
        "business": None,
        "enterprise": None,
        "holiday_bonus": "It can be bought once per account, and you have bought it.",
    }


def test_an_offer_for_three_purchases_counts_them(shelf: Shelf) -> None:
    with transaction():
        packages.by_key("starter").max_purchases_per_account = 3
    starter = packages.by_key("starter")

    assert packages.why_not(starter, 2, clock.now()) is None
    assert packages.why_not(starter, 3, clock.now()) == (
        "It can be bought 3 times per account, and you have bought it 3 times."
    )


def test_a_package_that_is_not_connected_to_polar_says_so(app: Flask) -> None:
    with transaction():
        packages.seed({})

    assert set(reasons().values()) == {"It is not connected to a product at Polar yet."}


def test_a_package_taken_off_the_shelf_is_not_shown_and_can_not_be_bought_by_its_key(shelf: Shelf) -> None:
    with transaction():
        packages.by_key("business").active = False

    assert "business" not in reasons()
    assert packages.why_not(packages.by_key("business"), 0, clock.now()) == "It is no longer sold."


def test_a_package_is_found_by_its_key_and_by_its_product(shelf: Shelf) -> None:
    assert packages.by_key("business").id == shelf["business"].id
    found = packages.by_product("product-business")
    assert found is not None
    assert found.key == "business"
    assert packages.by_product("a product of somebody else") is None
    with pytest.raises(NotFound):
        packages.by_key("platinum")


@pytest.mark.parametrize(
    ("shortfall", "key"),
    [
        ("0.000001", "starter"),
        ("1000", "starter"),
        ("1000.000001", "professional"),
        ("5001", "holiday_bonus"),
        ("7501", "business"),
        ("15001", "enterprise"),
        ("50000.000001", "enterprise"),
    ],
)
def test_the_smallest_package_that_covers_a_shortfall_is_named_else_the_largest(
    shelf: Shelf, shortfall: str, key: str
) -> None:
    found = packages.covering(Decimal(shortfall), packages.on_sale({}))

    assert found is not None
    assert found.package.key == key


def test_a_package_that_can_not_be_bought_covers_nothing(app: Flask, shelf: Shelf) -> None:
    offers = packages.on_sale({shelf["holiday_bonus"].id: 1})
    found = packages.covering(Decimal(5_001), offers)

    assert found is not None
    assert found.package.key == "business"
    assert packages.covering(Decimal(1), []) is None


@pytest.mark.parametrize(
    ("used", "key"),
    [
        ("0.000001", "starter"),
        ("833.333333", "starter"),
        ("833.333334", "professional"),
        ("4166.666666", "professional"),
        ("4166.666667", "business"),
        ("41667", "enterprise"),
        ("1000000", "enterprise"),
    ],
)
def test_the_package_that_covers_a_month_with_a_fifth_to_spare_is_recommended(
    shelf: Shelf, used: str, key: str
) -> None:
    found = packages.recommend(packages.on_sale({}), Decimal(used))

    assert found is not None
    assert found.package.key == key


def test_without_usage_nothing_is_recommended(shelf: Shelf) -> None:
    assert packages.recommend(packages.on_sale({}), Decimal(0)) is None


def test_seeding_again_keeps_prices_and_limits_and_makes_nothing_twice(shelf: Shelf) -> None:
    with transaction():
        packages.by_key("starter").price_cents = 12_00
        packages.by_key("holiday_bonus").max_purchases_per_account = 2
    ends = packages.by_key("holiday_bonus").expires_at

    with clock.at(clock.now() + timedelta(days=7)), transaction():
        packages.seed({})

    assert len(packages.everything()) == 5
    assert packages.by_key("starter").price_cents == 12_00
    assert packages.by_key("holiday_bonus").max_purchases_per_account == 2
    assert packages.by_key("holiday_bonus").expires_at == ends


def test_seeding_connects_the_products_that_are_given_and_leaves_the_others(shelf: Shelf) -> None:
    with transaction():
        packages.seed({"starter": "another product", "business": None, "enterprise": ""})

    assert {package.key: package.polar_product_id for package in packages.everything()} == {
        "starter": "another product",
        "professional": "product-professional",
        "business": "product-business",
        "enterprise": "product-enterprise",
        "holiday_bonus": "product-holiday_bonus",
    }


@pytest.mark.settings(
    polar_credits_starter_product_id="a",
    polar_credits_pro_product_id="b",
    polar_credits_business_product_id="c",
    polar_credits_enterprise_product_id="d",
    polar_credits_bonus_product_id="e",
)
def test_flask_seed_reads_the_products_from_the_environment(app: Flask) -> None:
    answer = app.test_cli_runner().invoke(args=["seed"])

    assert answer.exit_code == 0, answer.output
    assert {package.key: package.polar_product_id for package in packages.everything()} == {
        "starter": "a",
        "professional": "b",
        "business": "c",
        "enterprise": "d",
        "holiday_bonus": "e",
    }


def test_two_packages_can_not_be_one_product_nor_have_one_key(shelf: Shelf) -> None:
    for changes in ({"polar_product_id": "product-starter"}, {"key": "starter"}):
        with pytest.raises(IntegrityError), transaction():
            for name, value in changes.items():
                setattr(packages.by_key("business"), name, value)


@pytest.mark.parametrize("change", [{"price_cents": 0}, {"credits": Decimal(0)}], ids=["for nothing", "of nothing"])
def test_a_package_can_not_be_sold(shelf: Shelf, change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction():
        for name, value in change.items():
            setattr(packages.by_key("business"), name, value)
