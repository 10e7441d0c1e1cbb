"""Usage and forecast as people see them: every number adds up, and nothing is guessed."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, identity, ledger
from creditapp.db import transaction
from creditapp.packages import CreditPackage
from tests.web.seeing import DAY, HOUR, NOON, charts, grant, set_account, signed_up, spend, spend_at
from tests.web.tree import Node, tree

ADDRESS = "/credits/usage"

on_both = pytest.mark.both_databases


@pytest.fixture
def alice(app: Flask) -> identity.User:
    return signed_up(app, "alice@example.com")


@pytest.fixture
def browser(
    client: FlaskClient, alice: identity.User, sign_in: Callable[[FlaskClient, identity.User], None]
) -> Iterator[FlaskClient]:
    with clock.at(NOON):
        sign_in(client, alice)
        yield client


@pytest.fixture
def busy(account: int, shelf: dict[str, CreditPackage]) -> int:
    """Ten days of 100 credits, the last of them yesterday, and 30 today."""
    with clock.at(NOON - 11 * DAY):
        grant(account, 5_000)
    for ago in range(10, 0, -1):
        with clock.at(NOON - ago * DAY):
            spend(account, 60, "image_processing", api_endpoint="/v1/images")
            spend(account, 40, "ai_analysis", api_endpoint="/v1/analyses")
    spend_at(NOON - HOUR, account, 30)
    return account


def page(browser: FlaskClient, query: str = "", status: int = 200) -> Node:
    return tree(browser.get(f"{ADDRESS}{query}"), status)


def rows(table: Node) -> list[str]:
    """The cells of each row, in words."""
    return [
        " ".join(cell.words for cell in row.inside if isinstance(cell, Node))
        for row in table.every("tr")
        if row.every("td")
    ]


def stats(shown: Node) -> dict[str, str]:
    pairs = (div for dl in shown.every("dl", class_="stats") for div in dl.every("div"))
    return {pair.one("dt").words: pair.one("dd").words for pair in pairs}


@on_both
def test_the_figures_the_bars_and_the_table_say_the_same(browser: FlaskClient, busy: int) -> None:
    shown = page(browser)
    chart, table = charts(shown)[0], shown.every("table")[0]

    assert stats(shown) == {
        "Used in 30 days": "1,030",
        "Against the 30 days before": "nothing to compare",
        "Average a day": "93.6",  # eleven days since the first use
        "Highest day": "100",
    }
    assert len(chart["names"]) == len(chart["totals"]) == 30
    assert chart["names"][-2:] == ["23 Nov", "24 Nov"]
    assert chart["totals"][-2:] == ["100", "30"]
    assert [(one["name"], one["amounts"][-2:]) for one in chart["series"]] == [
        ("Image processing", ["60", "0"]),
        ("AI analysis", ["40", "0"]),
        ("Basic API call", ["0", "30"]),
    ]
    assert rows(table.one("tbody")) == [
        "Image processing 10 600 58",
        "AI analysis 10 400 39",
        "Basic API call 1 30 3",
    ]
    assert rows(table.one("tfoot")) == ["Total 21 1,030 100"]


@pytest.mark.parametrize(
    ("period", "bars", "total"),
    [
        ("last_24_hours", 25, "130"),
        ("last_7_days", 7, "630"),
        ("last_90_days", 90, "1,030"),
        ("last_year", 53, "1,030"),
    ],
)
def test_every_period_has_its_bars(browser: FlaskClient, busy: int, period: str, bars: int, total: str) -> None:
    shown = page(browser, f"?period={period}")
    chart = charts(shown)[0]

    assert len(chart["names"]) == bars
    assert next(iter(stats(shown).values())) == total
    assert sum(Decimal(amount) for amount in chart["totals"]) == Decimal(total.replace(",", ""))
    assert [link.words for link in shown.every("a", aria_current="true")] == [
        {"last_24_hours": "24 h", "last_7_days": "7 days", "last_90_days": "90 days", "last_year": "1 year"}[period],
        "Operation",
    ]


def test_usage_can_be_split_by_endpoint_and_by_key(browser: FlaskClient, busy: int) -> None:
    with transaction():
        identity.create_key(busy, name="nightly", scopes=("consume",), live=False)
    key = identity.keys_of(busy)[0]
    with clock.at(NOON):
        spend(busy, 5, "data_export", api_key_id=key.id)

    by_endpoint = page(browser, "?by=endpoint").every("table")[0].one("tbody")
    by_key = page(browser, "?by=key").every("table")[0].one("tbody")

    assert rows(by_endpoint) == [
        "/v1/images 10 600 58",
        "/v1/analyses 10 400 39",
        "Not named 2 35 3",
    ]
    assert rows(by_key) == [
        "Without a key 21 1,030 100",
        f"nightly ({key.prefix}…) 1 5 0",
    ]


def test_the_change_is_told_against_the_same_stretch_before(browser: FlaskClient, busy: int) -> None:
    assert stats(page(browser, "?period=last_7_days"))["Against the 7 days before"] == "+57.5 %"  # 630 after 400


def test_what_was_given_back_is_told_apart(browser: FlaskClient, busy: int) -> None:
    with clock.at(NOON - HOUR):
        failed = spend(busy, 500, "data_export")
        with transaction():
            ledger.reverse(busy, failed, key=None)

    shown = page(browser)

    assert stats(shown)["Used in 30 days"] == "1,030"
    assert "Given back and not counted: 500 credits of 1 operation." in shown.words


def test_the_days_zone_is_named(browser: FlaskClient, busy: int) -> None:
    set_account(busy, time_zone="Asia/Kathmandu")
    assert "Days in Asia/Kathmandu (UTC+5:45)" in page(browser).words

    set_account(busy, time_zone="America/New_York")
    assert "Hours in America/New_York (UTC\u22125)" in page(browser, "?period=last_24_hours").words


def test_every_day_stands_in_a_table_too(browser: FlaskClient, busy: int) -> None:
    days = page(browser, "?period=last_7_days").every("details")[0].one("tbody")

    assert rows(days)[:2] == ["24 Nov 1 30", "23 Nov 2 100"]
    assert len(rows(days)) == 7


def test_without_usage_the_page_says_what_to_do(browser: FlaskClient, account: int) -> None:
    shown = page(browser)

    assert "Nothing was used yet" in shown.words
    assert "Not enough history yet: 0 of 3 active days" in shown.words
    assert charts(shown) == []


def test_a_period_without_usage_is_no_empty_account(browser: FlaskClient, account: int) -> None:
    spend_at(NOON - 40 * DAY, account, 5)

    shown = page(browser, "?period=last_7_days")

    assert "Nothing was used in these 7 days" in shown.words
    assert "Nothing was used yet" not in shown.words


@on_both
def test_the_forecast_says_how_long_credits_last_and_what_covers_a_month(browser: FlaskClient, busy: int) -> None:
    words = page(browser).words

    # 4,070 are left at 100 a day: 40.7 days from noon on.
    assert "Nothing leftin about 40 days" in words
    assert "4 Jan 2027" in words
    assert "From 10 complete days, 100 credits a day." in words
    assert "Professional (5,000) covers 30 days like these." in words
    # 1,030 so far, half of today, and six days more.
    assert "1,680–1,680" in words
    assert "about $13.44–$13.44 at $8.00 per 1,000" in words


@pytest.mark.parametrize("active", [1, 2])
def test_below_three_active_days_nothing_is_foretold(browser: FlaskClient, account: int, active: int) -> None:
    for ago in range(active, 0, -1):
        spend_at(NOON - ago * DAY, account, 10)

    words = page(browser).words

    assert f"Not enough history yet: {active} of 3 active days" in words
    assert "What to expect" not in words


def test_without_credits_it_says_0_days(browser: FlaskClient, account: int) -> None:
    for ago in range(5, 0, -1):
        spend_at(NOON - ago * DAY, account, 20)

    assert "No credits left: 0 days" in page(browser).words


def test_credits_that_will_expire_unspent_are_told(browser: FlaskClient, busy: int) -> None:
    grant(busy, 900, transaction_type="bonus", expires_at=NOON + 2 * DAY)

    assert "700 credits expire" in page(browser).words


@pytest.mark.parametrize("query", ["?period=last_century", "?by=colour", "?period=", "?period=last_year&by="])
def test_what_can_not_be_asked_for_is_said(browser: FlaskClient, busy: int, query: str) -> None:
    shown = page(browser, query, status=422)

    assert "There is no such period or split." in shown.words
    assert stats(shown)["Used in 30 days"] == "1,030"


def test_htmx_gets_the_usage_alone_and_a_visitor_gets_the_sign_in(browser: FlaskClient, busy: int, app: Flask) -> None:
    part = tree(browser.get(f"{ADDRESS}?period=last_7_days", headers={"HX-Request": "true", "HX-Target": "div#usage"}))

    assert part.with_id("usage")
    assert "Forecast" not in part.words
    assert app.test_client().get(ADDRESS).status_code == 303


def test_nobody_sees_anothers_usage(
    browser_of: Callable[[identity.User], FlaskClient], busy: int, charlie: identity.User
) -> None:
    assert "Nothing was used yet" in tree(browser_of(charlie).get(ADDRESS)).words
