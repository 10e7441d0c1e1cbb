"""What every page owes to everybody: to read it in any light, at any width, with any device, without script."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import DESK, PHONE, OpenPage
from tests.browser.places import PLACES, Place
from tests.browser.town import Stage

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-4.14.1.min.js"
LOOKS = [(theme, size) for theme in ("light", "dark") for size in (DESK, PHONE)]
FIND_VIOLATIONS = """async () => {
  const found = await axe.run({ resultTypes: ["violations"] });
  const where = (one) => one.nodes.map((node) => node.target.join(" ")).join(", ");
  return found.violations.map((one) => `${one.id}: ${one.help} (${where(one)})`);
}"""
OVERHANG = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
# What only a script would answer.
DEAD_WITHOUT_SCRIPT = "button[type=button], a:not([href]), form:not([action]):not([method])"

every_page = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


def violations(page: Page) -> list[str]:
    """What axe finds."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(FIND_VIOLATIONS)
    return found


@every_page
def test_it_can_be_used_by_everybody_in_light_and_dark_at_desk_and_phone(
    open_page: OpenPage, stage: Stage, place: Place
) -> None:
    page = open_page(place.email(stage), reduced_motion="reduce")
    place.visit(page, stage)
    found: dict[tuple[Any, ...], Any] = {}
    for theme, size in LOOKS:
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        if problems := violations(page):
            found[theme, size["width"]] = problems
        if (overhang := page.evaluate(OVERHANG)) > 0:
            found["scrolls sideways", theme, size["width"]] = overhang

    assert found == {}


@every_page
def test_it_works_without_script(open_page: OpenPage, stage: Stage, place: Place) -> None:
    page = open_page(place.email(stage), java_script_enabled=False)
    place.visit(page, stage)

    assert page.locator("h1").inner_text().strip()
    assert page.locator("main").inner_text().strip()
    assert page.locator(DEAD_WITHOUT_SCRIPT).locator("visible=true").all_text_contents() == []
