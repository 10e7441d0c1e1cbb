"""One's own data: the page follows it until it is there, stops asking, and the file comes."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Request, expect

from creditapp.demo import LOW, NEW
from tests.browser.conftest import OpenPage
from tests.browser.town import Town

pytestmark = pytest.mark.browser

POLL_MS = 1_000


def test_a_person_downloads_all_their_data(open_page: OpenPage) -> None:
    page = open_page(NEW.email)
    polls: list[Request] = []
    page.on("request", lambda request: polls.append(request) if request.url.endswith("/progress") else None)
    page.goto("/credits/settings")
    page.get_by_role("link", name="Download all my data").click()
    page.get_by_role("button", name="Download all my data").click()

    with page.expect_download() as found:
        page.get_by_role("link", name="Download the archive").click()

    with zipfile.ZipFile(found.value.path()) as archive:
        assert NEW.email in archive.read("people.csv").decode()
        assert b"welcome" in archive.read("credit_transactions.csv").lower()
    asked = len(polls)
    page.clock.install()
    page.clock.run_for(5 * POLL_MS)
    assert len(polls) == asked
    expect(page.get_by_role("heading", name="Your data is ready")).to_be_visible()


def test_who_clicks_while_the_archive_is_out_of_reach_reads_so(open_page: OpenPage, town: Town, tmp_path: Path) -> None:
    page = open_page(LOW.email)
    page.goto("/credits/settings/data")
    page.get_by_role("button", name="Download all my data").click()
    link = page.get_by_role("link", name="Download the archive")
    link.wait_for()
    away = {file: file.rename(tmp_path / file.name) for file in (town.data / "exports").glob("*.zip")}
    try:
        link.click()
        expect(page.get_by_role("heading", name="Your archive can't be reached")).to_be_visible()
    finally:
        for home, file in away.items():
            file.rename(home)
