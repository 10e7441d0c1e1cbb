"""The letters of alerts: the number, the reason, one button, a way to stop them; once, and sent later where it must."""

import email
import email.policy
import html
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import alerts, clock, jobs, ledger, letters, schedule
from creditapp.alerts.words import words_of
from creditapp.db import db, transaction
from creditapp.letters import Letter
from creditapp.wiring import settings
from tests.alerts.living import charges, told, tops_up
from tests.letters.test_letters import PostOffice, post_office
from tests.web.tree import tree

__all__ = ["post_office"]

HOME = "http://127.0.0.1:5000"
HOUR = timedelta(hours=1)
# By alert: its facts, what is said, and where its button leads.
KINDS: dict[str, tuple[str, dict[str, Any], list[str], str]] = {
    "low": (
        "low_balance",
        {"available": "487", "level": "500"},
        ["487 credits left", "The alert is set to 500 or below.", "At 0 new charges are refused.", "more than 550"],
        "/credits/packages",
    ),
    "low by share": (
        "low_balance",
        {"available": "1", "level": "1000", "share": "20", "last_in": "5000", "bought": True},
        ["1 credit left", "at or below 20 % of the 5,000 credits you bought last", "more than 1,100"],
        "/credits/packages",
    ),
    "nothing left": (
        "zero_balance",
        {"reserved": "240", "rearms_above": "500"},
        ["0 credits left", "240 are held for running work, which goes on.", "New charges are refused until you add"],
        "/credits/packages",
    ),
    "a charge refused": (
        "zero_balance",
        {"available": "12", "needed": "40", "reserved": "5", "number": 3},
        ["12 credits left: a charge was refused", "It needed 40.", "5 are held for running work", "credits came in"],
        "/credits/packages",
    ),
    "debt": (
        "debt",
        {"debt": "1150.5"},
        ["1,150.5 credits owed", "The next credits you add repay them first."],
        "/credits/packages",
    ),
    "runway": (
        "runway",
        {"days": "6.4", "until": "2026-12-01", "available": "1204", "threshold": "7"},
        ["6.4 days left at your pace", "1,204 credits last until 1 Dec 2026", "7 days or fewer"],
        "/credits/packages",
    ),
    "credits expiring": (
        "credits_expiring",
        {"credits": "120", "on": "2026-12-02", "days": 7, "threshold": "7", "transaction_id": 9},
        ["120 credits expire in 7 days", "What is left of them on 2 Dec 2026 lapses."],
        "/credits/9",
    ),
    "spike": (
        "high_usage",
        {"used": "901", "on": "2026-11-24", "usual": "200", "times": "4.5", "known": "14", "threshold": "3",
         "level": "600", "mostly": "nightly-import"},
        ["901 credits used on 24 Nov 2026", "4.5 times the 200 of a usual day", "median of the last 14 days",
         "Most of it by the key nightly-import."],
        "/credits/usage?period=last_24_hours&by=key",
    ),
    "daily spend of a key": (
        "high_usage",
        {"used": "2104", "on": "2026-11-24", "threshold": "2000", "level": "2000", "key": "nightly-import"},
        ["2,104 credits used on 24 Nov 2026 by the key nightly-import", "more than 2,000 a day"],
        "/credits/usage?period=last_24_hours&by=key",
    ),
    "monthly limit at 80 %": (
        "recharge_cap",
        {"spent_cents": 16_000, "cap_cents": 20_000, "currency": "usd", "again_on": "2026-12-01", "reached": False},
        ["$160.00 of your monthly limit of $200.00 are spent", "nothing more is recharged until 1 Dec 2026"],
        "/credits/settings/auto_recharge",
    ),
    "monthly limit reached": (
        "recharge_cap",
        {"spent_cents": 18_000, "cap_cents": 20_000, "currency": "usd", "again_on": "2026-12-01", "reached": True},
        ["$180.00", "The next recharge would pass it.", "unless you raise the limit"],
        "/credits/settings/auto_recharge",
    ),
    "no card to recharge with": (
        "auto_recharge_failed",
        {"why": "no_card", "reason": "No card is saved yet."},
        ["Auto-recharge needs a card", "Credits fell to your threshold, and none were bought.", "Save a card"],
        "/credits/settings/auto_recharge",
    ),
    "recharges too small": (
        "auto_recharge_failed",
        {"why": "not_enough", "reason": "After a recharge no more than 500 credits were available still."},
        ["Auto-recharge can't keep up", "no more than 500 credits", "Choose a larger package"],
        "/credits/settings/auto_recharge",
    ),
}  # fmt: skip


def sent() -> list[EmailMessage]:
    """The letters of alerts that went, oldest first."""
    files = sorted((settings().data / "mail").glob("*-alert.eml"))
    return [_read(file) for file in files]


