"""From the click on Buy to the credits, with a real checkout in between."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from creditapp import checkout, clock, identity, ledger, packages
from creditapp.db import db, transaction
from creditapp.gateway import PolarRefund
from tests.browsing import csrf_token
from tests.deliveries import deliver, order_paid
from tests.polar_stand_in.program import SECRET, TOKEN, Shop, StandIn, person
from tests.web.tree import Node, tree

WEBHOOKS = "/webhooks/polar/credits"
NOBODY_THERE = "http://127.0.0.1:1"
Shelf = dict[str, packages.CreditPackage]


@pytest.fixture
def more_settings(polar: StandIn) -> dict[str, Any]:
    """The app's Polar is the stand-in."""
    return {
        "polar_server": polar.base,
        "polar_access_token": TOKEN,
        "polar_webhook_secret": (SECRET,),
        "app_url": "http://127.0.0.1:5000",
    }


@pytest.fixture
def shelf(app: Flask, polar: StandIn) -> Shelf:
    """The five packages, each sold at the stand-in."""
    with transaction():
        packages.seed({})
    products = {one.key: polar.sell(one.name, one.price_cents).id for one in packages.everything()}
    with transaction():
        packages.seed(products)
    return {package.key: package for package in packages.everything()}


@pytest.fixture
def alice(app: Flask) -> identity.User:
    """Her email is new to the stand-in, which outlives the test."""
    email = f"alice-{ledger.new_id()}@example.com"
    with transaction():
        return identity.sign_up(email, "four plain words together", identity.Welcome(100, 90))


def click_buy(browser: FlaskClient, package: str = "professional") -> TestResponse:
    """Press the button of a package."""
    return browser.post(
        "/credits/purchase", data={"package": package, "csrf_token": csrf_token(browser.get("/credits/packages"))}
    )


def pay(polar: StandIn, bought: TestResponse, alice: identity.User, card: str = "4242 4242 4242 4242") -> str | None:
    """Pay at Polar's checkout; the path to which Polar sends the buyer back, None where the card was declined."""
    answer = polar.post(bought.location, person(card, email=alice.email))
    return _path(answer.headers["location"]) if answer.status_code == 303 else None


def carry(client: FlaskClient, mailbox: Shop, checkout_id: str) -> None:
    """Bring the webhook of the paid order from the stand-in to the app, byte for byte."""

    def ours(letter: Any) -> bool:
        return letter.type == "order.paid" and letter.data["metadata"].get("checkout_id") == checkout_id

    letter = mailbox.wait_for(ours)[0]
    assert client.post(WEBHOOKS, data=letter.body, headers=letter.headers).status_code == 202


def the_checkout() -> checkout.Checkout:
    """The latest checkout of all."""
    db.session.rollback()
    return db.session.scalars(db.select(checkout.Checkout).order_by(checkout.Checkout.requested_at.desc())).first()


def progress(answer: TestResponse) -> Node:
    """The part of the page that waits."""
    return tree(answer).with_id("purchase")


def asked_again(fragment: Node) -> str:
    """The address at which it asks for itself."""
    return fragment["hx-get"]


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def test_a_package_is_bought_paid_and_its_credits_are_seen_to_arrive(
    browser: FlaskClient,
    client: FlaskClient,
    polar: StandIn,
    mailbox: Shop,
    shelf: Shelf,
    alice: identity.User,
    run_jobs: Callable[[], None],
) -> None:
    bought = click_buy(browser)
    assert bought.status_code == 303
    assert bought.location.startswith(polar.base)

    returned = pay(polar, bought, alice)
    assert returned is not None
    waiting = progress(browser.get(returned))
    assert "Payment received, adding 5,000 credits…" in waiting.words
    assert waiting["hx-trigger"] == "every 1s"

    carry(client, mailbox, str(the_checkout().id))
    run_jobs()

    answer = browser.get(asked_again(waiting), headers={"HX-PTag": waiting["hx-ptag"], "HX-Request": "true"})
    page = tree(answer)
    added = page.with_id("purchase")
    assert "5,000 credits added" in added.words
    assert "Balance from 100 to 5,100 credits" in added.words
    assert "hx-trigger" not in added.attributes
    assert page.with_id("pill")["hx-swap-oob"] == "outerHTML"
    assert "5,100" in page.with_id("pill").words


