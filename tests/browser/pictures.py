"""``python -m tests.browser.pictures FOLDER``: every page of a running ``flask dev``, in each look and width.

``--overview FILE`` takes the one picture that the README shows, and no others where nothing else is asked for.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from creditapp.config import data_folder
from tests.browser.conftest import CHROMIUM, DESK, OPTIONS, PATIENCE_MS, PHONE
from tests.browser.places import PLACES, Place
from tests.browser.town import Stage, Town

WIDTHS = {"1440": DESK, "360": PHONE}
THEMES = ("light", "dark")


def main() -> None:
    """Read the command line, take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where the pictures go")
    parser.add_argument("--url", default="http://127.0.0.1:5000", help="the running product  [%(default)s]")
    parser.add_argument("--data", type=Path, default=data_folder(), help="its data folder  [%(default)s]")
    parser.add_argument("--only", choices=PLACES, nargs="+", default=list(PLACES), help="some of the pages")
    parser.add_argument("--overview", type=Path, help="the file of the README's picture")
    asked = parser.parse_args()

    town = Town(asked.url, asked.data)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        if asked.overview:
            overview = opened(browser, town, PLACES["overview"].who)
            overview.goto("/credits")
            overview.screenshot(path=asked.overview)
        if asked.folder:
            asked.folder.mkdir(parents=True, exist_ok=True)
            stage = Stage(town)
            for name in asked.only:
                take(browser, stage, PLACES[name], asked.folder / name)
        browser.close()
    town.close()


def take(browser: Browser, stage: Stage, place: Place, name: Path) -> None:
    """Go to *place* once, and take its picture in each look and width as ``name-WIDTH-THEME.png``."""
    page = opened(browser, stage.town, place.email(stage))
    place.visit(page, stage)
    for width, size in WIDTHS.items():
        for theme in THEMES:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.screenshot(path=f"{name}-{width}-{theme}.png", full_page=True)
    page.context.close()


def opened(browser: Browser, town: Town, email: str) -> Page:
    """A browser of this person's own, signed in; a visitor's without an email."""
    context = browser.new_context(viewport=DESK, base_url=town.url, reduced_motion="reduce")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    if email:
        context.add_cookies(town.cookies(email))  # type: ignore[arg-type]
    return context.new_page()


if __name__ == "__main__":
    main()
