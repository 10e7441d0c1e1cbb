"""Charts: drawn once, with exact numbers, in the colours of the moment, and gone with what held them."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from creditapp.demo import HIGH, LOW, NEW
from tests.browser.conftest import PATIENCE_MS, OpenPage
from tests.dev.conftest import Instance, eventually

pytestmark = pytest.mark.browser

LIBRARY = re.compile(r"/static/chart-[\d.]+\.umd\.min\.js")
CHARTS = "window.Chart ? Object.values(Chart.instances).filter((one) => one.canvas?.isConnected).length : 0"
ALL_CHARTS = "window.Chart ? Object.keys(Chart.instances).length : 0"
OF = "Chart.getChart(document.querySelectorAll('.plot canvas')[%d])"


def drawn(page: Page, count: int) -> None:
    """Wait until there are so many charts, and none besides."""
    until(page, f"{CHARTS} === {count} && {ALL_CHARTS} === {count}")


def until(page: Page, condition: str) -> None:
    """Wait until it holds: from outside, since the page's policy lets nobody evaluate text inside."""
    assert eventually(lambda: page.evaluate(condition), PATIENCE_MS / 1000), condition


def seen(page: Page, expression: str, number: int = 0) -> Any:
    """What a chart says of itself."""
    return page.evaluate(f"((chart) => {expression})({OF % number})")


def hovered(page: Page, number: int, x: float) -> list[str]:
    """The lines of the tooltip that a mouse finds so far across a chart."""
    canvas = page.locator(".plot canvas").nth(number)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] / 2)
    until(page, f"{OF % number}.tooltip.opacity > 0")
    told = seen(
        page, "[chart.tooltip.title, chart.tooltip.body.flatMap((one) => one.lines), chart.tooltip.footer]", number
    )
    return [line.strip() for part in told for line in part]


def test_a_bar_says_its_numbers_exactly_as_the_table_does(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits/usage?period=last_7_days")
    drawn(page, 2)

    day, *parts, total = hovered(page, 0, 0.3)

    page.get_by_text("Every day as a table").click()
    row = page.get_by_role("row", name=re.compile(f"^{day} "))
    assert total == f"{row.get_by_role('cell').last.inner_text()} credits"
    amounts = [Decimal(part.rpartition(": ")[2].replace(",", "")) for part in parts]
    assert sum(amounts) == Decimal(total.removesuffix(" credits").replace(",", ""))


def test_the_forecast_tells_the_past_the_expected_and_the_bounds(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto("/credits/usage")
    drawn(page, 2)

    before, later = hovered(page, 1, 0.15), hovered(page, 1, 0.7)

    assert re.fullmatch(r"\d+ \w{3}", before[0])
    assert re.fullmatch(r"So far: [\d,]+", before[1])
    assert [line.partition(":")[0] for line in later[1:]] == ["Expected", "If little is used", "If much is used"]
    expected, little, much = (int(line.rpartition(" ")[2].replace(",", "")) for line in later[1:])
    assert much <= expected <= little


def test_another_period_is_drawn_anew_and_the_old_chart_is_gone(open_page: OpenPage) -> None:
    page = open_page(LOW.email)
    page.goto("/credits/usage")
    drawn(page, 2)
    first = seen(page, "chart.id")

    for name, bars in (("7 days", 7), ("90 days", 90), ("24 h", 25)):
        page.get_by_role("link", name=name).click()
        expect(page.get_by_role("link", name=name)).to_have_attribute("aria-current", "true")
        drawn(page, 2)
        assert seen(page, "chart.data.labels.length") == bars
    page.get_by_role("link", name="Key", exact=True).click()
    until(page, f"{OF % 0}?.data.datasets[0].label === 'Without a key'")

    assert seen(page, "chart.id") != first
    drawn(page, 2)


def test_dark_and_light_have_colours_of_their_own(open_page: OpenPage) -> None:
    page = open_page(HIGH.email, color_scheme="light")
    page.goto("/credits/usage")
    drawn(page, 2)
    colour = "chart.data.datasets[0].backgroundColor"
    light = seen(page, colour)

    page.emulate_media(color_scheme="dark")
    until(page, f"{OF % 0}?.data.datasets[0].backgroundColor !== '{light}'")
    drawn(page, 2)

    swatch = page.locator(".key.k1").first.evaluate("(one) => getComputedStyle(one).backgroundColor")
    assert seen(page, colour) == swatch != light


def test_nothing_moves_for_who_asked_for_stillness(open_page: OpenPage) -> None:
    page = open_page(HIGH.email, reduced_motion="reduce")
    page.goto("/credits/usage")
    drawn(page, 2)
    still = seen(page, "chart.options.animation")

    page.emulate_media(reduced_motion="no-preference")
    page.reload()
    drawn(page, 2)

    assert still is False
    assert seen(page, "chart.options.animation.duration") > 0


def test_without_a_script_the_tables_stand_alone(open_page: OpenPage) -> None:
    page = open_page(HIGH.email, java_script_enabled=False)
    page.goto("/credits/usage")

    expect(page.locator(".plot")).to_have_count(2)
    expect(page.locator(".plot").locator("visible=true")).to_have_count(0)
    expect(page.get_by_role("table").first).to_be_visible()
    expect(page.get_by_role("heading", name="What to expect")).to_be_visible()


@pytest.mark.parametrize(("email", "address"), [(HIGH.email, "/credits/history"), (NEW.email, "/credits")])
def test_a_page_without_a_chart_does_not_load_the_library(open_page: OpenPage, email: str, address: str) -> None:
    page = open_page(email)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="networkidle")

    assert asked
    assert not any(LIBRARY.search(url) for url in asked)


def test_the_first_charge_brings_the_chart_and_the_next_one_changes_it(
    open_page: OpenPage, instance: Instance, make_person: Callable[[str, int], None]
) -> None:
    email = "draws-a-chart@example.com"
    make_person(email, 0)
    key = instance.flask("keys", "create", "--account", email).stdout.strip()
    page = open_page(email)
    page.goto("/credits")
    expect(page.locator(".plot")).to_have_count(0)

    assert instance.ask("POST", "/api/credits/consume", {"amount": 7}, key=key)[0] == 201
    drawn(page, 1)
    assert seen(page, "chart.data.datasets[0].data.at(-1)") == 7

    assert instance.ask("POST", "/api/credits/consume", {"amount": 5}, key=key)[0] == 201
    until(page, f"{OF % 0}?.data.datasets[0].data.at(-1) === 12")
    drawn(page, 1)