def test_until_there_is_news_the_page_is_told_that_there_is_none(
    browser: FlaskClient, polar: StandIn, shelf: Shelf, alice: identity.User
) -> None:
    returned = pay(polar, click_buy(browser), alice)
    assert returned
    waiting = progress(browser.get(returned))

    answer = browser.get(asked_again(waiting), headers={"HX-PTag": waiting["hx-ptag"]})

    assert (answer.status_code, answer.data) == (304, b"")


def test_without_script_the_page_looks_again_by_itself_until_the_credits_are_there(
    browser: FlaskClient,
    client: FlaskClient,
    polar: StandIn,
    mailbox: Shop,
    shelf: Shelf,
    alice: identity.User,
    run_jobs: Callable[[], None],
) -> None:
    returned = pay(polar, click_buy(browser), alice)
    assert returned
    refresh = tree(browser.get(returned)).one("noscript").one("meta", http_equiv="refresh")
    seconds, _, address = refresh["content"].partition("; url=")
    assert int(seconds) <= 5

    carry(client, mailbox, str(the_checkout().id))
    run_jobs()

    page = tree(browser.get(address))
    assert "5,000 credits added" in page.with_id("purchase").words
    assert not page.every("noscript")


def test_after_a_refund_the_page_says_what_went_back(
    browser: FlaskClient,
    client: FlaskClient,
    polar: StandIn,
    mailbox: Shop,
    shelf: Shelf,
    alice: identity.User,
    run_jobs: Callable[[], None],
) -> None:
    returned = pay(polar, click_buy(browser), alice)
    assert returned
    carry(client, mailbox, str(the_checkout().id))
    run_jobs()

    _went_back(1_000)
    partly = progress(browser.get(returned))
    _went_back(4_000)
    all_of_it = progress(browser.get(returned))

    assert "5,000 credits added" in partly.words
    assert "Since then $10.00 went back, and 1,250 of these credits with it." in partly.words
    assert "This purchase was refunded" in all_of_it.words
    assert "$40.00 went back, and with it the 5,000 credits of Professional." in all_of_it.words
    assert "credits added" not in all_of_it.words
    assert "hx-get" not in all_of_it.attributes


def _went_back(cents: int) -> None:
    """So much of the order's net price in all."""
    order = checkout.order_of(the_checkout())
    assert order
    with transaction():
        checkout.refunded(
            PolarRefund(
                id="refund-1",
                order_id=order.polar_order_id,
                status="succeeded",
                amount=cents,
                currency=order.currency,
                reason="customer_request",
                told_at=clock.now(),
            )
        )


def test_the_receipt_is_at_polar_and_only_its_buyer_gets_there(
    browser: FlaskClient,
    client: FlaskClient,
    polar: StandIn,
    mailbox: Shop,
    shelf: Shelf,
    alice: identity.User,
    charlie: identity.User,
    browser_of: Callable[[identity.User], FlaskClient],
    run_jobs: Callable[[], None],
) -> None:
    returned = pay(polar, click_buy(browser), alice)
    assert returned
    carry(client, mailbox, str(the_checkout().id))
    run_jobs()
    links = progress(browser.get(returned)).every("a")
    receipt = next(link["href"] for link in links if link.words.startswith("Receipt"))

    answer = browser.get(receipt)

    assert answer.status_code == 303
    assert answer.location.startswith(polar.base)
    assert browser_of(charlie).get(receipt).status_code == 404


def test_only_a_purchase_has_a_receipt(browser: FlaskClient, account: int) -> None:
    welcome = ledger.entries(account)[0]
    assert browser.get(f"/credits/{welcome.id}/receipt").status_code == 404


