"""The page of one's own data: asked for with the password fresh, followed while it is made, fetched by its owner."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, exports, identity, schedule
from creditapp.db import db, transaction
from creditapp.exports.desk import KEPT
from creditapp.web.exports import file_size
from creditapp.wiring import settings
from tests.browsing import csrf_token
from tests.conftest import PASSWORD
from tests.web.tree import Node, tree

ADDRESS = "/credits/settings/data"
SECOND = timedelta(seconds=1)

BrowserOf = Callable[[identity.User], FlaskClient]


def page(browser: FlaskClient, path: str = "") -> Node:
    return tree(browser.get(f"{ADDRESS}{path}"))


def ask(browser: FlaskClient) -> None:
    answer = browser.post(ADDRESS, data={"csrf_token": csrf_token(browser.get(ADDRESS))})
    assert (answer.status_code, answer.location) == (303, ADDRESS)


def link(browser: FlaskClient) -> str:
    [found] = [one for one in page(browser).with_id("export").every("a") if one.words == "Download the archive"]
    return found["href"]


@pytest.fixture
def ready(browser: FlaskClient, run_jobs: Callable[[], None]) -> str:
    """The link to Alice's archive."""
    ask(browser)
    run_jobs()
    return link(browser)


def test_before_anything_was_asked_for_the_page_says_what_there_is(browser: FlaskClient) -> None:
    shown = page(browser)

    assert "Download all my data" in shown.with_id("export").words
    assert "Every credit in and out" in shown.words
    assert ADDRESS in [one["href"] for one in tree(browser.get("/credits/settings")).every("a")]


def test_while_it_is_made_the_page_asks_again_and_then_stops(
    browser: FlaskClient, account: int, run_jobs: Callable[[], None]
) -> None:
    ask(browser)
    asked = page(browser).with_id("export")
    assert (asked["hx-get"], asked["hx-trigger"]) == (f"{ADDRESS}/progress", "every 1s")
    assert "max" not in asked.one("progress").attributes  # nobody knows yet how much it is
    export = exports.latest(account)
    assert export
    with transaction():
        claimed = exports.claim(export.id)
        assert claimed
        exports.note(claimed, 30, 120)
    bar = page(browser, "/progress").with_id("export").one("progress")
    assert (bar["value"], bar["max"]) == ("30", "120")
    assert "Look again" in page(browser).words  # for who has no script

    with clock.at(clock.now() + timedelta(minutes=5)):
        run_jobs()
        done = page(browser, "/progress").with_id("export")

    assert "hx-get" not in done.attributes
    assert "Your data is ready" in done.words


def test_the_archive_is_fetched_by_its_link(browser: FlaskClient, ready: str) -> None:
    answer = browser.get(ready)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert "attachment; filename=credits-data-" in answer.headers["Content-Disposition"]
    assert answer.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert b"alice@example.com" in archive.read("people.csv")


def test_the_password_is_asked_again_before_it_is_asked_for_and_before_it_is_fetched(
    browser: FlaskClient, ready: str
) -> None:
    token = csrf_token(browser.get(ADDRESS))
    with clock.at(clock.now() + timedelta(hours=1)):
        asked = browser.post(ADDRESS, data={"csrf_token": token})
        fetched = browser.get(ready)

    assert (asked.status_code, fetched.status_code) == (303, 303)
    assert asked.location.startswith("/confirm?next=")
    assert fetched.location.startswith("/confirm?next=")


def test_another_persons_link_is_worth_nothing(ready: str, charlie: identity.User, browser_of: BrowserOf) -> None:
    stranger = browser_of(charlie)

    assert stranger.get(ready).status_code == 404
    assert "none" not in page(stranger).with_id("export").words
    assert "Download all my data" in page(stranger).with_id("export").words


@pytest.mark.parametrize("path", ["/made-up", "/MQ", "/MQ.AAAA"])
def test_a_link_that_we_did_not_sign_leads_nowhere(browser: FlaskClient, ready: str, path: str) -> None:
    assert browser.get(f"{ADDRESS}{path}").status_code == 404
    assert browser.get(f"{ready}x").status_code == 404


def test_members_who_do_not_own_the_account_find_nothing(
    app: Flask, account: int, alice: identity.User, charlie: identity.User, browser_of: BrowserOf
) -> None:
    with transaction():
        own = db.session.merge(charlie).memberships[0]
        db.session.delete(own)
        db.session.flush()
        db.session.add(
            identity.Membership(user_id=charlie.id, account_id=account, role="viewer", created_at=clock.now())
        )
    member = browser_of(charlie)

    assert member.get(ADDRESS).status_code == 404
    token = csrf_token(member.get("/credits/settings"))
    assert member.post(ADDRESS, data={"csrf_token": token}).status_code == 404


def test_after_a_day_the_link_says_that_the_archive_is_gone(browser: FlaskClient, ready: str) -> None:
    with clock.at(clock.now() + KEPT + SECOND):
        schedule.delete_exports()
        browser.post("/confirm", data={"password": PASSWORD, "csrf_token": csrf_token(browser.get("/confirm"))})
        gone = tree(browser.get(ready), 410)
        again = page(browser).with_id("export")

    assert "This archive is gone" in gone.words
    assert "Your last archive is deleted" in again.words
    assert again.every("button")


def test_where_the_workers_folder_is_not_the_webs_it_is_said_and_logged(
    browser: FlaskClient, ready: str, caplog: pytest.LogCaptureFixture
) -> None:
    [file] = exports.files(settings().exports)
    away = file.rename(settings().data / "elsewhere.zip")
    refused = tree(browser.get(ready), 503)

    assert "Your archive can't be reached" in refused.words
    assert "do web, workers and clock share the data folder?" in caplog.text
    away.rename(file)
    assert browser.get(ready).status_code == 200


def test_a_failure_is_told_with_a_way_on(browser: FlaskClient, account: int) -> None:
    ask(browser)
    export = exports.latest(account)
    assert export
    moment = clock.now()
    for _ in range(6):
        with clock.at(moment), transaction():
            exports.claim(export.id)  # and its worker dies
        moment += timedelta(minutes=2)

    shown = page(browser).with_id("export")

    assert "The archive could not be made" in shown.words
    assert [button.words for button in shown.every("button")] == ["Download all my data"]


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 KB"), (1_449_000, "1.4 MB"), (10**18, "1000000.0 TB")],
)
def test_a_size_is_said_as_people_say_it(size: int, words: str) -> None:
    assert file_size(size) == words
