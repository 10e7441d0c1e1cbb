"""The history: filtered, turned page by page, taken home as a file."""

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from creditapp.demo import HIGH
from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser

PAGE = 25


def rows_of(page: Page) -> list[str]:
    """The first words of every row."""
    return page.locator("#rows tbody th a.plain").all_inner_texts()


def taken_home(page: Page, tmp_path: Path) -> list[dict[str, str]]:
    """The file behind the page's link, as a spreadsheet reads it."""
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV of all").click()
    assert re.fullmatch(r"credits-\d{4}-\d\d-\d\d\.csv", download.value.suggested_filename)
    download.value.save_as(tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without-script"])
def test_filters_stand_in_the_address_and_pages_are_turned_and_turned_back(open_page: OpenPage, script: bool) -> None:
    page = open_page(HIGH.email, java_script_enabled=script)
    page.goto("/credits/history")
    newest = rows_of(page)
    assert len(newest) == PAGE
    first = page.locator("#rows tbody th a.plain").first.get_attribute("href")

    page.get_by_role("link", name="Older").click()
    expect(page).to_have_url(re.compile(r"/credits/history\?before=\d+$"))
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("26–50 of")
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("1–25 of")
    expect(page.locator("#rows tbody th a.plain").first).to_have_attribute("href", str(first))
    page.go_back()
    expect(page.get_by_role("navigation", name="Pages")).to_contain_text("26–50 of")

    page.get_by_role("group", name="Type").get_by_role("link", name="Purchases").click()
    expect(page).to_have_url(re.compile(r"/credits/history\?type=purchase$"))
    assert {words.partition(" package")[0] for words in rows_of(page)} == {"Starter", "Professional", "Business"}
    page.get_by_label("Text or id").fill("Professional")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("type=purchase"))
    assert rows_of(page) == ["Professional package"] * 5
    page.get_by_role("link", name="Clear").click()
    expect(page).to_have_url("/credits/history")


def test_the_file_holds_everything_that_matches_and_ties_out(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits")
    standing = page.locator("#balance").get_attribute("data-credits")
    page.goto("/credits/history")
    everything = taken_home(page, tmp_path)
    numbers = [int(row["number"]) for row in everything]
    assert numbers == list(range(numbers[0], 0, -1))
    assert everything[0]["balance_after"] == standing
    assert page.get_by_role("navigation", name="Pages").inner_text().count(f"of {len(everything):,}") == 1

    page.get_by_role("group", name="Type").get_by_role("link", name="Bonuses").click()
    bonuses = taken_home(page, tmp_path)
    assert {row["transaction_type"] for row in bonuses} == {"bonus"}
    assert len(bonuses) == len([row for row in everything if row["transaction_type"] == "bonus"])


def test_a_row_leads_to_everything_about_it_and_back(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits/history?type=purchase")
    page.get_by_role("link", name="Business package", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Transaction")
    expect(page.get_by_text("$105.00").first).to_be_visible()
    page.get_by_role("link", name="History").last.click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()


def test_an_id_is_copied_with_one_click(open_page: OpenPage) -> None:
    page = open_page(HIGH.email, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/credits/settings")
    shown = page.locator(".copy code").first.inner_text()
    page.get_by_role("button", name="Copy account id").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    assert page.evaluate("navigator.clipboard.readText()") == shown
