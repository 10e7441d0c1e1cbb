"""The statement on paper: one sheet to file, without the buttons around it."""

import re

import pytest
from playwright.sync_api import expect

from creditapp.demo import HIGH
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

A_PAGE = re.compile(rb"/Type\s*/Page\b")
A4 = re.compile(rb"/MediaBox\s*\[0 0 59[45]\.?\d* 84[12]\.?\d*\]")


def test_a_statement_prints_as_a_sheet_of_its_own(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits/statements")
    page.get_by_role("link", name=re.compile(r"\d{4}")).nth(1).click()
    expect(page.get_by_role("button", name="Print or save as PDF")).to_be_visible()

    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("heading", name="Statement,")).to_be_visible()
    for gone in ("navigation", "button"):
        expect(page.get_by_role(gone).locator("visible=true")).to_have_count(0)
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper == "rgb(255, 255, 255)"

    printed = page.pdf(prefer_css_page_size=True)
    assert len(A_PAGE.findall(printed)) in {1, 2}  # as much as was bought
    assert A4.search(printed)
