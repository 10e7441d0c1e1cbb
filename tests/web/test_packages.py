"""What is on sale, and what each package says to this account."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from creditapp import checkout, clock, gateway, packages
from creditapp.db import transaction
from tests.web.seeing import grant, spend_at
from tests.web.tree import Node, tree

ADDRESS = "/credits/packages"
Shelf = dict[str, packages.CreditPackage]


def card(browser: FlaskClient, key: str, asked_for: str | None = None) -> Node:
    """One package as the page shows it."""
    return tree(browser.get(ADDRESS, query_string={"package": asked_for} if asked_for else {})).with_id(key)


def used(account: int, amount: Decimal | int) -> None:
    """The account used so much, a week ago."""
    grant(account, 1_000_000)
    spend_at(clock.now() - timedelta(days=7), account, amount)


def buys(account: int, package: packages.CreditPackage) -> None:
    """The account paid for the package."""
    with transaction():
        checkout.fulfil(paid(account, package))


def paid(account: int, package: packages.CreditPackage) -> gateway.PolarOrder:
    """A paid order of the package."""
    return gateway.PolarOrder(
        id="order-1",
        status="paid",
        paid=True,
        product_id=package.polar_product_id,
        customer_id=None,
        external_customer_id=str(account),
        our_checkout_id=None,
        subtotal_amount=package.price_cents,
        discount_amount=0,
        net_amount=package.price_cents,
        tax_amount=0,
        total_amount=package.price_cents,
        refunded_amount=0,
        currency=package.currency,
        invoice_number=None,
        modified_at=None,
        created_at=clock.now(),
    )


def test_a_card_says_what_a_package_holds_costs_saves_and_buys(browser: FlaskClient, shelf: Shelf) -> None:
    shown = card(browser, "professional").words

    assert "5,000 credits" in shown
    assert "$40.00" in shown
    assert "$8.00 per 1,000" in shown
    assert "Save 20%" in shown
    assert "5,000 basic calls or 500 images" in shown
    assert "Buy 5,000 for $40.00" in shown
    assert "Save" not in card(browser, "starter").words


def test_cards_stand_in_the_order_of_their_size(browser: FlaskClient, shelf: Shelf) -> None:
    page = tree(browser.get(ADDRESS))
    cards = page.one("div", class_="packs").every("section")
    assert [one["id"] for one in cards] == ["starter", "professional", "business", "enterprise"]


def test_badges_name_the_most_popular_and_the_best_value(browser: FlaskClient, shelf: Shelf) -> None:
    assert "Most popular" in card(browser, "business").words
    assert "Best value" in card(browser, "enterprise").words
    assert "Best value" not in card(browser, "holiday_bonus").words  # it will not stay


def test_without_usage_nothing_is_said_about_how_long_a_package_lasts(browser: FlaskClient, shelf: Shelf) -> None:
    page = tree(browser.get(ADDRESS)).words
    assert "at your usage" not in page
    assert "Recommended" not in page


def test_with_usage_a_package_says_how_long_it_lasts_and_one_is_recommended_with_the_reason(
    browser: FlaskClient, shelf: Shelf, account: int
) -> None:
    used(account, 3_900)

    shown = card(browser, "professional").words

    assert "Lasts about 5 weeks at your usage" in shown
    assert "Recommended for you" in shown
    assert "Covers your last 30 days (3,900) with a fifth to spare" in shown
    assert "Recommended" not in card(browser, "business").words


def test_for_a_heavy_user_the_largest_package_is_recommended_and_nothing_untrue_is_said(
    browser: FlaskClient, shelf: Shelf, account: int
) -> None:
    used(account, 400_000)

    shown = card(browser, "enterprise").words

    assert "The largest one: you used 400,000 in 30 days" in shown
    assert "to spare" not in shown
    assert "Lasts less than a day at your usage" in card(browser, "starter").words


def test_the_limited_offer_says_how_many_days_are_left_and_how_often_it_can_be_bought(
    browser: FlaskClient, shelf: Shelf
) -> None:
    with transaction():
        packages.by_key("holiday_bonus").expires_at = clock.now() + timedelta(days=5, hours=3)

    shown = card(browser, "holiday_bonus").words

    assert "Limited: 6 days left" in shown
    assert "1 per account" in shown
    assert "Buy 7,500 for $40.00" in shown


def test_an_offer_that_was_bought_is_shown_off_with_the_reason(
    browser: FlaskClient, shelf: Shelf, account: int
) -> None:
    buys(account, shelf["holiday_bonus"])

    shown = card(browser, "holiday_bonus")

    button = shown.one("button")
    assert "disabled" in button.attributes
    assert shown.with_id(button["aria-describedby"]).words == (
        "It can be bought once per account, and you have bought it."
    )
    assert not shown.every("form")


def test_an_offer_that_has_ended_is_shown_off_with_the_reason(browser: FlaskClient, shelf: Shelf) -> None:
    with transaction():
        packages.by_key("holiday_bonus").expires_at = clock.now() - timedelta(seconds=1)

    shown = card(browser, "holiday_bonus")

    assert "The offer has ended." in shown.words
    assert "Limited" not in shown.words
    assert not shown.every("form")


def test_the_package_that_was_asked_for_stands_out_and_is_scrolled_to(
    browser: FlaskClient, shelf: Shelf, account: int
) -> None:
    used(account, 3_900)

    business = card(browser, "business", asked_for="business")

    assert "The one you came for" in business.words
    assert "pick" in business["class"].split()
    assert "autofocus" in business.one("button").attributes
    professional = card(browser, "professional", asked_for="business")
    assert "pick" not in professional["class"].split()
    assert "autofocus" not in professional.one("button").attributes


def test_asking_for_an_offer_that_has_ended_says_so_at_the_top(browser: FlaskClient, shelf: Shelf) -> None:
    with transaction():
        packages.by_key("holiday_bonus").expires_at = clock.now() - timedelta(seconds=1)

    page = tree(browser.get(ADDRESS, query_string={"package": "holiday_bonus"}))

    assert page.one("div", role="status").words == "Holiday Bonus can’t be bought nowThe offer has ended."


@pytest.mark.parametrize("nonsense", ["platinum", "", "<script>", "\x00"])
def test_asking_for_a_package_that_does_not_exist_shows_the_shelf(
    browser: FlaskClient, shelf: Shelf, nonsense: str
) -> None:
    page = tree(browser.get(ADDRESS, query_string={"package": nonsense}))
    assert len(page.one("div", class_="packs").every("section")) == 4
    assert "came for" not in page.words


def test_a_package_without_a_product_at_polar_can_not_be_bought(browser: FlaskClient) -> None:
    with transaction():
        packages.seed({})

    page = tree(browser.get(ADDRESS))

    assert "It is not connected to a product at Polar yet." in page.with_id("starter").words
    assert not page.one("main").every("form")


def test_every_package_is_in_the_table_for_comparison(browser: FlaskClient, shelf: Shelf, account: int) -> None:
    used(account, 3_900)

    table = tree(browser.get(ADDRESS)).one("table")
    rows = {row.one("th").words: [cell.words for cell in row.every("td")] for row in table.one("tbody").every("tr")}

    assert list(rows) == ["Starter", "Professional", "Holiday Bonus", "Business", "Enterprise"]
    assert rows["Starter"] == ["1,000", "$10.00", "$10.00", "–", "8 days", "Always"]
    assert rows["Professional"] == ["5,000", "$40.00", "$8.00", "20%", "5 weeks", "Always"]
    assert rows["Holiday Bonus"][:5] == ["7,500", "$40.00", "$5.33", "47%", "8 weeks"]
    assert rows["Holiday Bonus"][5].endswith("1 per account")


def test_one_button_only_stands_out(browser: FlaskClient, shelf: Shelf, account: int) -> None:
    used(account, 3_900)
    page = tree(browser.get(ADDRESS, query_string={"package": "enterprise"}))
    assert len(page.every("button", class_="btn-primary")) == 1
