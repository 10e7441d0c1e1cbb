"""Everything can be done with the keyboard alone, and one always sees where one is."""

import pytest
from playwright.sync_api import Page, expect

from creditapp import demo
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.town import Stage

pytestmark = pytest.mark.browser

MOST_STOPS = 80
WHERE = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  const seen = box.width > 0 && box.height > 0 && box.right > 0 && box.bottom > 0;
  // Within a field for days the browser itself marks the little calendar.
  const ringed = at.type === "date" || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return { words: (at.getAttribute("aria-label") || at.innerText || at.name || "").trim(), seen, ringed };
}"""


def tab_to(page: Page, words: str) -> list[str]:
    """Press Tab until something that says *words* has the focus; every stop on the way, each plainly marked."""
    stops: list[str] = []
    while not stops or words not in stops[-1]:
        assert len(stops) < MOST_STOPS, f"{words} is never reached: {stops}"
        page.keyboard.press("Tab")
        where = page.evaluate(WHERE)
        assert where["seen"], f"the focus is out of sight on {where['words']!r}"
        assert where["ringed"], f"nothing marks the focus on {where['words']!r}"
        stops.append(where["words"])
    return stops


def test_a_person_signs_in_and_comes_to_polars_page_by_keyboard_alone(open_page: OpenPage, stage: Stage) -> None:
    page = open_page()
    page.goto("/sign-in")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(demo.NEW.email)
    tab_to(page, "password")
    page.keyboard.type(demo.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    tab_to(page, "Packages")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Packages")).to_be_visible()
    tab_to(page, "Buy 5,000")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stage.polar}/checkout/*")


def test_the_first_stop_skips_to_the_content(open_page: OpenPage) -> None:
    page = open_page(demo.HIGH.email)
    page.goto("/credits")
    assert tab_to(page, "Skip to content") == ["Skip to content"]
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    assert tab_to(page, "Buy credits") == ["Buy credits"]


def test_the_stops_of_the_packages_page_are_in_the_order_one_reads(open_page: OpenPage) -> None:
    page = open_page(demo.HIGH.email)
    page.goto("/credits/packages")
    stops = tab_to(page, "Buy 50,000")
    bought = [words for words in stops if words.startswith("Buy ")]

    assert bought == [
        "Buy 7,500 for $40.00",
        "Buy 1,000 for $10.00",
        "Buy 5,000 for $40.00",
        "Buy 15,000 for $105.00",
        "Buy 50,000 for $300.00",
    ]


@pytest.mark.parametrize("address", ["/credits", "/credits/packages", "/credits/history", "/credits/settings"])
def test_every_stop_of_a_page_is_marked_on_a_phone_too(open_page: OpenPage, address: str) -> None:
    page = open_page(demo.HIGH.email, viewport=PHONE)
    page.goto(address)
    page.evaluate("document.body.append(Object.assign(document.createElement('button'), { innerText: 'The end' }))")

    assert tab_to(page, "The end")[0] == "Skip to content"
