"""``python -m tests.browser.pictures FOLDER``: every page of a running ``flask dev``, in each look and width.

``--overview FILE`` also takes the one picture that the README shows.
"""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from creditapp.config import data_folder
from creditapp.demo import HIGH
from tests.browser.conftest import CHROMIUM, DESK, OPTIONS, PATIENCE_MS, PHONE
from tests.browser.places import PLACES, Place
from tests.browser.town import Stage, Town

WIDTHS = {"1440": DESK, "360": PHONE}
THEMES = ("light", "dark")


def main() -> None:
    """Read the command line, take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:5000", help="the running product  [%(default)s]")
    parser.add_argument("--data", type=Path, default=data_folder(), help="its data folder  [%(default)s]")
    parser.add_argument("--only", choices=PLACES, nargs="*", default=list(PLACES), help="some pages only")
    parser.add_argument("--overview", type=Path, help="the file for the README's picture")
    asked = parser.parse_args()

    asked.folder.mkdir(parents=True, exist_ok=True)
    town = Town(asked.url, asked.data)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        if asked.overview:
            take(browser, town, PLACES["overview"], None, {asked.overview: ("light", DESK)}, whole=False)
        stage = Stage(town) if asked.only else None
        for name in asked.only:
            looks = {
                asked.folder / f"{name}-{width}-{theme}.png": (theme, size)
                for width, size in WIDTHS.items()
                for theme in THEMES
            }
            take(browser, town, PLACES[name], stage, looks)
            print(name, flush=True)
        browser.close()
    town.close()


def take(
    browser: Browser,
    town: Town,
    place: Place,
    stage: Stage | None,
    looks: dict[Path, tuple[str, dict[str, int]]],
    *,
    whole: bool = True,
) -> None:
    """Go to *place* once, and take its picture in each of the *looks*; as much as fits, or all of it."""
    with browser.new_context(viewport=DESK, base_url=town.url, reduced_motion="reduce") as context:  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        email = place.email(stage) if stage else place.who
        if email:
            context.add_cookies(town.cookies(email))  # type: ignore[arg-type]
        page = context.new_page()
        if stage:
            place.visit(page, stage)
        else:
            page.goto(str(place.address))
        for file, (theme, size) in looks.items():
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.screenshot(path=file, full_page=whole)


if __name__ == "__main__":
    assert HIGH.email == PLACES["overview"].who
    main()
