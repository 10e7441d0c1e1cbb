"""The whole product as ``flask dev`` starts it, and a real Chromium; a test's pages are watched until it ends."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from creditapp import demo
from tests.browser.town import Stage, Town
from tests.browser.watching import Watch
from tests.dev.conftest import Instance

CHROMIUM = Path("/usr/bin/chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}

OpenPage = Callable[..., Page]
Spends = Callable[[str, int], None]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip(f"There is no chromium at {CHROMIUM}; install it with: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def instance(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A running ``flask dev``."""
    instance = Instance(tmp_path_factory.mktemp("product") / "data").start()
    assert instance.is_ready, instance.words
    yield instance
    assert instance.stop() == {}
    instance.close()


@pytest.fixture(scope="package")
def town(instance: Instance) -> Iterator[Town]:
    """Its people."""
    town = Town(f"http://127.0.0.1:{instance.port}", instance.data)
    yield town
    town.close()


@pytest.fixture(scope="package")
def stage(town: Town) -> Stage:
    """A shopper with a purchase at every stage."""
    return Stage(town)


@pytest.fixture(scope="package")
def make_person(instance: Instance, town: Town) -> Callable[[str, int], None]:
    """``make_person(email, more)``: somebody with 100 welcome credits and so many more."""

    def made(email: str, more: int) -> None:
        town.newcomer(email, demo.PASSWORD)
        if more:
            granted = instance.flask("credits", "grant", email, str(more), "--reason", "A story of a test")
            assert granted.returncode == 0, granted.stderr

    return made


@pytest.fixture
def spends(instance: Instance, town: Town) -> Spends:
    """``spends(email, amount)``: a program of theirs does."""

    def spent(email: str, amount: int) -> None:
        key = instance.flask("keys", "create", "--account", email, "--scopes", "consume").stdout.strip()
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.post(f"{town.url}/api/credits/consume", json={"amount": amount}, headers=headers)
        assert answer.status_code == 201, answer.text

    return spent


@pytest.fixture
def open_page(chromium: Browser, town: Town) -> Iterator[OpenPage]:
    """``open_page(email)``: a browser of this person's own, signed in; without an email a visitor's.

    When the test is over, none of its pages may have had an error, blocked anything or asked elsewhere; *but* is a part
    of the one complaint that is expected.
    """
    opened: list[tuple[BrowserContext, Watch]] = []

    def page_of(email: str = "", *, but: str | None = None, **options: Any) -> Page:
        context = chromium.new_context(**{"viewport": DESK, "base_url": town.url, **options})
        context.set_default_timeout(PATIENCE_MS)
        opened.append((context, Watch(context, but)))
        if email:
            context.add_cookies(town.cookies(email))  # type: ignore[arg-type]
        return context.new_page()

    yield page_of
    problems = [problem for _, watch in opened for problem in watch.problems]
    for context, _ in opened:
        context.close()
    assert problems == []
