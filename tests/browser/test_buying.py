"""Credits are bought at Polar's page and seen to arrive."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from creditapp.demo import LOW
from tests.browser.conftest import OpenPage
from tests.browser.places import DECLINES, pay_with
from tests.browser.town import Stage, Town

pytestmark = pytest.mark.browser

BUY = "Buy 5,000 for $40.00"
LOOKING = "window.lookingSince = 'before'"
STILL_LOOKING = "window.lookingSince === 'before'"


@pytest.fixture
def own_buyer(instance: object, town: Town, make_person: Callable[[str, int], None]) -> str:
    """Somebody with 150 credits, like the demo's, for another purchase."""
    make_person("buyer@example.com", 50)
    return "buyer@example.com"


def buys_after_a_decline(page: Page) -> None:
    """From the overview to Polar's page, declined there, and paid with another card."""
    page.goto("/credits")
    page.get_by_role("link", name="Buy credits").first.click()
    page.get_by_role("button", name=BUY).click()
    expect(page.get_by_role("heading", name="Professional")).to_be_visible()
    pay_with(page, DECLINES)
    expect(page.get_by_role("alert")).to_contain_text("The card was declined. Nothing was charged.")
    pay_with(page)


def test_declined_then_paid_and_the_balance_is_seen_to_change_without_reloading(
    open_page: OpenPage, stage: Stage, town: Town
) -> None:
    page = open_page(LOW.email)
    overview = page.context.new_page()
    overview.goto("/credits")
    expect(overview.locator("#balance")).to_have_attribute("data-credits", "150")
    overview.evaluate(LOOKING)
    stage.control("webhooks", delay_seconds=2)

    buys_after_a_decline(page)
    expect(page.get_by_text("Payment received, adding 5,000 credits…")).to_be_visible()
    page.evaluate(LOOKING)
    stage.control("webhooks")

    expect(page.get_by_role("heading", name="5,000 credits added")).to_be_visible()
    expect(page.locator("#purchase .change")).to_contain_text("150 → 5,150")
    expect(page.locator("#pill")).to_contain_text("5,150")
    assert page.evaluate(STILL_LOOKING)
    expect(overview.locator("#balance")).to_have_attribute("data-credits", "5150")
    expect(overview.locator("#balance .hero")).to_have_text("5,150")
    expect(overview.get_by_role("link", name="Professional package").first).to_be_visible()
    assert overview.evaluate(STILL_LOOKING)

    with page.context.expect_page() as receipt:
        page.get_by_role("link", name="Receipt").click()
    assert receipt.value.url.startswith(stage.polar)
    expect(receipt.value.get_by_text("$40.00").first).to_be_visible()
    posted = [file for file in sorted((town.data / "mail").glob("*.eml")) if not file.stem.endswith("-alert")]
    letters = [text for text in (file.read_text() for file in posted) if LOW.email in text]
    assert ["did not go through" in letter for letter in letters] == [True, False]
    assert "5,000 credits added" in letters[-1]


def test_the_same_without_script(open_page: OpenPage, stage: Stage, own_buyer: str) -> None:
    page = open_page(own_buyer, java_script_enabled=False)
    stage.control("webhooks", delay_seconds=2)

    buys_after_a_decline(page)
    expect(page.get_by_text("Payment received, adding 5,000 credits…")).to_be_visible()
    stage.control("webhooks")

    expect(page.get_by_role("heading", name="5,000 credits added")).to_be_visible()
    expect(page.locator("#purchase .change")).to_contain_text("150 → 5,150")
    page.get_by_role("link", name="Go to overview").click()
    expect(page.locator("#balance")).to_have_attribute("data-credits", "5150")


def test_buy_pressed_twice_in_a_hurry_leads_to_one_checkout(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.email)
    page.goto("/credits/packages")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name=BUY).dblclick()
    page.wait_for_url(f"{stage.polar}/checkout/*")

    assert [urlsplit(url).path for url in asked] == ["/credits/purchase"]


def test_who_turns_back_at_polars_page_finds_the_package_again(open_page: OpenPage, stage: Stage) -> None:
    page = open_page(stage.email)
    page.goto("/credits/packages")
    page.get_by_role("button", name=BUY).click()
    page.get_by_role("link", name="Back without buying").click()

    expect(page.locator("#professional")).to_contain_text("The one you came for")
    page.go_back()
    page.go_back()
    expect(page.get_by_role("button", name=BUY)).not_to_have_attribute("aria-busy", "true")