def test_a_declined_card_leaves_the_buyer_at_polar_and_a_second_card_pays(
    browser: FlaskClient, polar: StandIn, shelf: Shelf, alice: identity.User
) -> None:
    bought = click_buy(browser)
    assert pay(polar, bought, alice, card="4000 0000 0000 0002") is None

    returned = pay(polar, bought, alice)

    assert returned
    assert "adding 5,000 credits" in progress(browser.get(returned)).words


def test_nobody_says_that_money_arrived_before_polar_sent_the_buyer_back(
    browser: FlaskClient, polar: StandIn, shelf: Shelf
) -> None:
    bought = click_buy(browser)
    address = f"/credits/checkouts/{the_checkout().id}"

    for path in (address, f"{address}?paid=made-up", f"{address}?paid="):
        waiting = progress(browser.get(path))
        assert "Waiting for Polar to confirm your payment" in waiting.words
        assert "received" not in waiting.words
        assert waiting.every("a")[0]["href"] == bought.location


def test_after_a_minute_the_page_says_that_it_takes_longer_and_that_a_mail_will_come(
    browser: FlaskClient, polar: StandIn, shelf: Shelf, alice: identity.User
) -> None:
    returned = pay(polar, click_buy(browser), alice)
    assert returned
    waiting = progress(browser.get(returned))
    assert "longer than usual" not in waiting.words
    polar.control("fail_next", path="/v1/orders", status=503)

    with clock.at(clock.now() + timedelta(seconds=61)):
        later = progress(browser.get(asked_again(waiting), headers={"HX-PTag": waiting["hx-ptag"]}))

    assert "This is taking longer than usual." in later.words
    assert "we will mail you when it is done" in later.words
    assert later["hx-trigger"] == "every 5s"


def test_a_page_left_open_stops_asking_after_half_an_hour(
    browser: FlaskClient, polar: StandIn, shelf: Shelf, alice: identity.User
) -> None:
    returned = pay(polar, click_buy(browser), alice)
    assert returned
    address = asked_again(progress(browser.get(returned)))
    polar.control("fail_next", path="/v1/orders", status=503, times=2)

    with clock.at(clock.now() + timedelta(minutes=29)):
        late = progress(browser.get(address))
    with clock.at(clock.now() + timedelta(minutes=31)):
        answer = browser.get(address, headers={"HX-PTag": late["hx-ptag"]})

    assert "hx-get" in late.attributes
    assert "hx-get" not in progress(answer).attributes
    assert "Look again" in progress(answer).words


def test_a_checkout_that_ran_out_says_so_and_can_be_begun_again(browser: FlaskClient, shelf: Shelf) -> None:
    click_buy(browser)
    begun = the_checkout()
    assert begun.expires_at

    with clock.at(begun.expires_at + timedelta(seconds=1)):
        ended = progress(browser.get(f"/credits/checkouts/{begun.id}"))

    assert "This checkout has expired" in ended.words
    assert "Nothing was charged" in ended.words
    assert "hx-get" not in ended.attributes
    assert ended.one("form")["action"] == "/credits/purchase"
    assert ended.one("input", name="package")["value"] == "professional"


@pytest.mark.settings(polar_server=NOBODY_THERE)
def test_while_polar_is_away_the_packages_page_says_so_and_keeps_the_choice(
    browser: FlaskClient, shelf: Shelf, account: int
) -> None:
    page = tree(click_buy(browser, "business"), 503)

    told = page.one("div", role="alert").words
    assert "can't be reached" in told
    assert "Nothing was charged" in told
    assert "pick" in page.with_id("business")["class"].split()
    assert ledger.balance(account).available == 100

    failed = progress(browser.get(f"/credits/checkouts/{the_checkout().id}"))
    assert "The checkout could not be opened" in failed.words
    assert "Nothing was charged" in failed.words
    assert failed.one("input", name="package")["value"] == "business"


def test_a_package_that_polar_refuses_to_sell_is_refused_in_words(browser: FlaskClient, shelf: Shelf) -> None:
    with transaction():
        packages.by_key("starter").polar_product_id = "00000000-0000-4000-8000-000000000000"

    page = tree(click_buy(browser, "starter"), 502)

    assert "Nothing was charged" in page.one("div", role="alert").words


