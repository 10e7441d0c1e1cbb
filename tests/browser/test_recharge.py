"""Never run dry, as a person sees it: buy, save a card, switch recharge on, spend, and watch the balance refill."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, Spends
from tests.browser.places import pay_with
from tests.polar_stand_in.program import person

pytestmark = pytest.mark.browser

LATER_DECLINES = "4000 0000 0000 0341"
SETTLED_MS = 20_000
REFILLED, DECLINED = "refilled@example.com", "declined@example.com"


def saves_a_card(page: Page, card: str = "4242 4242 4242 4242") -> None:
    """Through Polar's portal, and back."""
    page.goto("/credits/settings/auto_recharge")
    page.get_by_role("button", name=re.compile("Save a card|Change the card|Use another card")).first.click()
    page.wait_for_url(re.compile("portal"))
    for name, typed in person(card).items():
        field = page.locator(f"[name={name}]")
        if name == "country":
            field.select_option(typed)
        elif field.count() and field.is_editable():
            field.fill(typed)
    page.get_by_role("button", name="Save card").click()
    page.wait_for_url(re.compile(r"/credits/settings/auto_recharge\?card=saved"))


def switches_on(page: Page, *, threshold: str) -> None:
    page.get_by_label("When available credits fall to").fill(threshold)
    page.get_by_label("Package", exact=True).select_option("starter")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.").first).to_be_visible()


def test_a_balance_that_falls_below_the_threshold_refills_by_itself(
    open_page: OpenPage, make_person: Callable[[str, int], None], spends: Spends
) -> None:
    make_person(REFILLED, 0)
    page = open_page(REFILLED)
    page.goto("/credits/packages")
    page.get_by_role("button", name="Buy 1,000").first.click()
    pay_with(page)
    expect(page.get_by_role("heading", name="1,000 credits added")).to_be_visible(timeout=SETTLED_MS)
    saves_a_card(page)
    expect(page.get_by_text("ending in 4242").first).to_be_visible()
    switches_on(page, threshold="500")
    expect(page.get_by_text("When available credits fall to 500 or below, buy Starter")).to_be_visible()

    page.goto("/credits")
    expect(page.locator("#balance")).to_have_attribute("data-credits", "1100")
    spends(REFILLED, 700)
    expect(page.locator("#balance")).to_have_attribute("data-credits", "1400", timeout=SETTLED_MS)
    page.goto("/credits/settings/auto_recharge")
    expect(page.locator("#log")).to_contain_text("Paid $10.00, 1,000 credits")


def test_a_declined_card_is_said_and_another_one_refills(
    open_page: OpenPage, make_person: Callable[[str, int], None], spends: Spends
) -> None:
    make_person(DECLINED, 0)
    page = open_page(DECLINED)
    saves_a_card(page, LATER_DECLINES)
    switches_on(page, threshold="50")
    spends(DECLINED, 60)
    page.goto("/credits")
    expect(page.get_by_text("Auto-recharge is switched off", exact=True)).to_be_visible(timeout=SETTLED_MS)
    page.get_by_role("link", name="Use another card").click()
    expect(page.get_by_role("heading", name="Switched off: card declined")).to_be_visible()

    saves_a_card(page)
    page.goto("/credits")
    expect(page.locator("#balance")).to_have_attribute("data-credits", "1040", timeout=SETTLED_MS)
    expect(page.get_by_text("Auto-recharge is switched off", exact=True)).to_have_count(0)
