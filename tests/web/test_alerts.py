"""Alerts on their page: what stands, seen and put away; what one is told, as sentences; one banner by urgency."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from creditapp import alerts, clock, identity, ledger, watching
from creditapp.db import db, transaction
from creditapp.web import banner as banners
from creditapp.web.level import level
from tests.alerts.living import charges, told, tops_up
from tests.browsing import csrf_token
from tests.letters.test_letters import files
from tests.web.seeing import DAY, HOUR, NOON, grant, set_account, signed_up, spend_at
from tests.web.tree import Node, tree

PAGE = "/credits/alerts"
LIVE = {"HX-Request": "true"}


@pytest.fixture
def alice(app: Flask) -> identity.User:
    person = signed_up(app, "alice@example.com")
    with transaction():
        alerts.begin(identity.account_id_of(person))
    return person


@pytest.fixture
def browser(
    client: FlaskClient, alice: identity.User, sign_in: Callable[[FlaskClient, identity.User], None]
) -> Iterator[FlaskClient]:
    with clock.at(NOON):
        sign_in(client, alice)
        yield client


def main(answer: TestResponse, status: int = 200) -> Node:
    return tree(answer, status).with_id("main")


def submits(browser: FlaskClient, address: str, headers: dict[str, str] | None = None, **fields: str) -> TestResponse:
    token = csrf_token(browser.get("/credits/settings"))
    return browser.post(address, data={**fields, "csrf_token": token}, headers=headers)


def runs_low(account: int) -> int:
    """Down to 400; the alert's id."""
    tops_up(account, 1_000)
    charges(account, 700)
    return alerts.page(account, 1)[0].id


def rule(account: int, kind: str) -> alerts.AlertRule:
    db.session.rollback()
    return next(one for one in alerts.rules_of(account) if one.kind == kind)


def standing(alert_type: str, *, open: bool = True, **details: Any) -> alerts.Standing:
    return alerts.Standing(1, alert_type, open, details)


def situation(account: int, *found: alerts.Standing, **changed: Any) -> banners.Situation:
    balance = ledger.balance(account)
    usual = {
        "balance": balance,
        "level": level(balance.available, balance.debt, Decimal(500)),
        "threshold": Decimal(500),
        "lasts_days": 3,
        "expiring": None,
        "standing": found,
        "zone": ZoneInfo("UTC"),
    }
    return banners.Situation(**{**usual, **changed})


def test_without_any_alert_the_page_says_what_will_stand_there(browser: FlaskClient) -> None:
    page = main(browser.get(PAGE))
    assert "Nothing to tell" in page.words
    assert not page.every("li", class_="notice")


def test_an_alert_stands_with_its_number_its_reason_and_the_accounts_own_time(
    browser: FlaskClient, account: int
) -> None:
    set_account(account, time_zone="Asia/Kathmandu")
    runs_low(account)

    [alert] = main(browser.get(PAGE)).every("li", class_="notice")

    assert "400 credits left" in alert.words
    assert "The alert is set to 500 or below." in alert.words
    assert "24 Nov 2026, 17:45" in alert.words
    assert [link["href"] for link in alert.every("a")] == ["/credits/packages"]


def test_the_navigation_counts_what_nobody_has_seen(browser: FlaskClient, account: int) -> None:
    assert tree(browser.get("/credits")).with_id("alert-count").words == ""
    alert_id = runs_low(account)
    assert tree(browser.get("/credits/packages")).with_id("alert-count").words == "1 open"
    live = tree(browser.get("/credits/balance", headers=LIVE))
    assert live.with_id("alert-count").words == "1 open"

    submits(browser, f"{PAGE}/{alert_id}/acknowledge")
    assert tree(browser.get("/credits")).with_id("alert-count").words == ""


def test_an_alert_is_acknowledged_and_then_dismissed_without_script(browser: FlaskClient, account: int) -> None:
    alert_id = runs_low(account)
    answer = submits(browser, f"{PAGE}/{alert_id}/acknowledge")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#alert-{alert_id}")
    shown = main(browser.get(PAGE)).with_id(f"alert-{alert_id}")
    assert "Seen" in shown.words
    assert [form["action"].rpartition("/")[2] for form in shown.every("form")] == ["dismiss"]

    submits(browser, f"{PAGE}/{alert_id}/dismiss")
    shown = main(browser.get(PAGE)).with_id(f"alert-{alert_id}")
    assert "Dismissed" in shown.words
    assert not shown.every("form")
    assert told(account) == [("low_balance", "dismissed")]