def test_an_offer_that_ended_while_its_page_stood_open_is_refused_with_the_reason(
    browser: FlaskClient, shelf: Shelf
) -> None:
    with transaction():
        packages.by_key("holiday_bonus").expires_at = clock.now() - timedelta(seconds=1)

    page = tree(click_buy(browser, "holiday_bonus"), 409)

    assert "The offer has ended." in page.one("div", role="alert").words


def test_a_package_that_does_not_exist_can_not_be_bought(browser: FlaskClient, shelf: Shelf) -> None:
    for key in ("platinum", ""):
        page = tree(click_buy(browser, key), 404)
        assert "There is no such package. Choose one that is on sale." in page.one("div", role="alert").words
        assert len(page.every("form", action="/credits/purchase")) == len(shelf)


def test_two_clicks_on_the_limited_offer_lead_to_one_checkout(browser: FlaskClient, shelf: Shelf) -> None:
    assert click_buy(browser, "holiday_bonus").location == click_buy(browser, "holiday_bonus").location


def test_a_payment_that_fits_no_package_is_admitted_and_the_buyer_is_not_left_waiting(
    browser: FlaskClient, client: FlaskClient, shelf: Shelf, account: int, run_jobs: Callable[[], None]
) -> None:
    click_buy(browser)
    begun = the_checkout()
    underpaid = order_paid(shelf["professional"], account, checkout_id=begun.id, subtotal_amount=1)
    assert deliver(client, underpaid, SECRET).status_code == 202
    run_jobs()

    stuck = progress(browser.get(f"/credits/checkouts/{begun.id}"))

    assert "Your payment arrived, but the credits need a hand" in stuck.words
    assert str(begun.id) in stuck.words
    assert "hx-get" not in stuck.attributes


def test_a_stranger_does_not_see_the_purchase(
    browser: FlaskClient, shelf: Shelf, charlie: identity.User, browser_of: Callable[[identity.User], FlaskClient]
) -> None:
    click_buy(browser)
    address = f"/credits/checkouts/{the_checkout().id}"
    stranger = browser_of(charlie)
    assert stranger.get(address).status_code == 404
    assert stranger.get(f"{address}/progress").status_code == 404
    assert browser.get("/credits/checkouts/1").status_code == 404
    assert browser.get(f"/credits/checkouts/{2**64}").status_code == 404


@pytest.mark.parametrize("told", ["", "soon", "-1", "99999999999999999999", "1e9", "0"])
def test_a_meddled_address_can_not_break_the_page(browser: FlaskClient, shelf: Shelf, told: str) -> None:
    click_buy(browser)
    answer = browser.get(f"/credits/checkouts/{the_checkout().id}", query_string={"since": told, "paid": "\x00"})
    assert "Waiting for Polar" in progress(answer).words


class StillMaking(BaseHTTPRequestHandler):
    """Polar's answer while it makes a receipt: 202 and nothing else."""

    def do_GET(self) -> None:
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class TestWhilePolarMakesTheReceipt:
    """The order is paid and credited, and its paper is not ready."""

    @pytest.fixture
    def more_settings(self) -> Iterator[dict[str, Any]]:
        with ThreadingHTTPServer(("127.0.0.1", 0), StillMaking) as office:
            thread = threading.Thread(target=office.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            yield {
                "polar_server": f"http://127.0.0.1:{office.server_port}",
                "polar_access_token": TOKEN,
                "polar_webhook_secret": (SECRET,),
            }
            office.shutdown()
            thread.join()

    def test_the_buyer_is_told_and_can_look_again(
        self, browser: FlaskClient, client: FlaskClient, account: int, run_jobs: Callable[[], None]
    ) -> None:
        with transaction():
            packages.seed({"starter": "product-starter"})
        assert deliver(client, order_paid(packages.by_key("starter"), account), SECRET).status_code == 202
        run_jobs()
        address = f"/credits/{ledger.entries(account)[0].id}/receipt"

        page = tree(browser.get(address))

        assert "Polar is still making your receipt" in page.words
        assert page.one("a", href=address).words == "Look again"
