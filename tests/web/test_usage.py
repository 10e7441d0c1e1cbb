"""Usage and forecast as people see them: every number adds up, and nothing is guessed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, identity, ledger
from creditapp.db import transaction
from creditapp.packages import CreditPackage
from tests.web.seeing import DAY, HOUR, NOON, charts, grant, recharge_at, set_account, signed_up, spend, spend_at
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

    assert "Nothing was used in the last 7 days." in shown.words
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


def test_recharges_to_come_stand_in_the_forecast_with_what_happens_without_them(
    browser: FlaskClient, busy: int
) -> None:
    recharge_at(busy, 1_000)

    words = page(browser).words

    # 3,070 until 1,000 are left: 30.7 days from noon on; then 5,000 every 50 days.
    assert "Auto-recharge buys 5,000when 1,000 are left; again on 13 Feb25 Dec" in words
    assert "Nothing leftonly if recharges fail4 Jan 2027" in words


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


@on_both
def test_any_days_can_be_chosen_both_included(browser: FlaskClient, busy: int) -> None:
    shown = page(browser, "?period=custom&from=2026-11-15&to=2026-11-17&by=endpoint")
    [chart, *_] = charts(shown)

    assert shown.with_id("usage-h").words == "Credits used from 15 Nov 2026 to 17 Nov 2026"
    assert (chart["names"], chart["totals"]) == (["15 Nov", "16 Nov", "17 Nov"], ["100"] * 3)
    assert stats(shown) == {
        "Used in 3 days": "300",
        "Against the 3 days before": "+200 %",  # the first use was on the 14th
        "Average a day": "100",
        "Highest day": "100",
    }
    assert (shown.with_id("from")["value"], shown.with_id("to")["value"]) == ("2026-11-15", "2026-11-17")
    links = {link.words: link["href"] for nav in shown.every("nav", class_="seg") for link in nav.every("a")}
    assert links["Key"].endswith("?period=custom&by=key&from=2026-11-15&to=2026-11-17")
    assert links["7 days"].endswith("?period=last_7_days&by=endpoint")


def test_days_are_cut_at_midnight_of_the_accounts_zone(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="Asia/Kathmandu")
    spend_at(datetime(2026, 11, 19, 18, 14, tzinfo=UTC), account, 1)
    spend_at(datetime(2026, 11, 19, 18, 15, tzinfo=UTC), account, 2)
    spend_at(datetime(2026, 11, 20, 18, 15, tzinfo=UTC), account, 4)

    assert stats(page(browser, "?period=custom&from=2026-11-20&to=2026-11-20"))["Used in 1 day"] == "2"


def test_a_single_day_is_shown_by_the_hour(browser: FlaskClient, busy: int) -> None:
    shown = page(browser, "?period=custom&from=2026-11-20&to=2026-11-20")
    [chart, *_] = charts(shown)

    assert shown.with_id("usage-h").words == "Credits used on 20 Nov 2026"
    assert len(chart["names"]) == 24
    assert dict(zip(chart["names"], chart["totals"], strict=True))["12:00"] == "100"
    assert stats(shown)["Average an hour"] == "4.2"


def test_a_long_stretch_is_shown_by_the_week(browser: FlaskClient, busy: int) -> None:
    shown = page(browser, "?period=custom&from=2025-10-21&to=2026-11-24")

    assert stats(shown)["Used in 400 days"] == "1,030"
    assert len(charts(shown)[0]["names"]) == 58


@pytest.mark.parametrize(
    ("query", "field", "sentence"),
    [
        ("from=2026-11-17&to=2026-11-15", "to", "The last day lies before the first one."),
        ("from=yesterday&to=2026-11-15", "from", "\u201cyesterday\u201d is not a day. Enter one such as 2026-11-23."),
        ("from=2026-11-17", "to", "Choose a day."),
        ("to=2026-11-17", "from", "Choose a day."),
        ("from=2026-11-17&to=2026-11-25", "to", "This day is yet to come: today is 24 Nov 2026."),
        (
            "from=2025-10-20&to=2026-11-24",
            "to",
            "At most 400 days are shown at once: end on 23 Nov 2026, or begin later.",
        ),
        ("from=2026-02-30&to=2026-11-24", "from", "\u201c2026-02-30\u201d is not a day. Enter one such as 2026-11-23."),
    ],
)
def test_days_that_can_not_be_shown_are_said_beside_their_field(
    browser: FlaskClient, busy: int, query: str, field: str, sentence: str
) -> None:
    shown = page(browser, f"?period=custom&{query}", status=422)

    assert [shown.with_id(one["id"]).words for one in shown.every("p", class_="error")] == [sentence]
    assert shown.with_id(field)["aria-invalid"] == "true"
    typed = dict(pair.split("=") for pair in query.split("&"))
    assert {name: shown.with_id(name).attributes.get("value") for name in typed} == typed
    assert "These are the last 30 days." in shown.words
    assert stats(shown)["Used in 30 days"] == "1,030"


def test_days_of_long_ago_are_empty_and_no_mistake(browser: FlaskClient, busy: int) -> None:
    shown = page(browser, "?period=custom&from=1970-01-02&to=1970-02-01")

    assert "Nothing was used from 2 Jan 1970 to 1 Feb 1970." in shown.words
    assert stats(shown)["Average a day"] == "0"


def test_a_day_that_a_zone_left_out_is_empty_and_no_mistake(browser: FlaskClient, account: int) -> None:
    with transaction():
        identity.set_time_zone(account, "Pacific/Apia")
    shown = page(browser, "?period=custom&from=2011-12-30&to=2011-12-30")
    assert "Nothing was used" in shown.words


def test_without_days_the_last_thirty_are_offered(browser: FlaskClient, busy: int) -> None:
    shown = page(browser, "?period=custom")

    assert (shown.with_id("from")["value"], shown.with_id("to")["value"]) == ("2026-10-26", "2026-11-24")
    assert shown.every("p", class_="error") == []