def test_with_script_the_alert_alone_is_swapped_and_the_count_with_it(browser: FlaskClient, account: int) -> None:
    alert_id = runs_low(account)
    page = tree(submits(browser, f"{PAGE}/{alert_id}/acknowledge", LIVE))

    assert not page.has_id("main")
    assert "Seen" in page.with_id(f"alert-{alert_id}").words
    assert "hx-swap-oob" in page.with_id("alert-count").attributes
    [button] = page.every("button")
    assert "autofocus" in button.attributes  # where the keyboard goes on


def test_a_top_up_ends_it_on_the_page(browser: FlaskClient, account: int) -> None:
    runs_low(account)
    tops_up(account, 1_000)
    [alert] = main(browser.get(PAGE)).every("li", class_="notice")
    assert "over since 24 Nov 2026, 12:00" in alert.words
    assert "Over" in alert.words


def test_older_alerts_stand_on_the_next_page(browser: FlaskClient, account: int) -> None:
    runs_low(account)
    for _ in range(27):
        tops_up(account, 1_000)
        charges(account, 1_000)
    assert len(told(account)) == 28
    page = main(browser.get(PAGE))
    assert len(page.every("li", class_="notice")) == 25
    older = main(browser.get(next(link["href"] for link in page.every("a") if "Older" in link.words)))
    assert len(older.every("li", class_="notice")) == 3


def test_the_rules_are_sentences_with_their_numbers(browser: FlaskClient) -> None:
    sentences = [form["aria-label"] for form in main(browser.get(PAGE)).with_id("rules").every("form")]
    assert sentences[0] == "Tell me when available credits fall to 500 or below"
    assert "Tell me when available credits fall to 20 % of what came in last, or below" in sentences
    assert "Tell me when credits expire within 7 days" in sentences
    assert "Tell me when no credits are left, or too few for a charge" in sentences


def test_a_rule_is_changed_and_holds(browser: FlaskClient, account: int) -> None:
    number = rule(account, "balance").id
    answer = submits(browser, f"{PAGE}/rules/{number}", enabled="on", threshold="1,200")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#rule-{number}")
    changed = rule(account, "balance")
    assert (changed.threshold, changed.enabled, changed.mail) == (1_200, True, False)

    tops_up(account, 2_000)
    charges(account, 1_000)
    assert told(account) == [("low_balance", "active")]
    submits(browser, f"{PAGE}/rules/{number}", mail="on", threshold="1200")
    assert not rule(account, "balance").enabled
    assert told(account) == [("low_balance", "resolved")]


@pytest.mark.parametrize(
    ("kind", "number", "complaint"),
    [
        ("balance", "many", "Enter a number."),
        ("balance", "0", "Enter a number from 1 to 1,000,000,000."),
        ("balance", "1e99999", "Enter a number."),
        ("balance", "9" * 900, "Enter a number."),
        ("share", "12.5", "Enter a whole number from 1 to 99."),
        ("runway", "400", "Enter a whole number from 1 to 365."),
        ("cap", "", "Enter a number."),
    ],
)
def test_a_number_that_can_not_be_is_said_beside_its_field_and_kept(
    browser: FlaskClient, account: int, kind: str, number: str, complaint: str
) -> None:
    before = rule(account, kind)
    answer = submits(browser, f"{PAGE}/rules/{before.id}", enabled="on", threshold=number)

    form = main(answer, 422).with_id(f"rule-{before.id}")
    assert form.one("p", class_="error").words == complaint
    assert form.one("input", name="threshold").attributes.get("value", "") == number
    assert form.one("input", name="threshold")["aria-describedby"] == f"rule-{before.id}-number-error"
    assert "checked" not in form.one("input", name="mail").attributes  # as it was sent
    assert rule(account, kind).threshold == before.threshold


def test_what_is_about_debt_and_failed_recharges_can_not_be_switched_off(browser: FlaskClient, account: int) -> None:
    number = rule(account, "debt").id
    submits(browser, f"{PAGE}/rules/{number}", mail="on")
    assert rule(account, "debt").enabled


