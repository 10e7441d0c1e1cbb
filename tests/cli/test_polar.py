"""``flask polar`` and ``flask webhooks``, against the stand-in for Polar over real HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from creditapp import ledger, packages
from creditapp.cli.polar import WEBHOOKS
from creditapp.db import db, transaction
from creditapp.identity import AuditEvent
from creditapp.packages import CreditPackage
from creditapp.webhooks import SUBSCRIPTION
from tests.conftest import WEBHOOK_SECRETS
from tests.deliveries import deliver, order_paid
from tests.polar_stand_in.program import TOKEN, StandIn

Run = Callable[..., Result]
PUBLIC = "https://credits.example.com"


@pytest.fixture
def polar(tmp_path: Any) -> Any:
    """A Polar organization of its own: empty, but for the endpoint the stand-in begins with."""
    program = StandIn(tmp_path / "polar", "http://127.0.0.1:9/webhooks/polar/credits")
    program.start()
    yield program
    program.close()


@pytest.fixture
def more_settings(polar: StandIn) -> dict[str, Any]:
    return {"polar_server": polar.base, "polar_access_token": TOKEN, "app_url": PUBLIC}


@pytest.fixture
def flask(app: Flask) -> Run:
    """Run ``flask <arguments>`` and give what it said."""

    def run(*arguments: str) -> Result:
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return run


def products(polar: StandIn) -> list[Any]:
    return list(polar.polar.products.iter_list(limit=100))


def endpoint(polar: StandIn) -> Any:
    return next(
        one for one in polar.polar.webhooks.list_webhook_endpoints(limit=100).items if one.url == PUBLIC + WEBHOOKS
    )


def test_setup_makes_a_product_for_every_package_and_the_endpoint_and_doing_it_again_makes_nothing(
    flask: Run, polar: StandIn
) -> None:
    said = flask("polar", "setup")
    assert said.exit_code == 0, said.output
    made = {one.metadata["package_key"]: one for one in products(polar)}
    assert set(made) == {"starter", "professional", "business", "enterprise", "holiday_bonus"}
    assert made["professional"].metadata["package_type"] == "credit_package"
    assert made["professional"].metadata["credits_amount"] == 5_000
    assert made["professional"].prices[0].price_amount == 40_00
    assert {one.key: one.polar_product_id for one in packages.everything()} == {
        key: one.id for key, one in made.items()
    }
    assert set(endpoint(polar).events) == set(SUBSCRIPTION)
    assert f"POLAR_WEBHOOK_SECRET={endpoint(polar).secret}" in said.output

    again = flask("polar", "setup")
    assert again.exit_code == 0
    assert len(products(polar)) == 5
    assert again.output.count("is there") == 5
    assert (
        len(
            [
                one
                for one in polar.polar.webhooks.list_webhook_endpoints(limit=100).items
                if one.url == PUBLIC + WEBHOOKS
            ]
        )
        == 1
    )


def test_setup_finds_products_again_that_the_database_does_not_know(flask: Run, polar: StandIn) -> None:
    flask("polar", "setup")
    with transaction():
        for package in packages.everything():
            package.polar_product_id = None
    said = flask("polar", "setup")

    assert said.output.count("was found") == 5
    assert len(products(polar)) == 5


def test_setup_switches_a_disabled_endpoint_on_again(flask: Run, polar: StandIn) -> None:
    flask("polar", "setup")
    polar.polar.webhooks.update_webhook_endpoint(endpoint(polar).id, enabled=False)
    assert "switched on" in flask("polar", "setup").output

    assert endpoint(polar).enabled


@pytest.mark.settings(app_url="http://127.0.0.1:5000")
def test_setup_says_that_polar_delivers_to_public_addresses_only(flask: Run, polar: StandIn) -> None:
    said = flask("polar", "setup")

    assert said.exit_code == 1
    assert "set APP_URL to the address of your server or tunnel" in said.output
    assert len(products(polar)) == 5


@pytest.mark.settings(polar_credits_starter_product_id="00000000-0000-4000-8000-000000000000")
def test_setup_refuses_a_product_id_that_polar_does_not_have(flask: Run) -> None:
    said = flask("polar", "setup")

    assert said.exit_code == 1
    assert "POLAR_CREDITS_STARTER_PRODUCT_ID" in said.output


@pytest.mark.settings(polar_access_token="polar_oat_nobody")
def test_a_wrong_token_is_said_in_words(flask: Run, polar: StandIn) -> None:
    polar.control("fail_next", path="/v1/products", status=401, times=9)
    said = flask("polar", "setup")

    assert said.exit_code == 1
    assert "Polar refused" in said.output


@pytest.mark.settings(polar_server="http://127.0.0.1:1")
@pytest.mark.parametrize("command", ["setup", "sync", "reconcile"])
def test_a_polar_that_can_t_be_reached_is_said_in_words(flask: Run, command: str) -> None:
    said = flask("polar", command)

    assert said.exit_code == 1
    assert "Polar did not answer as it should" in said.output


def test_sync_makes_packages_of_products_whose_metadata_says_so(flask: Run, polar: StandIn) -> None:
    polar.polar.products.create(
        name="Team Pack",
        description="For teams",
        prices=[{"amount_type": "fixed", "price_amount": 80_00, "price_currency": "usd"}],
        metadata={"package_type": "credit_package", "credits_amount": "12500", "featured": "true", "sort_order": 7},
    )
    polar.sell("A mug", 9_00)
    said = flask("polar", "sync")
    assert said.exit_code == 0
    assert "added     Team Pack" in said.output

    [package] = packages.everything()
    assert (package.key, package.credits, package.price_cents, package.featured) == ("team_pack", 12_500, 80_00, True)
    assert "unchanged Team Pack" in flask("polar", "sync").output
    polar.polar.products.update(str(package.polar_product_id), is_archived=True)
    assert "changed   Team Pack" in flask("polar", "sync").output
    assert not db.session.scalars(select(CreditPackage)).one().active


@pytest.mark.parametrize(
    ("metadata", "word"),
    [
        ({"credits_amount": "many"}, "credits_amount"),
        ({"credits_amount": -5}, "credits_amount"),
        ({}, "credits_amount"),
        ({"credits_amount": 5, "package_key": "Über"}, "package_key"),
        ({"credits_amount": 5, "max_purchases_per_account": "often"}, "max_purchases_per_account"),
        ({"credits_amount": 5, "available_until": "some day"}, "available_until"),
    ],
)
def test_sync_skips_what_it_can_t_read_and_says_why(
    flask: Run, polar: StandIn, metadata: dict[str, Any], word: str
) -> None:
    polar.polar.products.create(
        name="Odd",
        prices=[{"amount_type": "fixed", "price_amount": 80_00, "price_currency": "usd"}],
        metadata={"package_type": "credit_package", **metadata},
    )
    said = flask("polar", "sync")

    assert said.exit_code == 0
    assert "skipped   Odd" in said.output
    assert word in said.output
    assert packages.everything() == []


def test_what_setup_wrote_sync_reads_as_it_was(flask: Run) -> None:
    flask("polar", "setup")
    said = flask("polar", "sync")

    assert said.output.count("unchanged") == 5, said.output


def test_what_the_metadata_does_not_say_stays_as_it_is(flask: Run, polar: StandIn) -> None:
    flask("polar", "setup")
    holiday = packages.by_key("holiday_bonus")
    ends, product_id = holiday.expires_at, str(holiday.polar_product_id)
    metadata = {"package_type": "credit_package", "package_key": "holiday_bonus", "credits_amount": 8_000}
    polar.polar.products.update(product_id, metadata=metadata)
    assert "changed   Holiday Bonus" in flask("polar", "sync").output

    holiday = packages.by_key("holiday_bonus")
    assert (holiday.credits, holiday.expires_at, holiday.max_purchases_per_account) == (8_000, ends, 1)


@pytest.fixture
def delivered(client: FlaskClient, account: int, run_jobs: Callable[[], None]) -> int:
    """An order of a product that was not ours when it came; the id of its event."""
    with transaction():
        packages.seed({})
        packages.by_key("starter").polar_product_id = "product-starter"
    event = order_paid(packages.by_key("starter"), account)
    with transaction():
        packages.by_key("starter").polar_product_id = None
    deliver(client, event, WEBHOOK_SECRETS[0], webhook_id="msg_of_polar")
    run_jobs()
    return 1


@pytest.mark.parametrize("name", ["1", "msg_of_polar"])
def test_an_event_is_listed_and_handled_once_more_when_its_reason_is_gone(
    flask: Run, delivered: int, account: int, name: str
) -> None:
    assert "is not one of our packages" in flask("webhooks", "list").output
    assert "msg_of_polar" in flask("webhooks", "list", "--state", "ignored").output
    assert "No event is in this state." in flask("webhooks", "list", "--state", "dead").output
    with transaction():
        packages.by_key("starter").polar_product_id = "product-starter"

    said = flask("webhooks", "replay", name)
    assert said.exit_code == 0
    assert "processed" in said.output
    assert ledger.balance(account).available == 1_100
    flask("webhooks", "replay", name)
    assert ledger.balance(account).available == 1_100
    assert len(db.session.scalars(select(AuditEvent).where(AuditEvent.action == "replay")).all()) == 2


@pytest.mark.parametrize("name", ["99", "no-such-id"])
def test_an_event_that_does_not_exist_is_said_in_words(flask: Run, name: str) -> None:
    said = flask("webhooks", "replay", name)

    assert said.exit_code == 1
    assert "There is no such event." in said.output
