"""What a package saves against the dearest price per credit that is always to be had, and the badges it wears."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from creditapp import clock, packages
from creditapp.db import transaction
from creditapp.packages.models import CreditPackage
from creditapp.packages.savings import badges, compare, savings_percentage

Shelf = dict[str, CreditPackage]


def package(key: str, credits: int, cents: int, **more: object) -> CreditPackage:
    facts = {"active": True, "featured": False, **more}
    return CreditPackage(key=key, name=key, credits=Decimal(credits), price_cents=cents, currency="usd", **facts)


def saved(shelf: list[CreditPackage]) -> dict[str, int]:
    comparison = compare(shelf)
    return {each.key: savings_percentage(each, comparison) for each in shelf}


def test_the_five_packages_save_as_their_price_list_says(shelf: Shelf) -> None:
    offers = {offer.package.key: offer for offer in packages.on_sale({})}

    assert {key: offer.savings_percentage for key, offer in offers.items()} == {
        "starter": 0,
        "professional": 20,
        "business": 30,
        "enterprise": 40,
        "holiday_bonus": 47,
    }


def test_the_five_packages_wear_their_badges_the_strongest_first(shelf: Shelf) -> None:
    worn = {offer.package.key: offer.badges for offer in packages.on_sale({})}

    assert worn == {
        "starter": (),
        "professional": ("Save 20%",),
        "business": ("Most popular", "Save 30%"),
        "enterprise": ("Best value", "Save 40%"),
        "holiday_bonus": ("Save 47%", "Limited"),
    }


def test_the_price_of_a_credit_is_exact(shelf: Shelf) -> None:
    assert shelf["professional"].price_per_credit_cents == Decimal("0.8")
    assert shelf["enterprise"].price_per_credit_cents == Decimal("0.6")


def test_a_limited_offer_is_no_yardstick_however_dear_or_cheap_it_is() -> None:
    ends = clock.now() + timedelta(days=1)
    shelf = [
        package("small", 100, 100),
        package("large", 1_000, 900),
        package("dear and ending", 100, 500, expires_at=ends),
        package("cheap, once", 1_000, 100, max_purchases_per_account=1),
    ]

    assert saved(shelf) == {"small": 0, "large": 10, "dear and ending": 0, "cheap, once": 90}
    assert "Best value" in badges(shelf[1], compare(shelf))
    assert "Best value" not in badges(shelf[3], compare(shelf))


def test_a_package_that_is_no_longer_sold_is_no_yardstick() -> None:
    shelf = [package("old and dear", 100, 500, active=False), package("small", 100, 100), package("large", 1_000, 800)]

    assert saved(shelf)["large"] == 20


@pytest.mark.parametrize(("cents", "percentage"), [(995, 1), (996, 0), (994, 1), (985, 2), (1_000, 0), (1_200, 0)])
def test_savings_are_whole_per_cent_rounded_half_up_and_never_negative(cents: int, percentage: int) -> None:
    yardstick = package("yardstick", 1_000, 1_000)
    offer = package("offer", 1_000, cents, max_purchases_per_account=1)

    assert savings_percentage(offer, compare([yardstick, offer])) == percentage


def test_with_only_limited_offers_nothing_saves_anything() -> None:
    only = package("only", 1_000, 500, max_purchases_per_account=1)

    assert saved([only]) == {"only": 0}
    assert badges(only, compare([only])) == ["Limited"]


def test_packages_of_one_price_per_credit_have_no_best_value() -> None:
    shelf = [package("small", 100, 100), package("large", 1_000, 1_000)]

    assert [badges(each, compare(shelf)) for each in shelf] == [[], []]


def test_a_changed_price_changes_what_all_save_at_once(app: Flask, shelf: Shelf) -> None:
    with transaction():
        packages.by_key("starter").price_cents = 20_00

    assert {offer.package.key: offer.savings_percentage for offer in packages.on_sale({})}["professional"] == 60