def _read(file: Path) -> EmailMessage:
    return email.message_from_bytes(file.read_bytes(), policy=email.policy.default)


def parts(message: EmailMessage) -> tuple[str, str]:
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert page is not None
    return plain.get_content(), page.get_content()


def runs_low(account: int) -> None:
    tops_up(account, 1_000)
    charges(account, 700)


def post_due() -> None:
    """What the clock does with letters that no worker took."""
    with clock.at(clock.now() + timedelta(seconds=4)):
        schedule.send_letters()


def state_of_letter() -> tuple[str, int]:
    db.session.rollback()
    letter = db.session.scalars(select(Letter).where(Letter.kind == alerts.LETTER_KIND)).one()
    return letter.state, letter.attempts


@pytest.mark.parametrize(("alert_type", "facts", "says", "leads_to"), KINDS.values(), ids=KINDS)
def test_an_alert_says_its_number_and_its_reason_and_has_one_button_and_a_way_to_stop_it(
    account: int, run_jobs: Callable[[], None], alert_type: str, facts: dict[str, Any], says: list[str], leads_to: str
) -> None:
    with transaction():
        alerts.write_letter(account, alert_type, facts, key="news")
    run_jobs()
    [message] = sent()
    text, page = parts(message)

    words = " ".join(html.unescape(re.sub(r"<[^>]*>", "", page)).split())
    for part in says:
        assert part in words
        assert part in " ".join(text.split())
    assert str(message["Subject"]) == words_of(alert_type, facts).heading
    button, *others = [html.unescape(address) for address in re.findall(r'href="([^"]*)"', page)]
    assert button == HOME + leads_to
    assert button in text
    if alert_type not in alerts.STOPPABLE:
        assert others == []
        assert message["List-Unsubscribe"] is None
    else:
        [stop] = others
        assert stop.startswith(f"{HOME}/unsubscribe?letters=")
        assert stop in text
        assert message["List-Unsubscribe"] == f"<{stop}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_every_type_of_alert_has_a_letter() -> None:
    assert {alert_type for alert_type, *_ in KINDS.values()} == set(alerts.ALERT_TYPES)


def test_the_name_of_a_key_can_not_smuggle_markup(account: int, run_jobs: Callable[[], None]) -> None:
    facts = {**KINDS["daily spend of a key"][1], "key": '<a href="https://evil.example">'}
    with transaction():
        alerts.write_letter(account, "high_usage", facts, key="news")
    run_jobs()
    assert '<a href="https://evil' not in parts(sent()[0])[1]


@pytest.mark.both_databases
def test_an_alert_is_mailed_to_its_owner_once_and_says_so(account: int, run_jobs: Callable[[], None]) -> None:
    runs_low(account)
    charges(account, 10)
    run_jobs()

    [message] = sent()
    assert message["To"] == "alice@example.com"
    assert str(message["Subject"]) == "400 credits left"
    [alert] = alerts.page(account, 9)
    assert alert.email_sent
    assert alert.email_sent_at is not None


@pytest.mark.both_databases
def test_a_second_crossing_within_the_hour_is_told_when_the_hour_is_over(
    account: int, run_jobs: Callable[[], None]
) -> None:
    runs_low(account)
    run_jobs()
    began = clock.now()
    for minutes, letters_so_far in ((20, 1), (40, 1), (59, 1), (61, 2), (90, 2)):
        with clock.at(began + timedelta(minutes=minutes)):
            if minutes in (20, 40):
                tops_up(account, 1_000)
                charges(account, 1_000)
            run_jobs()
            assert len(sent()) == letters_so_far, minutes

    assert told(account) == [("low_balance", "resolved"), ("low_balance", "resolved"), ("low_balance", "active")]
    assert [alert.email_sent for alert in alerts.page(account, 9)] == [True, False, True]


def test_what_is_over_before_its_letter_had_its_turn_is_not_told_any_more(
    account: int, run_jobs: Callable[[], None]
) -> None:
    runs_low(account)
    run_jobs()
    began = clock.now()
    with clock.at(began + timedelta(minutes=20)):
        tops_up(account, 1_000)
        charges(account, 1_000)
    with clock.at(began + timedelta(minutes=30)):
        tops_up(account, 1_000)
    with clock.at(began + timedelta(minutes=61)):
        run_jobs()

    assert len(sent()) == 1
    assert told(account) == [("low_balance", "resolved"), ("low_balance", "resolved")]


