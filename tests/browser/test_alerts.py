"""Told in time, and once: from spending below the level to the banner and the inbox, put away by keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, Spends
from tests.browser.test_keyboard import tab_to

pytestmark = pytest.mark.browser

SOON_MS = 20_000
SPENDER = "runs-low@example.com"


def test_who_spends_below_the_level_sees_it_and_puts_it_away_by_keyboard(
    open_page: OpenPage, make_person: Callable[[str, int], None], spends: Spends
) -> None:
    make_person(SPENDER, 500)
    page = open_page(SPENDER)
    page.goto("/credits")
    expect(page.locator("#alert-count")).to_have_text("")
    spends(SPENDER, 200)
    expect(page.locator("#banner")).to_contain_text("400 credits left", timeout=SOON_MS)
    expect(page.locator("#alert-count")).to_contain_text("1", timeout=SOON_MS)

    tab_to(page, "Alerts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Inbox, 1 open")).to_be_visible()
    alert = page.locator(".notice")
    expect(alert).to_contain_text("The alert is set to 500 or below.")
    tab_to(page, "Acknowledge")
    page.keyboard.press("Enter")
    expect(alert).to_contain_text("Seen")
    expect(page.locator("#alert-count")).to_have_text("")
    expect(page.get_by_role("button", name=re.compile("Dismiss.*400 credits left"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(alert).to_contain_text("Dismissed")

    spends(SPENDER, 50)
    page.goto("/credits")
    expect(page.locator("#balance")).to_have_attribute("data-credits", "350")
    expect(page.locator("#banner")).to_be_empty()
    page.goto("/credits/alerts")
    expect(page.locator(".notice")).to_have_count(1)


def test_a_rule_is_changed_and_a_test_letter_goes_without_script(
    open_page: OpenPage, make_person: Callable[[str, int], None]
) -> None:
    make_person("chooser@example.com", 0)
    page = open_page("chooser@example.com", java_script_enabled=False)
    page.goto("/credits/alerts")
    form = page.get_by_role("form", name=re.compile("fall to 500 or below"))
    form.get_by_role("textbox").fill("750")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("form", name=re.compile("fall to 750 or below")).get_by_role(
        "button", name="Send me a test"
    ).click()
    expect(page.get_by_text("A test letter is on its way to chooser@example.com.")).to_be_visible()
