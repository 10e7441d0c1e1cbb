"""Every page of the product, whose it is, and how one gets there."""

import email
import email.policy
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from playwright.sync_api import Page

from creditapp.demo import HIGH, LOW, NEW, OPERATOR
from tests.browser.town import Stage
from tests.polar_stand_in.program import person

VISITOR, SHOPPER = "", "the shopper"
ESTIMATE = "/credits/estimate?operation_type=ai_analysis&quantity=40&complexity=complex&priority=high"
LETTER_SECONDS = 15
ALERT_SECONDS = 60
DECLINES, ASKS = "4000 0000 0000 0002", "4000 0027 6000 3184"


@dataclass(frozen=True, slots=True)
class Place:
    """A page: who sees it, its address, and what is pressed there before it looks as it is meant."""

    who: str
    address: str | Callable[[Stage], str]
    then: Callable[[Page, Stage], None] | None = None
    status: int = 200

    def email(self, stage: Stage) -> str:
        """Who sees it; empty for a visitor."""
        return stage.email if self.who == SHOPPER else self.who

    def visit(self, page: Page, stage: Stage) -> None:
        """Go there."""
        address = self.address if isinstance(self.address, str) else self.address(stage)
        answer = page.goto(stage.town.url + address if address.startswith("/") else address)
        assert answer
        assert answer.status == self.status, f"{answer.status} {page.url}"
        if self.then:
            self.then(page, stage)


def _signs_in_wrongly(page: Page, stage: Stage) -> None:
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("Email and password do not match.").wait_for()


def _signs_up_wrongly(page: Page, stage: Stage) -> None:
    page.get_by_label("Email").fill(LOW.email)
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create account").click()
    page.locator(".error").first.wait_for()


def _asks_for_a_link(page: Page, stage: Stage) -> None:
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_role("button", name="Mail me a link").click()
    page.get_by_text("Look into your mail").wait_for()


def _follows_the_link(page: Page, stage: Stage) -> None:
    page.get_by_label("Email").fill(NEW.email)
    page.get_by_role("button", name="Mail me a link").click()
    page.get_by_text("Look into your mail").wait_for()
    give_up = time.monotonic() + LETTER_SECONDS
    # A letter on its way makes the link of the one before it unusable; within two minutes none is written anew.
    while not ((link := _mailed_link(stage)) and (answer := page.goto(link)) and answer.ok):
        assert time.monotonic() < give_up, "no usable link came"
        time.sleep(0.1)
    page.get_by_label("New password").wait_for()


def _mailed_link(stage: Stage) -> str | None:
    """The link of the latest letter of its kind, if there is one."""
    letters = sorted((stage.town.data / "mail").glob("*-password_reset.eml"), key=lambda file: file.stat().st_mtime)
    if not letters:
        return None
    text = _read(letters[-1]).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    found = re.search(r"/reset-password\?token=\S+", text)
    assert found
    return stage.town.url + found.group()


def _link_that_stops_letters(stage: Stage) -> str:
    """As it stands in the letter of an alert; the demo's low account gets one by itself."""
    give_up = time.monotonic() + ALERT_SECONDS
    while not (links := [link for file in _alert_letters(stage) if (link := _read(file)["List-Unsubscribe"])]):
        assert time.monotonic() < give_up, "no letter came"
        time.sleep(0.1)
    return str(links[0][links[0].index("/unsubscribe") :].strip("<>"))


def _alert_letters(stage: Stage) -> list[Path]:
    return sorted((stage.town.data / "mail").glob("*-alert.eml"))


def _read(letter: Path) -> EmailMessage:
    return email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)


def _buys_while_polar_is_away(page: Page, stage: Stage) -> None:
    stage.fails_once()
    page.get_by_role("button", name="Buy 5,000").click()
    page.get_by_text("Nothing was charged").wait_for()


def _mistypes_the_password(page: Page, stage: Stage) -> None:
    page.get_by_label("Current password").fill("not it")
    page.get_by_label("New password").fill("irrelevant words")
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("This is not your current password.").wait_for()


def _mistypes_the_threshold(page: Page, stage: Stage) -> None:
    page.get_by_label("When available credits fall to").fill("many")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Enter a whole number of credits").wait_for()


