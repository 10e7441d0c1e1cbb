"""The profile: name, password, time zone, sessions, look."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from creditapp import clock, identity, ledger
from creditapp.web import settings
from tests.browsing import csrf_token
from tests.conftest import PASSWORD
from tests.web.tree import tree

ADDRESS = "/credits/settings"
NEW_PASSWORD = "seven other words for the door"
WRONG_PASSWORDS = int(settings.WRONG_PASSWORDS.split()[0])


def save(browser: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form of the settings page."""
    return browser.post(path, data={**fields, "csrf_token": csrf_token(browser.get(ADDRESS))})


def told(browser: FlaskClient) -> str:
    """What the page says after something was saved."""
    return tree(browser.get(ADDRESS)).one("div", role="status").words


def change_password(browser: FlaskClient, current: str = PASSWORD, new: str = NEW_PASSWORD) -> TestResponse:
    """Fill in the password form."""
    return save(browser, f"{ADDRESS}/password", current_password=current, new_password=new)


def test_the_page_says_whose_account_it_is(browser: FlaskClient, account: int) -> None:
    page = tree(browser.get(ADDRESS))
    assert "alice@example.com, owner" in page.words
    assert page.one("code").words == str(account)


def test_a_person_changes_their_name(browser: FlaskClient, account: int) -> None:
    answer = save(browser, f"{ADDRESS}/name", name="  Ada   Lovelace ")

    assert (answer.status_code, answer.location) == (303, ADDRESS)
    assert told(browser) == "Your name is saved."
    assert tree(browser.get(ADDRESS)).with_id("name")["value"] == "Ada Lovelace"
    assert identity.owner_of(account).name == "Ada Lovelace"


def test_a_name_that_is_too_long_is_refused_beside_its_field_and_kept(browser: FlaskClient, account: int) -> None:
    long = "x" * (identity.LONGEST_NAME + 1)

    page = tree(save(browser, f"{ADDRESS}/name", name=long), 422)

    assert page.with_id("name")["value"] == long
    assert page.with_id("name")["aria-invalid"] == "true"
    assert page.with_id("name-error").words == f"Use at most {identity.LONGEST_NAME} characters."
    assert identity.owner_of(account).name == ""


def test_times_are_shown_in_the_zone_that_was_chosen_and_utc_on_hover(browser: FlaskClient, account: int) -> None:
    with clock.at(datetime(2026, 11, 23, 21, 30, tzinfo=UTC)):
        save(browser, f"{ADDRESS}/time-zone", time_zone="Asia/Kathmandu")
        page = tree(browser.get(ADDRESS))
    assert "Times are now shown in Asia/Kathmandu." in page.words
    assert "In Asia/Kathmandu it is 03:15 now." in page.words
    chosen = [option for option in page.every("option") if "selected" in option.attributes]
    assert [option["value"] for option in chosen] == ["Asia/Kathmandu"]

    welcome = ledger.entries(account)[0]
    time = tree(browser.get(f"/credits/{welcome.id}")).every("time")[0]
    assert time["title"].endswith(" UTC")
    assert welcome.processed_at.astimezone(UTC).strftime("%H:%M") in time["title"]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "UTC\x00!"])
def test_a_zone_that_does_not_exist_is_refused_beside_its_field(browser: FlaskClient, zone: str) -> None:
    page = tree(save(browser, f"{ADDRESS}/time-zone", time_zone=zone), 422)
    assert page.with_id("time_zone")["aria-invalid"] == "true"
    assert page.with_id("time_zone-error").words == "Choose a time zone from the list."
    assert "In UTC it is" in page.words


def test_every_zone_of_the_world_can_be_chosen(browser: FlaskClient) -> None:
    offered = {option["value"] for option in tree(browser.get(ADDRESS)).every("option")}
    assert {"Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Pacific/Chatham", "UTC"} <= offered
    assert not [name for name in offered if name.startswith(("posix", "right"))]


