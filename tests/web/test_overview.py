"""The overview: what a person finds out about their credits without asking twice."""

import shlex
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, identity, ledger, recharge
from creditapp.db import transaction
from creditapp.packages import CreditPackage
from tests.web.seeing import DAY, HOUR, NOON, charts, grant, set_account, signed_up, spend, spend_at
from tests.web.tree import Node, tree


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


def overview(browser: FlaskClient) -> Node:
    return tree(browser.get("/credits")).with_id("main")


def banner(browser: FlaskClient) -> Node:
    return overview(browser).with_id("banner")


def table(page: Node, heading: str) -> list[list[str]]:
    """The rows of the table under this heading, foot included, cell by cell."""
    section = next(part for part in page.every("section") if any(h.words == heading for h in part.every("h2")))
    return [
        [cell.words for cell in row.inside if isinstance(cell, Node)]
        for part in section.every("tbody") + section.every("tfoot")
        for row in part.every("tr")
    ]


def test_a_newcomer_is_led_to_the_first_charge(browser: FlaskClient) -> None:
    page = overview(browser)

    assert "Your 100 welcome credits are ready" in page.words
    steps = [step.words for step in page.one("ol", class_="steps").every("li")]
    assert len(steps) == 3
    assert page.one("ol", class_="steps").one("a")["href"] == "/credits/keys"
    assert "curl -X POST http://127.0.0.1:5000/api/credits/consume" in steps[1]
    copied = [button["data-copy"] for button in page.every("button") if "data-copy" in button.attributes]
    assert len(copied) == 1
    assert not charts(page)
    assert [row[0] for row in table(page, "Latest transactions")] == ["Welcome creditsBonus · 29 Sep 2026, 12:00"]


@pytest.mark.settings(app_url="http://credits.example.com:8080")
def test_the_line_to_copy_works_here_as_it_stands(
    browser: FlaskClient, account: int, make_key: Callable[..., str]
) -> None:
    copied = [button["data-copy"] for button in overview(browser).every("button") if "data-copy" in button.attributes]
    line = next(words for words in copied if words.startswith("curl"))
    program, _, method, address, *rest = shlex.split(line.replace("$CREDITS_KEY", make_key(account)))
    headers = dict(rest[place + 1].split(": ", 1) for place, word in enumerate(rest) if word == "-H")

    assert (program, address) == ("curl", "http://credits.example.com:8080/api/credits/consume")
    path = address.removeprefix("http://credits.example.com:8080")
    answer = browser.open(path, method=method, headers=headers, data=rest[rest.index("-d") + 1])
    assert answer.status_code == 201
    assert tree(browser.get("/credits/balance")).with_id("balance")["data-credits"] == "99"


def test_after_the_first_charge_the_steps_make_room_for_usage(browser: FlaskClient, account: int) -> None:
    spend(account, 1)

    activity = tree(browser.get("/credits/activity")).with_id("activity")

    assert activity["hx-trigger"] == "balance-changed from:body"
    assert not activity.every("ol", class_="steps")
    assert charts(activity)
    assert table(activity, "By operation")[0] == ["Basic API call", "1", "100 %"]


def test_usage_is_the_same_in_the_chart_in_the_table_and_in_the_ledger(browser: FlaskClient, account: int) -> None:
    with clock.at(NOON - 20 * DAY):
        grant(account, 5_000)
    for ago, amount, operation in ((15, 999, "ai_analysis"), (13, 25, "ai_analysis"), (2, 40, "image_processing")):
        spend_at(NOON - ago * DAY, account, amount, operation)
    spend(account, "10.5", "nightly import")
    spend(account, 3, None)

    page = overview(browser)

    rows = table(page, "By operation")
    assert rows == [
        ["Image processing", "40", "51 %"],
        ["AI analysis", "25", "32 %"],
        ["nightly import", "10.5", "13 %"],
        ["Other", "3", "4 %"],
        ["All", "78.5", "100 %"],
    ]
    [chart] = charts(page)
    assert len(chart["totals"]) == 14
    assert sum(Decimal(amount) for amount in chart["totals"]) == Decimal("78.5")
    assert [one["name"] for one in chart["series"]] == [row[0] for row in rows[:-1]]
    assert "Today so far: 13.5 credits" in page.words
    assert "78.5 in all" in page.one("div", class_="plot")["aria-label"]


def test_days_are_the_accounts_own_and_the_zone_is_named(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="Asia/Kathmandu")
    midnight = datetime(2026, 11, 23, 18, 15, tzinfo=UTC)  # of the 24th, in Kathmandu
    spend_at(midnight - timedelta(seconds=1), account, 4)
    spend_at(midnight, account, 7)

    page = overview(browser)

    [chart] = charts(page)
    assert (chart["names"][-2:], chart["totals"][-2:]) == (["23 Nov", "24 Nov"], ["4", "7"])
    assert "Days in Asia/Kathmandu. Today so far: 7 credits" in page.words
    assert "24 Nov 2026, 00:00" in page.words