def _waits_for_an_alert(page: Page, stage: Stage) -> None:
    give_up = time.monotonic() + ALERT_SECONDS
    while not page.locator(".notice").count():  # the clock looks every few seconds
        assert time.monotonic() < give_up, "no alert came"
        page.reload()


def _mistypes_the_number_of_an_alert(page: Page, stage: Stage) -> None:
    rule = page.get_by_role("form", name="Tell me when available credits fall to 500 or below")
    rule.get_by_role("textbox").fill("many")
    rule.get_by_role("button", name="Save").click()
    page.get_by_text("Enter a number.").wait_for()


def _asks_for_their_data(page: Page, stage: Stage) -> None:
    if page.get_by_role("link", name="Download the archive").count() == 0:
        page.get_by_role("button", name="Download all my data").click()
    # Without a script nobody asks again but the person.
    give_up = time.monotonic() + LETTER_SECONDS
    while page.get_by_role("link", name="Download the archive").count() == 0:
        assert time.monotonic() < give_up, "the archive did not come"
        page.goto(f"{stage.town.url}/credits/settings/data")


def _makes_a_key(page: Page, stage: Stage) -> None:
    page.get_by_label("Name").fill("nightly-import")
    page.get_by_role("button", name="Make key").click()
    page.get_by_text("shown only this once").wait_for()


def _makes_a_key_without_a_name(page: Page, stage: Stage) -> None:
    page.get_by_role("button", name="Make key").click()
    page.locator(".alert.bad").wait_for()


def pay_with(page: Page, card: str = "4242 4242 4242 4242") -> None:
    """Fill in Polar's page and press its button."""
    for name, typed in person(card).items():
        field = page.locator(f"[name={name}]")
        if name == "country":
            field.select_option(typed)
        elif field.is_editable():
            field.fill(typed)
    page.get_by_role("button", name="Pay").click()


def _is_declined(page: Page, stage: Stage) -> None:
    pay_with(page, DECLINES)
    page.get_by_text("The card was declined").first.wait_for()


def _is_asked(page: Page, stage: Stage) -> None:
    pay_with(page, ASKS)
    page.get_by_text("Confirm it is you").wait_for()


