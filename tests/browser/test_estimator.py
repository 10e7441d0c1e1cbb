"""The estimator at a browser: live while one types, and nothing typed is lost."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from creditapp.demo import HIGH
from tests.browser.conftest import OpenPage
from tests.dev.conftest import Instance

pytestmark = pytest.mark.browser

ADDRESS = "/credits/estimate"


def test_the_estimate_follows_what_is_typed_and_the_field_keeps_its_focus(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto(ADDRESS)
    total = page.locator("#estimator tfoot td")
    expect(total).to_have_text("1")

    page.get_by_label("What").select_option("ai_analysis")
    expect(total).to_have_text("25")
    page.get_by_label("How many").press("End")
    page.get_by_label("How many").press_sequentially("20")
    expect(total).to_have_text("3,000")
    expect(page.get_by_label("How many")).to_be_focused()
    page.get_by_label("Priority").select_option("low")
    expect(total).to_have_text("2,400")

    expect(page.get_by_label("How many")).to_have_value("120")
    expect(page.get_by_label("What")).to_have_value("ai_analysis")
    assert "quantity=120" in page.url  # so that the address can be sent to somebody
    page.reload()
    expect(total).to_have_text("2,400")


def test_what_can_not_be_read_is_said_at_once_and_goes_when_it_is_mended(open_page: OpenPage) -> None:
    page = open_page(HIGH.email)
    page.goto(ADDRESS)

    page.get_by_label("How many").fill("many")
    expect(page.locator("#quantity-error")).to_have_text("Enter a whole number from 1 to 1,000,000.")
    expect(page.get_by_label("How many")).to_have_value("many")

    page.get_by_label("How many").fill("3")
    expect(page.locator("#quantity-error")).to_have_count(0)
    expect(page.locator("#estimator tfoot td")).to_have_text("3")


def test_without_a_script_the_button_estimates(open_page: OpenPage) -> None:
    page = open_page(HIGH.email, java_script_enabled=False)
    page.goto(ADDRESS)

    page.get_by_label("What").select_option("data_export")
    page.get_by_label("How many").fill("4")
    page.get_by_role("button", name="Estimate").click()

    expect(page.locator("#estimator tfoot td")).to_have_text("60")


@pytest.mark.parametrize(("language", "program"), [("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])])
def test_the_call_to_copy_runs_as_it_is(
    open_page: OpenPage, instance: Instance, language: str, program: list[str]
) -> None:
    page = open_page(HIGH.email)
    page.goto(f"{ADDRESS}?operation_type=image_processing&quantity=3&complexity=standard&file_size_mb=0.5")
    call = page.get_by_role("button", name=f"Copy the call in {language}").get_attribute("data-copy")
    key = instance.flask("keys", "create", "--account", HIGH.email, "--scopes", "consume").stdout.strip()

    environment = {**os.environ, "CREDITS_KEY": key}
    ran = subprocess.run([*program, str(call)], check=False, env=environment, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stderr
    page.goto("/credits/history")
    newest = page.locator("#rows tbody tr").first
    expect(newest).to_contain_text("Image processing × 3")
    expect(newest).to_contain_text("−45")
