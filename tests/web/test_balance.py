"""The live balance: right at every poll, and nearly free while nothing happens."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, identity, ledger, recharge
from creditapp.db import db, transaction
from creditapp.web.level import level
from tests.asking import statements
from tests.web.seeing import DAY, HOUR, NOON, grant, recharge_at, set_account, signed_up, spend, spend_at
from tests.web.tree import Node, tree

ADDRESS = "/credits/balance"
LIVE = {"HX-Request": "true"}
SECOND = HOUR / 3_600

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


def card(browser: FlaskClient) -> Node:
    """The card as it is now."""
    return tree(browser.get(ADDRESS)).with_id("balance")


def tag(browser: FlaskClient) -> str:
    """What the server calls the card as it is now."""
    return browser.get(ADDRESS).headers["HX-PTag"]


@on_both
def test_the_widget_says_what_is_available_as_a_plain_number(browser: FlaskClient, account: int) -> None:
    grant(account, "12345.5")

    shown = card(browser)

    assert shown["data-credits"] == "12445.5"
    assert "12,445.5 credits available" in shown.words


def test_the_fragment_has_one_root_for_those_who_ask_for_it_plainly(browser: FlaskClient) -> None:
    page = tree(browser.get(ADDRESS))

    assert [node["id"] for node in page.inside if isinstance(node, Node)] == ["balance"]


@on_both
def test_a_poll_without_news_is_answered_304(browser: FlaskClient) -> None:
    first = browser.get(ADDRESS)

    for headers in ({"If-None-Match": first.headers["ETag"]}, {**LIVE, "HX-PTag": first.headers["HX-PTag"]}):
        again = browser.get(ADDRESS, headers=headers)
        assert again.status_code == 304
        assert again.data == b""
        assert again.headers["ETag"] == first.headers["ETag"]


def test_the_card_on_the_page_knows_the_tag_of_its_first_poll(browser: FlaskClient) -> None:
    on_page = tree(browser.get("/credits")).with_id("balance")

    assert on_page["hx-get"] == ADDRESS
    assert on_page["hx-trigger"] == "every 5s"
    assert browser.get(ADDRESS, headers={**LIVE, "HX-PTag": on_page["hx-ptag"]}).status_code == 304


@on_both
def test_a_charge_is_seen_at_the_next_poll(browser: FlaskClient, account: int) -> None:
    before = tag(browser)
    spend(account, 40)

    answer = browser.get(ADDRESS, headers={**LIVE, "HX-PTag": before})

    assert tree(answer).with_id("balance")["data-credits"] == "60"
    assert answer.headers["HX-PTag"] != before


def test_what_comes_and_goes_in_the_same_moment_is_news_all_the_same(browser: FlaskClient, account: int) -> None:
    before = tag(browser)
    spend(account, 40)
    grant(account, 40, transaction_type="bonus")

    assert tag(browser) != before


@pytest.mark.parametrize("change", [{"reserved": Decimal(10)}, {"debt": Decimal(3)}, {"time_zone": "Asia/Kathmandu"}])
def test_the_tag_changes_with_everything_the_card_shows(
    browser: FlaskClient, account: int, change: dict[str, Any]
) -> None:
    before = tag(browser)
    set_account(account, **change)

    assert tag(browser) != before


def test_a_new_day_in_the_accounts_zone_is_news(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="America/New_York")
    with clock.at(NOON + 16 * HOUR):  # 23:00 there
        last_of_the_day = tag(browser)
    with clock.at(NOON + 16.5 * HOUR):
        assert tag(browser) == last_of_the_day
    with clock.at(NOON + 17 * HOUR):
        assert tag(browser) != last_of_the_day


@on_both
def test_a_poll_without_news_is_one_small_read_and_loads_no_person(browser: FlaskClient) -> None:
    known = tag(browser)
    with statements() as asked:
        assert browser.get(ADDRESS, headers={**LIVE, "HX-PTag": known}).status_code == 304

    reads = [statement for statement in asked if statement.strip().startswith("SELECT")]
    assert len(reads) == 1
    assert not any("users" in statement.split() for statement in reads)
    assert not any("IMMEDIATE" in statement or "UPDATE" in statement for statement in asked)


@on_both
def test_what_falls_due_is_news_although_nothing_was_written(browser: FlaskClient, account: int) -> None:
    with transaction():
        ledger.hold(account, Decimal(5), expires_in=HOUR)
        for key, expires_at in (("soon", NOON + 30 * DAY + 2 * HOUR), ("now", NOON + 3 * HOUR)):
            ledger.grant(account, Decimal(30), transaction_type="bonus", key=key, expires_at=expires_at)
    known = tag(browser)
    for hours in (1, 2, 3):  # the hold ends, a lot expires within 30 days, and one expires
        with clock.at(NOON + hours * HOUR - SECOND):
            assert browser.get(ADDRESS, headers={"HX-PTag": known}).status_code == 304
        with clock.at(NOON + hours * HOUR):
            answer = browser.get(ADDRESS, headers={"HX-PTag": known})
            assert answer.status_code == 200
            known = answer.headers["HX-PTag"]


@on_both
def test_a_card_drawn_before_is_not_known_to_a_session_that_has_ended(
    browser: FlaskClient, alice: identity.User
) -> None:
    known = tag(browser)
    with transaction():
        identity.close_sessions(alice)

    assert browser.get(ADDRESS, headers={**LIVE, "HX-PTag": known}).status_code == 401


def test_a_live_poll_brings_the_pill_and_the_banner_and_tells_the_page(browser: FlaskClient, account: int) -> None:
    spend(account, 100)

    answer = browser.get(ADDRESS, headers=LIVE)
    page = tree(answer)

    assert "hx-swap-oob" in page.with_id("pill").attributes
    assert page.with_id("pill").words.startswith("0 available")
    assert "hx-swap-oob" in page.with_id("banner").attributes
    assert "No credits are left" in page.with_id("banner").words
    assert answer.headers["HX-Trigger"] == "balance-changed"


@on_both
def test_once_the_session_has_ended_a_poll_leads_to_the_sign_in_page(browser: FlaskClient) -> None:
    with transaction():
        db.session.execute(db.update(identity.UserSession).values(revoked_at=NOON))

    assert browser.get(ADDRESS).headers["Location"].startswith("/sign-in")
    live = browser.get(ADDRESS, headers=LIVE)
    assert (live.status_code, live.headers["HX-Redirect"]) == (401, "/sign-in")


def test_a_session_older_than_two_weeks_sees_nothing(browser: FlaskClient) -> None:
    with clock.at(NOON + 14 * DAY):
        assert browser.get(ADDRESS).status_code == 303


@pytest.mark.parametrize(
    ("available", "word", "sentence"),
    [
        (1_001, "normal", "Normal"),
        (1_000, "moderate", "Moderate: 1,000 or less"),
        (501, "moderate", "Moderate: 1,000 or less"),
        (500, "warning", "Warning: 500 or less"),
        (251, "warning", "Warning: 500 or less"),
        (250, "critical", "Critical: 250 or less"),
        (1, "critical", "Critical: 250 or less"),
    ],
)
def test_how_much_is_left_is_said_in_words_and_colour(
    browser: FlaskClient, account: int, available: int, word: str, sentence: str
) -> None:
    grant(account, 2_000)
    spend(account, 2_100 - available)

    shown = card(browser)

    assert shown["data-level"] == word
    assert shown.one("span", class_="badge").words == sentence


def test_without_a_threshold_only_nothing_is_critical() -> None:
    assert level(Decimal("0.000001"), Decimal(0), Decimal(0)).word == "normal"
    assert level(Decimal(0), Decimal(0), Decimal(0)).word == "critical"


@pytest.mark.settings(low_balance_threshold=80)
def test_the_sellers_own_threshold_counts(browser: FlaskClient) -> None:
    assert card(browser)["data-level"] == "moderate"
    assert "Low at 80" in card(browser).words


def test_with_nothing_left_it_says_that_charges_are_refused(browser: FlaskClient, account: int) -> None:
    spend(account, 100)

    shown = card(browser)

    assert shown["data-credits"] == "0"
    assert "Critical: nothing left to spend" in shown.words
    assert "New charges are refused until you add credits" in shown.words


def test_debt_is_shown_with_what_it_means(browser: FlaskClient, account: int) -> None:
    spend(account, 100)
    set_account(account, debt=Decimal("35.5"))

    words = card(browser).words

    assert "35.5 debt: the next credits you add repay it first" in words
    assert "until the debt is repaid" in words


def test_reserved_credits_are_not_available(browser: FlaskClient, account: int) -> None:
    set_account(account, reserved=Decimal(30))

    shown = card(browser)

    assert shown["data-credits"] == "70"
    assert "30 held for running work" in shown.words


@on_both
def test_credits_past_their_expiry_are_never_shown_even_before_they_are_booked(
    browser: FlaskClient, account: int
) -> None:
    grant(account, 400, transaction_type="bonus", expires_at=NOON + HOUR)
    assert card(browser)["data-credits"] == "500"
    before = tag(browser)

    with clock.at(NOON + HOUR):
        assert card(browser)["data-credits"] == "100"
        assert tag(browser) != before


@on_both
def test_credits_that_expire_within_30_days_are_told_apart(browser: FlaskClient, account: int) -> None:
    grant(account, 1_000)
    grant(account, 400, transaction_type="bonus", expires_at=NOON + 20 * DAY)

    words = card(browser).words

    assert "1,100 free to spend" in words
    assert "400 expire within 30 days, the first on 14 Dec 2026" in words


@on_both
def test_the_runway_goes_by_complete_days_and_names_the_day(browser: FlaskClient, account: int) -> None:
    with clock.at(NOON - 20 * DAY):
        grant(account, 5_000)
    for ago in range(14, 0, -1):
        spend_at(NOON - ago * DAY, account, 100)
    spend(account, 650)  # today is not over and says nothing

    available = ledger.balance(account).available
    words = card(browser).words

    assert available == 5_000 + 100 - 1_400 - 650
    assert "100 credits a day ≈ 30 days at your pace · until 24 Dec 2026" in words


def test_two_active_days_are_not_history_enough(browser: FlaskClient, account: int) -> None:
    for ago in (3, 2):
        spend_at(NOON - ago * DAY, account, 10)
    spend(account, 1)

    assert "Not enough history yet: 2 of 3 active days" in card(browser).words


def test_a_new_account_has_no_history_and_no_invented_runway(browser: FlaskClient) -> None:
    words = card(browser).words

    assert "Not enough history yet: 0 of 3 active days" in words
    assert "≈" not in words


def test_the_end_of_a_long_runway_is_not_pretended_to_be_known(browser: FlaskClient, account: int) -> None:
    with clock.at(NOON - 20 * DAY):
        grant(account, 1_000_000)
    for ago in (3, 2, 1):
        spend_at(NOON - ago * DAY, account, 1)

    words = card(browser).words

    assert "more than two years" in words
    assert "until" not in words


@on_both
@pytest.mark.usefixtures("shelf")
def test_recharges_to_come_count_and_a_change_of_the_plan_shows_at_the_next_poll(
    browser: FlaskClient, account: int
) -> None:
    with clock.at(NOON - 20 * DAY):
        grant(account, 2_000)
    for ago in range(10, 0, -1):
        spend_at(NOON - ago * DAY, account, 100)
    assert "≈ 11 days at your pace" in card(browser).words
    before = tag(browser)

    recharge_at(account, 500)
    answer = browser.get(ADDRESS, headers={"If-None-Match": f'"{before}"'})

    assert answer.status_code == 200
    assert "Auto-recharge keeps it going next about 30 Nov" in tree(answer).with_id("balance").words

    recharge_at(account, 500, package="starter", monthly_cap_cents=1_000)
    words = card(browser).words
    assert "at your pace, recharges counted · until" in words

    with transaction():
        recharge.switch(account, on=False)
    assert tag(browser) == before
    assert "≈ 11 days at your pace · until 5 Dec 2026" in card(browser).words


@on_both
def test_the_highest_of_90_days_is_what_the_bar_is_measured_by(browser: FlaskClient, account: int) -> None:
    with clock.at(NOON - 55 * DAY):
        grant(account, 7_900)
    spend(account, 6_000)

    assert "Highest in 90 days 8,000" in card(browser).words


def test_another_account_is_never_shown(
    browser: FlaskClient, app: Flask, sign_in: Callable[[FlaskClient, identity.User], None]
) -> None:
    charlie = signed_up(app, "charlie@example.com")
    grant(identity.account_id_of(charlie), 5)
    stranger = app.test_client()
    sign_in(stranger, charlie)

    assert card(stranger)["data-credits"] == "105"
    assert card(browser)["data-credits"] == "100"
    assert tag(stranger) != tag(browser)