def test_a_key_gets_a_number_of_its_own_and_loses_it_again(
    browser: FlaskClient, account: int, make_key: Callable[..., str]
) -> None:
    make_key(account)
    [key] = identity.keys_of(account)
    refused = submits(browser, f"{PAGE}/rules", api_key_id=str(key.id), threshold="lots")
    assert "Enter a number." in main(refused, 422).words
    assert main(refused, 422).with_id("threshold")["value"] == "lots"
    assert (
        "Choose one of your keys." in main(submits(browser, f"{PAGE}/rules", api_key_id="9", threshold="5"), 422).words
    )

    assert submits(browser, f"{PAGE}/rules", api_key_id=str(key.id), threshold="50").status_code == 303
    added = next(one for one in alerts.rules_of(account) if one.api_key_id == key.id)
    assert (
        "more is used in a day than 50 credits by the key tests"
        in main(browser.get(PAGE)).with_id(f"rule-{added.id}").one("form")["aria-label"]
    )
    assert submits(browser, f"{PAGE}/rules/{added.id}/remove").status_code == 303
    assert all(one.api_key_id is None for one in alerts.rules_of(account))
    assert submits(browser, f"{PAGE}/rules/{rule(account, 'balance').id}/remove").status_code == 404


@pytest.mark.parametrize("kind", alerts.KINDS)
def test_a_test_letter_really_goes_and_says_that_it_is_one(
    browser: FlaskClient, account: int, run_jobs: Callable[[], None], kind: str
) -> None:
    answer = submits(browser, f"{PAGE}/rules/{rule(account, kind).id}/test")
    assert answer.status_code == 303
    run_jobs()

    [file] = files()
    words = file.read_text()
    assert "Subject: [Test] " in words
    assert "This is a test, as you asked for" in words
    assert told(account) == []


def test_what_is_always_mailed_stays_so_whatever_is_posted(browser: FlaskClient, account: int) -> None:
    for kind in ("recharge_failed", "debt"):
        assert submits(browser, f"{PAGE}/rules/{rule(account, kind).id}").status_code == 303
        assert (rule(account, kind).enabled, rule(account, kind).mail) == (True, True)


