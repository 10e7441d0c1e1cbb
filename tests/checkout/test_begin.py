from datetime import timedelta

import pytest
from flask import Flask

from creditapp import checkout, clock, identity, ledger, packages
from creditapp.checkout import Checkout
from creditapp.db import db, transaction
from creditapp.errors import NotFound
from creditapp.gateway import OpenedCheckout
from creditapp.packages import CreditPackage

Shelf = dict[str, CreditPackage]


def wanted(account: int, key: str, *, idempotency: str | None = None) -> checkout.Intent:
    with transaction():
        return checkout.request(account, key, key=idempotency)


def opened(intent: checkout.Intent, number: int = 1) -> None:
    answer = OpenedCheckout(f"polar-{number}", f"https://polar.example/{number}", clock.now() + timedelta(hours=24))
    with transaction():
        checkout.opened(intent.checkout_id, f"customer-{intent.account_id}", answer)


def test_a_wish_is_written_down_with_our_own_price(account: int, shelf: Shelf) -> None:
    intent = wanted(account, "professional")

    row = db.session.get_one(Checkout, intent.checkout_id)
    assert (row.state, row.credits, row.price_cents, row.currency) == ("requested", 5_000, 4_000, "usd")
    assert intent.url is None


def test_each_click_on_an_ordinary_package_is_a_checkout_of_its_own(account: int, shelf: Shelf) -> None:
    first = wanted(account, "starter")
    opened(first)

    assert wanted(account, "starter").checkout_id != first.checkout_id


def test_a_second_click_on_a_limited_offer_leads_back_to_the_open_checkout(account: int, shelf: Shelf) -> None:
    first = wanted(account, "holiday_bonus")
    opened(first)
    second = wanted(account, "holiday_bonus")

    assert (second.checkout_id, second.url) == (first.checkout_id, "https://polar.example/1")


def test_a_limited_offer_whose_checkout_expired_can_be_opened_anew(account: int, shelf: Shelf) -> None:
    first = wanted(account, "holiday_bonus")
    opened(first)
    with clock.at(clock.now() + timedelta(hours=25)):
        assert wanted(account, "holiday_bonus").checkout_id != first.checkout_id


def test_an_offer_that_has_ended_is_refused_with_the_reason(account: int, shelf: Shelf) -> None:
    with clock.at(clock.now() + timedelta(days=31)), pytest.raises(packages.PackageUnavailable, match="has ended"):
        wanted(account, "holiday_bonus")


def test_a_package_that_is_not_connected_to_polar_is_refused_with_the_reason(account: int, app: Flask) -> None:
    with transaction():
        packages.seed({})
    with pytest.raises(packages.PackageUnavailable, match="not connected"):
        wanted(account, "starter")


def test_a_package_that_does_not_exist_is_not_found(account: int, shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        wanted(account, "platinum")


def test_the_same_key_leads_to_the_same_checkout(account: int, shelf: Shelf) -> None:
    first = wanted(account, "starter", idempotency="k")
    opened(first)
    again = wanted(account, "starter", idempotency="k")

    assert (again.checkout_id, again.url, again.replayed) == (first.checkout_id, "https://polar.example/1", True)


def test_the_same_key_for_another_package_is_refused(account: int, shelf: Shelf) -> None:
    opened(wanted(account, "starter", idempotency="k"))
    with pytest.raises(ledger.IdempotencyMismatch):
        wanted(account, "business", idempotency="k")


def test_a_key_that_charged_credits_can_not_open_a_checkout(account: int, shelf: Shelf) -> None:
    with transaction():
        ledger.spend(account, ledger.Charge(amount=ledger.LARGEST_AMOUNT / 100_000_000, key="k"))
    with pytest.raises(ledger.IdempotencyMismatch):
        wanted(account, "starter", idempotency="k")


def test_a_key_is_one_accounts_own(account: int, charlie: identity.User, shelf: Shelf) -> None:
    mine = wanted(account, "starter", idempotency="k")

    assert wanted(identity.account_id_of(charlie), "starter", idempotency="k").checkout_id != mine.checkout_id


def test_a_twin_waits_while_the_first_asks_polar(account: int, shelf: Shelf) -> None:
    wanted(account, "starter", idempotency="k")
    with pytest.raises(checkout.StillOpening):
        wanted(account, "starter", idempotency="k")


def test_a_request_that_died_on_the_way_is_tried_again_under_its_key(account: int, shelf: Shelf) -> None:
    first = wanted(account, "starter", idempotency="k")
    with clock.at(clock.now() + timedelta(minutes=1)):
        assert wanted(account, "starter", idempotency="k").checkout_id == first.checkout_id


def test_what_polar_refused_is_tried_again_under_its_key(account: int, shelf: Shelf) -> None:
    first = wanted(account, "starter", idempotency="k")
    with transaction():
        checkout.failed(first.checkout_id, "busy")
    again = wanted(account, "starter", idempotency="k")

    assert (again.checkout_id, again.url) == (first.checkout_id, None)


def test_anothers_checkout_does_not_exist(account: int, charlie: identity.User, shelf: Shelf) -> None:
    mine = wanted(account, "starter")
    with pytest.raises(NotFound):
        checkout.of_account(identity.account_id_of(charlie), mine.checkout_id)
