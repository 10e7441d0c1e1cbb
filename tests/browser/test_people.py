"""Signing up, in and out, and what is said to those who can't."""

import pytest
from playwright.sync_api import Page, expect

from creditapp import demo
from tests.browser.conftest import OpenPage
from tests.browser.town import Town

pytestmark = pytest.mark.browser

PASSWORD = "four plain words together"
TRIES = 10


def sign_in(page: Page, email: str, password: str) -> None:
    """Through the form."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_a_newcomer_signs_up_has_welcome_credits_signs_out_and_in_again(open_page: OpenPage) -> None:
    page = open_page()
    page.goto("/credits/history?type=bonus")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Email").fill("newcomer@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    expect(page.get_by_role("status").first).to_contain_text("Your account is ready, with 100 welcome credits.")
    expect(page).to_have_url("/credits/history?type=bonus")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/credits")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "newcomer@example.com", PASSWORD)
    expect(page.locator("#balance")).to_have_attribute("data-credits", "100")


@pytest.mark.parametrize(
    ("email", "password", "field", "sentence"),
    [
        ("not an address", PASSWORD, "Email", "email"),
        (demo.HIGH.email, PASSWORD, "Email", "account"),
        ("short@example.com", "short", "Password", "at least"),
        ("common@example.com", "password1234", "Password", "attacker"),
    ],
)
def test_what_is_wrong_with_a_sign_up_stands_beside_its_field_and_what_was_typed_stays(
    open_page: OpenPage, email: str, password: str, field: str, sentence: str
) -> None:
    page = open_page()
    page.goto("/sign-up")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Create account").click()

    wrong = page.get_by_label(field)
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    error = page.locator(f"#{field.lower()}-error")
    expect(error).to_contain_text(sentence, ignore_case=True)
    assert "-error" in str(wrong.get_attribute("aria-describedby"))
    expect(page.get_by_label("Email")).to_have_value(email)
    expect(page.get_by_label("Password")).to_have_value("")


def test_an_unknown_email_and_a_wrong_password_are_told_the_same(open_page: OpenPage) -> None:
    page = open_page()
    said = []
    for email in (demo.OPERATOR.email, "nobody-here@example.com"):
        page.goto("/sign-in")
        sign_in(page, email, "not the password")
        said.append(page.get_by_role("alert").inner_text())
        expect(page.get_by_label("Email")).to_have_value(email)

    assert said == ["Email and password do not match."] * 2


def test_after_ten_failures_even_the_right_password_has_to_wait_and_others_need_not(
    open_page: OpenPage, town: Town
) -> None:
    town.newcomer("careless@example.com", PASSWORD)
    page = open_page()
    page.goto("/sign-in")
    for _ in range(TRIES):
        sign_in(page, "careless@example.com", "another guess")
        expect(page.get_by_role("alert")).to_have_text("Email and password do not match.")
    sign_in(page, "careless@example.com", PASSWORD)
    expect(page.get_by_role("alert")).to_contain_text("Too many tries that failed. Wait")

    sign_in(page, demo.NEW.email, demo.PASSWORD)
    expect(page.locator("#balance")).to_be_visible()


def test_the_look_is_chosen_with_one_click_and_stays(open_page: OpenPage) -> None:
    page = open_page(demo.NEW.email, java_script_enabled=False)
    page.goto("/credits/history")
    page.get_by_role("button", name="Switch to dark").first.click()
    expect(page).to_have_url("/credits/history")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/credits")
    dark = page.locator("html").evaluate("page => getComputedStyle(page).backgroundColor")
    page.goto("/credits/settings")
    page.get_by_role("button", name="Light", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")

    assert page.locator("html").evaluate("page => getComputedStyle(page).backgroundColor") != dark


def test_settings_are_saved_and_say_so(open_page: OpenPage, town: Town) -> None:
    town.newcomer("settler@example.com", PASSWORD)
    page = open_page("settler@example.com")
    page.goto("/credits/settings")
    page.get_by_label("Name", exact=True).fill("Ada Settler")
    page.get_by_role("button", name="Save name").click()
    expect(page.get_by_role("status").first).to_contain_text("Your name is saved.")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Ada Settler")
    page.get_by_label("Times are shown in").select_option("Asia/Kathmandu")
    page.get_by_role("button", name="Save time zone").click()
    expect(page.get_by_role("status").first).to_contain_text("Times are now shown in Asia/Kathmandu.")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill("other plain words together")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status").first).to_contain_text("Your password is changed.")


def test_the_operators_page_is_there_for_the_operator_alone(open_page: OpenPage) -> None:
    page = open_page(demo.OPERATOR.email)
    page.goto("/credits")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Operator").click()
    expect(page.get_by_role("heading", name="Webhook inbox")).to_be_visible()

    stranger = open_page(demo.HIGH.email)
    answer = stranger.goto("/operator/")
    assert answer is not None
    assert answer.status == 404
    stranger.goto("/credits")
    expect(stranger.get_by_role("link", name="Operator")).to_have_count(0)