def test_test_letters_are_throttled(browser: FlaskClient, account: int) -> None:
    number = rule(account, "balance").id
    answers = [submits(browser, f"{PAGE}/rules/{number}/test") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [303] * 6 + [429]
    assert "Those were many test letters." in main(answers[-1], 429).words
    assert int(answers[-1].headers["Retry-After"]) > 0


def test_an_account_from_before_gets_its_rules_when_somebody_looks(
    app: Flask, charlie: identity.User, browser_of: Callable[[identity.User], FlaskClient]
) -> None:
    assert not alerts.has_rules(identity.account_id_of(charlie))
    assert main(browser_of(charlie).get(PAGE)).with_id("rules").every("form")


def test_who_signs_up_has_rules_at_once(client: FlaskClient) -> None:
    fields = {"email": "dora@example.com", "password": "four plain words together"}
    client.post("/sign-up", data={**fields, "csrf_token": csrf_token(client.get("/sign-up"))})
    assert alerts.has_rules(identity.account_named("dora@example.com"))


def test_the_most_urgent_of_everything_is_the_only_banner(account: int) -> None:
    candidates = [banners.Banner(kind, kind, "", "", "") for kind in reversed(banners.URGENCY)]
    while candidates:
        first = banners.most_urgent(candidates)
        assert first is not None
        assert first.kind == min((one.kind for one in candidates), key=banners.URGENCY.index)
        candidates.remove(first)
    assert banners.most_urgent([]) is None


def test_banners_stand_in_the_order_of_urgency(account: int) -> None:
    spend_at(NOON, account, 10)
    asks = standing("auto_recharge_failed", why="needs_customer", reason="The bank asks.")
    off = standing("auto_recharge_failed", why="declined", reason="Insufficient funds.")
    cap = standing(
        "recharge_cap", spent_cents=16_000, cap_cents=20_000, currency="usd", again_on="2026-12-01", reached=False
    )
    expiring = banners.Expiring(Decimal(90), 1, NOON + DAY, 1)
    plenty = level(Decimal(9_000), Decimal(0), Decimal(500))

    def kind(*found: alerts.Standing, **changed: Any) -> str | None:
        banner = banners.banner_of(situation(account, *found, **changed))
        return banner.kind if banner else None

    assert kind(cap, off, asks, expiring=expiring) == "needs_customer"
    assert kind(cap, off, expiring=expiring) == "declined"
    assert kind(cap, expiring=expiring) == "low"
    assert kind(cap, expiring=expiring, level=plenty) == "expiring"
    assert kind(cap, level=plenty) == "cap"
    assert kind(level=plenty) is None
    set_account(account, debt=Decimal(3))
    assert kind(cap, expiring=expiring) == "debt"
    assert kind(off) == "declined"


def test_a_refused_charge_is_said_while_it_would_be_refused_again(account: int) -> None:
    facts = {"available": "88", "needed": "200", "reserved": "0", "number": 3}
    spend_at(NOON, account, 10)
    plenty = level(Decimal(9_000), Decimal(0), Decimal(50))
    banner = banners.banner_of(situation(account, standing("zero_balance", **facts), level=plenty))
    assert banner is not None
    assert (banner.kind, banner.heading) == ("run_out", "90 credits left: a charge was refused")

    seen = standing("zero_balance", open=False, **facts)
    fits = standing("zero_balance", **facts | {"needed": "90"})
    assert banners.banner_of(situation(account, seen, fits, level=plenty)) is None


@pytest.mark.parametrize(("alert_type", "kind"), [("low_balance", "low"), ("credits_expiring", "expiring")])
def test_what_somebody_has_seen_is_not_said_by_a_banner_again(account: int, alert_type: str, kind: str) -> None:
    spend_at(NOON, account, 10)
    changed: dict[str, Any] = {}
    if kind == "expiring":
        changed = {
            "expiring": banners.Expiring(Decimal(90), 1, NOON + DAY, 1),
            "level": level(Decimal(9_000), Decimal(0), Decimal(500)),
        }
    open_one = banners.banner_of(situation(account, standing(alert_type), **changed))
    assert open_one is not None
    assert open_one.kind == kind
    assert banners.banner_of(situation(account, standing(alert_type, open=False), **changed)) is None


def test_the_banner_goes_when_its_alert_is_acknowledged_and_the_poll_tells(browser: FlaskClient, account: int) -> None:
    alert_id = runs_low(account)
    shown = tree(browser.get("/credits"))
    assert "400 credits left" in shown.with_id("banner").words
    tag = shown.with_id("balance")["hx-ptag"]
    assert browser.get("/credits/balance", headers={**LIVE, "HX-PTag": tag}).status_code == 304

    submits(browser, f"{PAGE}/{alert_id}/acknowledge")

    answer = browser.get("/credits/balance", headers={**LIVE, "HX-PTag": tag})
    assert tree(answer).with_id("banner").words == ""


def test_debt_and_nothing_left_are_said_until_they_are_over(browser: FlaskClient, account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 1_100)
    [alert] = alerts.page(account, 9)
    submits(browser, f"{PAGE}/{alert.id}/dismiss")
    assert "No credits are left" in tree(browser.get("/credits")).with_id("banner").words


def test_the_operator_sees_unusual_use_and_nobody_else_the_page(
    browser: FlaskClient, account: int, bob: identity.User, browser_of: Callable[[identity.User], FlaskClient]
) -> None:
    with clock.at(NOON - 20 * DAY):
        grant(account, 100_000)
    for ago in range(10, 0, -1):
        spend_at(NOON - ago * DAY, account, 200)
    spend_at(NOON, account, 2_000)
    watching.watch(account)

    assert browser.get("/operator/alerts").status_code == 404
    page = main(browser_of(bob).get("/operator/alerts"))
    [row] = page.every("li", class_="notice")
    assert "2,000 credits used on 24 Nov 2026" in row.words
    assert "10 times the 200 of a usual day" in row.words
    assert "alice@example.com" in row.words
    assert [link["href"] for link in row.every("a")] == ["mailto:alice@example.com"]


def test_the_operators_page_is_empty_when_nothing_is_unusual(
    bob: identity.User, browser_of: Callable[[identity.User], FlaskClient]
) -> None:
    operator = browser_of(bob)
    assert "Nothing unusual" in main(operator.get("/operator/alerts")).words
    assert "/operator/alerts" in [link["href"] for link in main(operator.get("/operator/")).every("a")]


def test_times_are_the_accounts_own_whatever_the_zone(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="Pacific/Kiritimati")
    with clock.at(datetime(2026, 11, 24, 10, 30, tzinfo=UTC)):
        runs_low(account)
    with clock.at(NOON + HOUR):
        assert "25 Nov 2026, 00:30" in main(browser.get(PAGE)).words
