"""Told in time, and once: from the charge that leaves little to the letter, the top-up at Polar, and the next time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from creditapp import alerts, clock, identity
from creditapp.db import db, transaction
from tests.flows.house import Polar, Program, Visitor


@pytest.fixture
def account(alice: identity.User) -> int:
    """Alice's, as it is after she signed up."""
    found = identity.account_id_of(alice)
    with transaction():
        alerts.begin(found)
    return found


def subjects(letters: Callable[[], list[Any]]) -> list[str]:
    return [str(one["Subject"]) for one in letters() if "left" in str(one["Subject"])]


def states(account: int) -> list[tuple[str, str]]:
    db.session.rollback()
    return [(one.alert_type, one.status) for one in reversed(alerts.page(account, 99))]


def buys(program: Program, polar: Polar, arrived: Callable[[str], None]) -> None:
    bought = program.buys("starter")
    polar.pays(bought["checkout_url"])
    [order] = polar.orders_for(bought["checkout_id"])
    arrived(order["id"])


def test_who_runs_low_is_told_buys_and_is_told_again_the_next_time(
    program: Program, polar: Polar, account: int, browser: Visitor, arrived: Callable[[str], None],
    run_jobs: Callable[[], None], letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    buys(program, polar, arrived)
    for _ in range(8):
        assert program.post("/consume", {"amount": 100}).status_code == 201
    run_jobs()
    assert subjects(letters) == ["500 credits left"]  # at 500, and not once more at 400 and 300
    assert "500 credits left" in browser.sees("/credits/alerts")
    assert "300 credits left" in browser.sees("/credits")

    with clock.at(clock.now() + timedelta(hours=2)):
        buys(program, polar, arrived)
    assert states(account) == [("low_balance", "resolved")]
    with clock.at(clock.now() + timedelta(hours=3)):
        program.post("/consume", {"amount": 900})
        run_jobs()
    assert states(account) == [("low_balance", "resolved"), ("low_balance", "active")]


def test_the_button_in_a_mail_program_stops_the_letters_and_not_the_alerts(
    program: Program, polar: Polar, account: int, web: Callable[[], httpx.Client], arrived: Callable[[str], None],
    run_jobs: Callable[[], None], letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    buys(program, polar, arrived)
    program.post("/consume", {"amount": 700})
    run_jobs()
    [letter] = [one for one in letters() if str(one["Subject"]) == "400 credits left"]
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = str(letter["List-Unsubscribe"]).strip("<>")

    # As a mail program does it: no cookie, no page looked at before.
    answer = web().post(link, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    buys(program, polar, arrived)
    program.post("/consume", {"amount": 1_000})
    run_jobs()
    assert len(subjects(letters)) == 1
    assert states(account) == [("low_balance", "resolved"), ("low_balance", "active")]
