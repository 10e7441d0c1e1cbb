"""Webhooks are lost, and nobody comes to the return page: what was paid is credited all the same, once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from creditapp import checkout, clock, identity, ledger, reconciliation, schedule
from creditapp.db import db
from tests.flows.conftest import Shelf
from tests.flows.house import PATIENCE_SECONDS, Polar, Program, Visitor, eventually

Arrived = Callable[[str], None]
ORDERS = 20


@pytest.fixture
def flask(app: Flask) -> Callable[..., Any]:
    """Run ``flask <arguments>`` and give what it said."""

    def run(*arguments: str) -> Any:
        db.session.rollback()
        return app.test_cli_runner().invoke(args=list(arguments))

    return run


@pytest.fixture
def pay_unheard(program: Program, polar: Polar) -> Callable[[str], Any]:
    """Buy and pay a package while every webhook is lost; the order at Polar."""

    def paid(package: str) -> Any:
        polar.control("webhooks", drop=True)
        bought = program.buys(package)
        assert polar.pays(bought["checkout_url"]).status_code == 303
        [order] = polar.orders_for(bought["checkout_id"])
        return order

    return paid


def lost(polar: Polar, order_id: str) -> list[Any]:
    return [one for one in polar.deliveries(order_id) if one["state"] == "dropped"]


def books_tie_out() -> bool:
    db.session.rollback()
    return [*ledger.verify(), *checkout.verify()] == []


def test_twenty_paid_orders_without_any_webhook_are_credited_once_and_the_late_webhooks_change_nothing(
    program: Program, polar: Polar, pay_unheard: Callable[[str], Any], run_jobs: Callable[[], None],
    flask: Callable[..., Any], letters: Callable[[], list[Any]],
) -> None:  # fmt: skip
    orders = [pay_unheard("starter") for _ in range(ORDERS)]
    run_jobs()
    assert program.available == 100

    said = flask("polar", "reconcile")
    assert said.exit_code == 0, said.output
    run_jobs()
    assert program.available == 100 + ORDERS * 1_000
    assert said.output.count("credited    order") == ORDERS
    assert len(letters()) == ORDERS

    again = flask("polar", "reconcile")
    assert "0 credited, 0 corrected" in again.output
    polar.control("webhooks")
    for order in orders:
        for event in lost(polar, order["id"]):
            polar.http.post(f"/v1/webhooks/events/{event['id']}/redeliver")
    assert eventually(lambda: not any(lost(polar, order["id"]) for order in orders), seconds=PATIENCE_SECONDS)
    assert eventually(lambda: polar.has_told_all, seconds=PATIENCE_SECONDS)
    run_jobs()
    assert program.available == 100 + ORDERS * 1_000
    assert len(letters()) == ORDERS
    assert books_tie_out()


def test_the_clock_reconciles_by_itself(program: Program, pay_unheard: Callable[[str], Any]) -> None:
    pay_unheard("professional")
    schedule.reconcile()

    assert program.available == 5_100
    latest = reconciliation.latest()
    assert latest is not None
    assert (latest.reason, latest.repaired) == (None, 1)
    assert reconciliation.due_since() > clock.now() - reconciliation.LOOK_BACK


def test_a_refund_whose_webhooks_were_lost_is_taken_back(
    program: Program, polar: Polar, pay_unheard: Callable[[str], Any], flask: Callable[..., Any]
) -> None:
    order = pay_unheard("professional")
    flask("polar", "reconcile")
    assert program.available == 5_100

    polar.control("refund", order=order["id"], amount=1_000, status="succeeded")
    said = flask("polar", "reconcile")
    assert "1 corrected" in said.output
    assert program.available == 100 + 3_750
    assert books_tie_out()


@pytest.mark.parametrize(
    ("status", "left"), [("needs_response", 5_100), ("lost", 100), ("won", 5_100), ("prevented", 100)]
)
def test_a_dispute_is_found_though_polar_sends_no_webhook_about_it(
    program: Program, polar: Polar, pay_unheard: Callable[[str], Any], flask: Callable[..., Any],
    operators_browser: Visitor, status: str, left: int,
) -> None:  # fmt: skip
    order = pay_unheard("professional")
    polar.control("dispute", order=order["id"], status=status)
    flask("polar", "reconcile")

    assert program.available == left
    page = operators_browser.sees("/operator/")
    assert status.replace("_", " ").capitalize() in page
    assert books_tie_out()


def test_a_dispute_that_is_won_in_the_end_gives_the_credits_back(
    program: Program, polar: Polar, pay_unheard: Callable[[str], Any], flask: Callable[..., Any]
) -> None:
    order = pay_unheard("professional")
    for status, left in (("lost", 100), ("won", 5_100)):
        polar.control("dispute", order=order["id"], status=status)
        flask("polar", "reconcile")
        assert program.available == left
    assert books_tie_out()


TROUBLES = {
    "broken": {"status": 500},
    "busy": {"status": 429},
    "silent": {"status": None},
    "talking-nonsense": {"status": 200},
}


@pytest.mark.parametrize("place", ["/v1/orders", "/v1/refunds", "/v1/disputes"])
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_polar_in_trouble_is_said_in_words_and_the_next_round_does_the_rest(
    program: Program, polar: Polar, pay_unheard: Callable[[str], Any], flask: Callable[..., Any],
    operators_browser: Visitor, trouble: dict[str, Any], place: str,
) -> None:  # fmt: skip
    pay_unheard("professional")
    polar.control("fail_next", path=place, **trouble)
    said = flask("polar", "reconcile")

    assert said.exit_code == 1
    assert "Traceback" not in said.output
    assert "payment provider is busy" in said.output or "Polar did not answer as it should" in said.output
    assert "stopped" in operators_browser.sees("/operator/")
    assert flask("polar", "reconcile").exit_code == 0
    assert program.available == 5_100
    assert books_tie_out()


def test_orders_that_are_nobodys_are_reported_with_the_reason(
    polar: Polar, flask: Callable[..., Any], shelf: Shelf, account: int
) -> None:
    polar.control("webhooks", drop=True)
    mug = polar.sell("A mug", 9_00)
    link = polar.polar.checkouts.create(products=[mug.id], external_customer_id=str(account))
    polar.pays(link.url, email=f"mug-{ledger.new_id()}@example.com")
    [order] = polar.orders_of_link(link)
    said = flask("polar", "reconcile")

    assert f"uncredited  order {order['id']}: The product {mug.id} is not one of our packages." in said.output


def test_two_rounds_at_once_credit_once(app: Flask, program: Program, pay_unheard: Callable[[str], Any]) -> None:
    for _ in range(3):
        pay_unheard("starter")

    def round_() -> None:
        with app.app_context():
            schedule.reconcile()

    db.session.rollback()
    threads = [threading.Thread(target=round_) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert program.available == 100 + 3 * 1_000
    assert books_tie_out()


def test_the_return_page_asks_polar_itself_when_no_webhook_comes(
    browser: Visitor, polar: Polar, program: Program, alice: identity.User
) -> None:
    polar.control("webhooks", drop=True)
    bought = browser.presses_buy("professional").headers["location"]
    back = polar.pays(bought, email=alice.email).headers["location"]
    page = "/credits/checkouts/" + back.partition("/credits/checkouts/")[2]
    assert "adding 5,000 credits" in browser.sees(page)

    assert eventually(lambda: "5,000 credits added" in browser.sees(page), seconds=PATIENCE_SECONDS)
    assert program.available == 5_100
    assert len(program.purchases) == 1


def test_the_return_page_says_that_polar_does_not_answer_and_goes_on_asking(
    browser: Visitor, polar: Polar, program: Program, alice: identity.User
) -> None:
    polar.control("webhooks", drop=True)
    bought = browser.presses_buy("professional").headers["location"]
    back = polar.pays(bought, email=alice.email).headers["location"]
    page = "/credits/checkouts/" + back.partition("/credits/checkouts/")[2]
    browser.sees(page)
    polar.control("fail_next", path="/v1/orders", status=500)

    assert eventually(lambda: "Polar does not answer at the moment" in browser.sees(page), seconds=PATIENCE_SECONDS)
    assert program.available == 100
    assert eventually(lambda: "5,000 credits added" in browser.sees(page), seconds=PATIENCE_SECONDS)
    assert program.available == 5_100