def test_an_account_that_rests_sees_no_empty_chart(browser: FlaskClient, account: int) -> None:
    spend_at(NOON - 30 * DAY, account, 5)

    page = overview(browser)

    assert not charts(page)
    assert "Nothing was used in these days" in page.words


def test_how_auto_recharge_stands_is_said_in_a_sentence(
    browser: FlaskClient, account: int, shelf: dict[str, CreditPackage]
) -> None:
    assert "Auto-recharge: Off" in overview(browser).words
    with transaction():
        recharge.switch(account, on=True)

    section = next(part for part in overview(browser).every("section") if "Auto-recharge" in part.words)
    assert "Auto-recharge: No card yet" in section.words
    assert "Nothing will be bought until you save one." in section.words
    assert "This month: $0.00 of $" in section.words
    assert section.one("a")["href"] == "/credits/settings/auto_recharge"


def test_the_ten_latest_are_shown_newest_first(browser: FlaskClient, account: int) -> None:
    for number in range(12):
        spend(account, 1, description=f"call {number}")

    rows = table(overview(browser), "Latest transactions")

    assert [row[0].split("Usage")[0] for row in rows] == [f"call {number}" for number in range(11, 1, -1)]
    assert rows[0][3:] == ["−1", "88"]


def test_buying_is_always_one_click_away(browser: FlaskClient) -> None:
    buy = overview(browser).one("a", class_="btn-primary")

    assert (buy.words, buy["href"]) == ("Buy credits", "/credits/packages")


@pytest.mark.usefixtures("shelf")
def test_the_package_on_offer_fits_the_accounts_own_usage(browser: FlaskClient, account: int) -> None:
    with clock.at(NOON - 20 * DAY):
        grant(account, 5_000)
    for ago in range(10, 0, -1):
        spend_at(NOON - ago * DAY, account, 200)

    page = overview(browser)

    form = page.one("form", action="/credits/purchase")
    assert form.one("button").words == "Buy 5,000 for $40.00"
    assert form.one("input", name="package")["value"] == "professional"
    assert "Professional, about 4 weeks at your pace" in page.words


@pytest.mark.usefixtures("shelf")
def test_in_debt_the_offer_says_what_will_be_left(browser: FlaskClient, account: int) -> None:
    spend(account, 100)
    set_account(account, debt=Decimal(35))

    assert "After your debt of 35 you would have 965 available" in overview(browser).words


def test_an_account_with_enough_has_no_banner(browser: FlaskClient, account: int) -> None:
    grant(account, 5_000)
    spend(account, 1)

    assert banner(browser).words == ""


def test_a_newcomer_is_welcomed_not_warned(browser: FlaskClient) -> None:
    assert banner(browser).words == ""


def test_the_most_urgent_banner_is_the_only_one(browser: FlaskClient, account: int) -> None:
    grant(account, 900, transaction_type="bonus", expires_at=NOON + 3 * DAY)
    spend(account, 1)
    assert banner(browser).words.startswith("899 credits expire in 3 days")

    spend(account, 600)
    assert banner(browser).words.startswith("399 credits left")

    spend(account, 399)
    assert banner(browser).words.startswith("No credits are left")

    set_account(account, debt=Decimal(35))
    assert banner(browser).words.startswith("You owe 35 credits")


def test_every_banner_has_one_action(browser: FlaskClient, account: int) -> None:
    spend(account, 60)
    assert [link["href"] for link in banner(browser).every("a")] == ["/credits/packages"]


def test_expiring_credits_are_announced_a_week_before_and_lead_to_where_they_came_from(
    browser: FlaskClient, account: int
) -> None:
    lot = grant(account, 900, transaction_type="bonus", expires_at=NOON + 8 * DAY).id
    assert banner(browser).words == ""

    with clock.at(NOON + DAY):
        shown = banner(browser)
        assert shown.words.startswith("900 credits expire in 7 days")
        assert shown.one("a")["href"] == f"/credits/{lot}"
    with clock.at(NOON + 7 * DAY + HOUR):
        assert banner(browser).words.startswith("900 credits expire tomorrow")
    with clock.at(NOON + 8 * DAY - HOUR):
        assert banner(browser).words.startswith("900 credits expire today")
    with clock.at(NOON + 8 * DAY):
        assert "expire" not in banner(browser).words


def test_the_pill_and_the_card_say_the_same(browser: FlaskClient, account: int) -> None:
    grant(account, 4_703)
    page = tree(browser.get("/credits"))

    assert page.with_id("pill").one("b").words == page.with_id("balance").one("span", class_="hero").words == "4,803"
    assert ledger.balance(account).available == 4_803