PLACES: dict[str, Place] = {
    "sign-in": Place(VISITOR, "/sign-in"),
    "sign-in-refused": Place(VISITOR, "/sign-in", _signs_in_wrongly),
    "sign-up": Place(VISITOR, "/sign-up"),
    "sign-up-refused": Place(VISITOR, "/sign-up", _signs_up_wrongly),
    "forgot-password": Place(VISITOR, "/forgot-password"),
    "forgot-password-sent": Place(VISITOR, "/forgot-password", _asks_for_a_link),
    "reset-password": Place(VISITOR, "/forgot-password", _follows_the_link),
    "reset-password-unusable": Place(VISITOR, "/reset-password?token=made-up", status=410),
    "overview": Place(HIGH.email, "/credits"),
    "overview-low": Place(LOW.email, "/credits"),
    "overview-new": Place(NEW.email, "/credits"),
    "packages": Place(HIGH.email, "/credits/packages"),
    "packages-asked-for": Place(NEW.email, "/credits/packages?package=starter"),
    "packages-refused": Place(LOW.email, "/credits/packages", _buys_while_polar_is_away),
    "purchase-waiting": Place(SHOPPER, lambda stage: stage.waiting),
    "purchase-adding": Place(SHOPPER, lambda stage: stage.adding),
    "purchase-slow": Place(SHOPPER, lambda stage: stage.slow),
    "purchase-added": Place(SHOPPER, lambda stage: stage.added),
    "purchase-refunded": Place(SHOPPER, lambda stage: stage.refunded),
    "purchase-failed": Place(SHOPPER, lambda stage: stage.failed),
    "prices": Place(VISITOR, "/prices"),
    "prices-signed-in": Place(HIGH.email, "/prices"),
    "estimator": Place(HIGH.email, ESTIMATE),
    "estimator-too-much": Place(NEW.email, "/credits/estimate?operation_type=ai_analysis&quantity=40"),
    "estimator-misread": Place(LOW.email, "/credits/estimate?quantity=many&file_size_mb=huge", status=422),
    "api": Place(VISITOR, "/api/docs"),
    "usage": Place(HIGH.email, "/credits/usage"),
    "usage-day": Place(HIGH.email, "/credits/usage?period=last_24_hours&by=endpoint"),
    "usage-year": Place(HIGH.email, "/credits/usage?period=last_year"),
    "usage-low": Place(LOW.email, "/credits/usage?period=last_90_days&by=key"),
    "usage-new": Place(NEW.email, "/credits/usage"),
    "usage-other-days": Place(HIGH.email, "/credits/usage?period=custom"),
    "usage-other-days-refused": Place(
        LOW.email, "/credits/usage?period=custom&from=yesterday&to=2020-01-01", status=422
    ),
    "usage-misread": Place(NEW.email, "/credits/usage?period=last_century", status=422),
    "history": Place(HIGH.email, "/credits/history"),
    "history-filtered": Place(LOW.email, "/credits/history?type=purchase&from=2026-01-01"),
    "history-misread": Place(LOW.email, "/credits/history?from=yesterday&type=gift", status=422),
    "history-nothing-matches": Place(NEW.email, "/credits/history?q=nothing-has-this-in-it"),
    "statements": Place(HIGH.email, "/credits/statements"),
    "statements-new": Place(NEW.email, "/credits/statements"),
    "statement": Place(HIGH.email, lambda stage: stage.statement(HIGH.email)),
    "statement-missing": Place(NEW.email, "/credits/statements/2026-13", status=404),
    "transaction-usage": Place(HIGH.email, lambda stage: stage.transaction(HIGH.email, "consumption")),
    "transaction-purchase": Place(SHOPPER, lambda stage: stage.purchase),
    "transaction-refund": Place(HIGH.email, lambda stage: stage.transaction(HIGH.email, "refund")),
    "transaction-bonus": Place(NEW.email, lambda stage: stage.transaction(NEW.email, "bonus")),
    "auto-recharge": Place(LOW.email, "/credits/settings/auto_recharge"),
    "auto-recharge-new": Place(NEW.email, "/credits/settings/auto_recharge"),
    "auto-recharge-refused": Place(HIGH.email, "/credits/settings/auto_recharge", _mistypes_the_threshold),
    "alerts": Place(LOW.email, "/credits/alerts", _waits_for_an_alert),
    "alerts-new": Place(NEW.email, "/credits/alerts"),
    "alerts-refused": Place(HIGH.email, "/credits/alerts", _mistypes_the_number_of_an_alert),
    "unsubscribe": Place(VISITOR, _link_that_stops_letters),
    "unsubscribe-unknown": Place(VISITOR, "/unsubscribe?letters=made-up", status=404),
    "keys": Place(NEW.email, "/credits/keys"),
    "keys-made": Place(LOW.email, "/credits/keys", _makes_a_key),
    "keys-refused": Place(HIGH.email, "/credits/keys", _makes_a_key_without_a_name),
    "confirm": Place(HIGH.email, "/confirm"),
    "settings": Place(HIGH.email, "/credits/settings"),
    "settings-refused": Place(LOW.email, "/credits/settings", _mistypes_the_password),
    "data": Place(HIGH.email, "/credits/settings/data"),
    "data-ready": Place(LOW.email, "/credits/settings/data", _asks_for_their_data),
    "operator": Place(OPERATOR.email, "/operator/"),
    "operator-nothing-dead": Place(OPERATOR.email, "/operator/?state=dead"),
    "operator-event": Place(OPERATOR.email, lambda stage: stage.event()),
    "operator-alerts": Place(OPERATOR.email, "/operator/alerts"),
    "not-found": Place(HIGH.email, "/credits/999999999", status=404),
    "polar-checkout": Place(VISITOR, lambda stage: stage.hosted),
    "polar-checkout-declined": Place(VISITOR, lambda stage: stage.hosted, _is_declined),
    "polar-bank-asks": Place(VISITOR, lambda stage: stage.opens("starter"), _is_asked),
    "polar-nothing-here": Place(VISITOR, lambda stage: f"{stage.polar}/checkout/unknown", status=404),
}
