"""The balance on the overview is live, and costs nothing while nobody looks or nothing happens."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, Response, Route, expect

from creditapp.demo import HIGH
from tests.browser.conftest import OpenPage
from tests.dev.conftest import Instance

pytestmark = pytest.mark.browser

POLL_MS, LATE_MS = 5_000, 300
# Sets what the browser says about its tab, as if the person had turned to another one.
TAB = """([hidden]) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => hidden ? "hidden" : "visible" });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def is_poll(response: Response) -> bool:
    """Whether this is the answer to the widget's question."""
    return response.url.endswith("/credits/balance")


def next_poll(page: Page) -> Response:
    """Let five seconds pass in the page; the poll they bring."""
    with page.expect_response(is_poll) as found:
        page.clock.run_for(POLL_MS)
    return found.value


@pytest.fixture
def spend(instance: Instance, make_person: Callable[[str, int], None]) -> Callable[[int], None]:
    """A program of ``spender@example.com``, who has 100 credits, spends some of them."""
    make_person("spender@example.com", 0)
    key = instance.flask("keys", "create", "--account", "spender@example.com").stdout.strip()

    def spent(amount: int) -> None:
        assert instance.ask("POST", "/api/credits/consume", {"amount": amount}, key=key)[0] == 201

    return spent


def test_the_widget_follows_what_a_program_spends_without_reloading(
    open_page: OpenPage, spend: Callable[[int], None]
) -> None:
    page = open_page("spender@example.com")
    polls: list[Response] = []
    page.on("response", lambda response: polls.append(response) if is_poll(response) else None)
    with page.expect_response(is_poll, timeout=3 * POLL_MS):
        page.goto("/credits")
    page.evaluate("window.lookingSince = 'before'")
    expect(page.get_by_role("heading", name="Your 100 welcome credits are ready")).to_be_visible()
    spend(10)

    expect(page.locator("#balance")).to_have_attribute("data-credits", "90")
    expect(page.locator("#balance [aria-live=polite]")).to_contain_text("90 credits available")
    expect(page.locator("#pill")).to_contain_text("90 available")
    expect(page.get_by_role("heading", name="Usage, last 14 days")).to_be_visible()
    expect(page.locator("#activity tbody tr").filter(has_text="−10").first).to_be_visible()
    assert page.evaluate("window.lookingSince === 'before'")
    assert [poll.status for poll in polls[:2]] == [304, 200]
    starts = [poll.request.timing["startTime"] for poll in polls]
    assert [later - earlier for earlier, later in pairwise(starts) if later - earlier < POLL_MS * 0.9] == []


def test_while_nothing_changes_every_answer_is_304_and_empty(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.clock.install()
    page.goto("/credits")
    answers = [next_poll(page) for _ in range(3)]

    assert [answer.status for answer in answers] == [304] * 3
    assert all("hx-ptag" in answer.request.headers for answer in answers)


def test_the_first_poll_knows_what_the_page_shows_however_late_a_script_came(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.clock.install()

    def late(route: Route) -> None:
        page.wait_for_timeout(LATE_MS)
        route.continue_()

    page.route("**/hx-ptag-*", late)
    page.goto("/credits")

    assert next_poll(page).status == 304


def test_a_hidden_tab_asks_for_nothing_until_it_is_seen_again(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.clock.install()
    page.goto("/credits")
    next_poll(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    page.evaluate(TAB, [True])
    page.clock.run_for(20 * POLL_MS)
    assert asked == []

    page.evaluate(TAB, [False])
    assert next_poll(page).status == 304


def test_who_was_signed_out_elsewhere_is_led_to_the_sign_in_page_by_the_next_poll(
    open_page: OpenPage, make_person: Callable[[str, int], None]
) -> None:
    make_person("leaver@example.com", 0)
    page = open_page("leaver@example.com", but="401 (Unauthorized)")
    page.clock.install()
    page.goto("/credits")
    page.context.clear_cookies()
    page.clock.run_for(POLL_MS)

    page.wait_for_url("**/sign-in*")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