def test_while_the_mail_server_is_down_the_alert_stands_and_its_letter_goes_later_once(
    app: Flask, account: int, post_office: tuple[PostOffice, str]
) -> None:
    office, address = post_office
    app.extensions["settings"] = settings().model_copy(update={"mail_url": "smtp://127.0.0.1:1"})
    runs_low(account)
    post_due()
    assert told(account) == [("low_balance", "active")]
    assert state_of_letter() == ("queued", 1)
    assert not alerts.page(account, 1)[0].email_sent

    app.extensions["settings"] = settings().model_copy(update={"mail_url": address})
    with clock.at(clock.now() + timedelta(minutes=2)):
        post_due()
        post_due()
        schedule.consider_alerts()
        post_due()
    assert [str(message["Subject"]) for message in office.received] == ["400 credits left"]
    assert state_of_letter() == ("sent", 2)
    assert alerts.page(account, 1)[0].email_sent


def test_a_letter_that_the_server_refuses_goes_later_once(
    app: Flask, account: int, post_office: tuple[PostOffice, str]
) -> None:
    office, address = post_office
    app.extensions["settings"] = settings().model_copy(update={"mail_url": address})
    office.refuses = True
    runs_low(account)
    post_due()
    assert state_of_letter() == ("queued", 1)

    office.refuses = False
    with clock.at(clock.now() + timedelta(minutes=2)):
        post_due()
        jobs.send_letter(db.session.scalars(select(Letter.id)).one())
    assert len(office.received) == 1


def test_without_letters_wanted_the_inbox_tells_alone(account: int, run_jobs: Callable[[], None]) -> None:
    tops_up(account, 1_000)
    with transaction():
        ledger.lock(account)
        low = next(rule for rule in alerts.rules_of(account) if rule.kind == "balance")
        alerts.save(account, low.id, enabled=True, mail=False, threshold=None)
    charges(account, 700)
    run_jobs()
    assert sent() == []
    assert told(account) == [("low_balance", "active")]


def test_an_account_without_an_owner_is_charged_all_the_same(app: Flask) -> None:
    with transaction():
        orphan = ledger.open_account(welcome=600).id
        alerts.begin(orphan)
    charges(orphan, 200)
    assert told(orphan) == [("low_balance", "active")]


def link_of(account: int, run_jobs: Callable[[], None]) -> str:
    """The link that stops letters, as it stands in the letter's header."""
    runs_low(account)
    run_jobs()
    return str(sent()[0]["List-Unsubscribe"]).strip("<>").removeprefix(HOME)


def test_looking_at_the_link_stops_nothing(account: int, client: FlaskClient, run_jobs: Callable[[], None]) -> None:
    page = tree(client.get(link_of(account, run_jobs)))
    assert "No more letters about “Low balance”?" in page.words
    assert {rule.mail for rule in alerts.rules_of(account) if rule.kind in {"balance", "share"}} == {True}


def test_the_button_of_a_mail_program_stops_letters_of_this_type_alone(
    account: int, client: FlaskClient, run_jobs: Callable[[], None]
) -> None:
    answer = client.post(link_of(account, run_jobs), data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200

    stopped = {rule.kind for rule in alerts.rules_of(account) if not rule.mail and rule.enabled}
    assert stopped == {"balance", "share", "expiring", "cap"}  # the last two have one each that begins without
    with clock.at(clock.now() + 2 * HOUR):
        tops_up(account, 1_000)
        charges(account, 1_400)  # to nothing: another type
        run_jobs()
    assert [str(message["Subject"]) for message in sent()] == ["400 credits left", "0 credits left"]


def test_the_button_of_the_page_stops_them_too(account: int, client: FlaskClient, run_jobs: Callable[[], None]) -> None:
    link = link_of(account, run_jobs)
    form = tree(client.get(link)).one("form", action="/unsubscribe")
    fields = {field["name"]: field["value"] for field in form.every("input")}
    assert "No more letters about “Low balance”" in tree(client.post("/unsubscribe", data=fields)).words
    assert {rule.mail for rule in alerts.rules_of(account) if rule.kind == "balance"} == {False}


@pytest.mark.parametrize("token", ["", "made-up", "WzEsImxvd19iYWxhbmNlIl0.c2lnbmVk", "x" * 5_000])
def test_a_link_that_is_not_ours_stops_nothing(client: FlaskClient, account: int, token: str) -> None:
    for answer in (
        client.get("/unsubscribe", query_string={"letters": token}),
        client.post(f"/unsubscribe?letters={token}"),
    ):
        assert "This link is not whole" in tree(answer, 404).words


def test_letters_about_debt_and_about_money_can_not_be_stopped(app: Flask, account: int) -> None:
    key = settings().secret_key
    assert alerts.stop_token(key, account, "debt") is None
    assert alerts.stop_token(key, account, "auto_recharge_failed") is None
    assert alerts.stop_token(key, account, "low_balance") is not None
    envelope = letters.Envelope(1, "recharge_failed", "alice@example.com", {}, account)
    assert jobs._stop_url(envelope) is None