def test_a_new_password_works_the_old_one_does_not_and_other_browsers_are_signed_out(
    app: Flask,
    browser: FlaskClient,
    alice: identity.User,
    browser_of: Callable[[identity.User], FlaskClient],
    sign_in: Callable[..., None],
) -> None:
    elsewhere = browser_of(alice)

    assert change_password(browser).status_code == 303

    assert told(browser) == "Your password is changed. You are signed out everywhere else."
    assert elsewhere.get("/credits").status_code == 303
    sign_in(app.test_client(), alice, NEW_PASSWORD)
    with pytest.raises(AssertionError, match="do not match"):
        sign_in(app.test_client(), alice, PASSWORD)


def test_the_password_is_changed_only_by_who_knows_the_current_one(
    app: Flask, browser: FlaskClient, alice: identity.User, sign_in: Callable[..., None]
) -> None:
    page = tree(change_password(browser, current="a guess"), 422)

    assert page.with_id("current_password-error").words == "This is not your current password."
    assert page.with_id("current_password")["aria-invalid"] == "true"
    sign_in(app.test_client(), alice, PASSWORD)


@pytest.mark.parametrize(("new", "why"), [("short", "at least 8"), ("password1", "attacker"), ("", "at least 8")])
def test_a_weak_new_password_is_refused_beside_its_field(browser: FlaskClient, new: str, why: str) -> None:
    page = tree(change_password(browser, new=new), 422)
    assert why in page.with_id("new_password-error").words
    assert "value" not in page.with_id("new_password").attributes


def test_guessing_the_current_password_in_an_open_browser_is_stopped(browser: FlaskClient) -> None:
    for number in range(WRONG_PASSWORDS):
        assert change_password(browser, current=f"guess {number}").status_code == 422

    answer = change_password(browser)

    assert int(answer.headers["Retry-After"]) > 0
    assert "Too many tries. Wait " in tree(answer, 429).with_id("current_password-error").words


def test_a_refused_new_password_is_no_guess(browser: FlaskClient) -> None:
    for _ in range(WRONG_PASSWORDS + 1):
        assert change_password(browser, new="short").status_code == 422
    assert change_password(browser).status_code == 303


def test_a_person_sees_where_they_are_signed_in_and_can_end_the_others(
    app: Flask, browser: FlaskClient, alice: identity.User, sign_in: Callable[..., None]
) -> None:
    phone = app.test_client()
    phone.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (Android 16; Mobile) Gecko/150.0 Firefox/150.0"
    sign_in(phone, alice)
    shown = tree(browser.get(ADDRESS)).one("ul", class_="log").words
    assert "Firefox on Android" in shown
    assert shown.count("Here") == 1

    save(browser, f"{ADDRESS}/sessions")

    assert told(browser) == "You are signed out everywhere else."
    assert phone.get("/credits").status_code == 303
    assert "Firefox" not in tree(browser.get(ADDRESS)).words


@pytest.mark.parametrize("look", ["light", "dark"])
def test_the_look_that_was_chosen_stays(browser: FlaskClient, look: str) -> None:
    answer = save(browser, "/theme", theme=look, next=ADDRESS)
    assert (answer.status_code, answer.location) == (303, ADDRESS)

    html = tree(browser.get("/credits")).one("html")
    assert html["data-theme"] == look

    save(browser, "/theme", theme="system", next=ADDRESS)
    assert "data-theme" not in tree(browser.get("/credits")).one("html").attributes


def test_a_visitor_can_choose_the_look_too_and_nonsense_means_the_systems(client: FlaskClient) -> None:
    def choose(theme: str) -> dict[str, str]:
        token = csrf_token(client.get("/sign-in"))
        client.post("/theme", data={"theme": theme, "next": "/sign-in", "csrf_token": token})
        return tree(client.get("/sign-in")).one("html").attributes

    assert choose("dark")["data-theme"] == "dark"
    assert "data-theme" not in choose("<script>")
