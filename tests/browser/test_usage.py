"""Usage, live: another period comes without another page, and the way back works."""

import re

import pytest
from playwright.sync_api import expect

from creditapp.demo import HIGH
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser


def test_a_period_and_a_split_are_changed_in_place_and_stand_in_the_address(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits/usage")
    page.evaluate("window.here = true")

    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("heading", name="Credits used in the last 7 days")).to_be_attached()
    page.get_by_role("link", name="Endpoint").click()
    expect(page.get_by_role("heading", name="By endpoint")).to_be_visible()

    expect(page).to_have_url(re.compile(r"period=last_7_days&by=endpoint$"))
    assert page.evaluate("window.here")
    page.go_back()
    expect(page.get_by_role("heading", name="By operation")).to_be_visible()
    expect(page.get_by_role("heading", name="Credits used in the last 7 days")).to_be_attached()
    page.reload()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")


def test_other_days_are_chosen_in_place(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits/usage?by=endpoint")
    page.evaluate("window.here = true")

    page.get_by_role("link", name="Other days").click()
    last = page.get_by_label("To, included").input_value()
    page.get_by_label("From", exact=True).fill(last)
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="Credits used on")).to_be_visible()

    expect(page).to_have_url(re.compile(rf"period=custom&by=endpoint&from={last}&to={last}$"))
    expect(page.get_by_role("heading", name="By endpoint")).to_be_visible()
    assert page.evaluate("window.here")
    page.reload()
    expect(page.get_by_label("From", exact=True)).to_have_value(last)
