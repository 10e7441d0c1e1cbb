"""The app behind a real web server, Polar's stand-in as a program of its own, and the cast."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from creditapp import identity, ledger, packages
from creditapp.db import transaction
from creditapp.packages.starter_set import STARTER_SET
from tests.conftest import PASSWORD, signed_up
from tests.flows.house import PATIENCE_SECONDS, WEBHOOKS, Door, Polar, Program, Visitor, eventually, letters_in
from tests.polar_stand_in.program import SECRET, TOKEN

Shelf = dict[str, packages.CreditPackage]


@pytest.fixture(scope="package")
def door() -> Iterator[Door]:
    """Where the app of each test is reached."""
    door = Door()
    yield door
    door.close()


@pytest.fixture(scope="package")
def across_the_street(tmp_path_factory: pytest.TempPathFactory, door: Door) -> Iterator[Polar]:
    """The stand-in for Polar, started once."""
    program = Polar(tmp_path_factory.mktemp("polar"), door.url + WEBHOOKS)
    program.start()
    yield program
    program.close()


@pytest.fixture
def polar(across_the_street: Polar) -> Iterator[Polar]:
    """Polar, delivering its webhooks in good order; when the test is over, none of its own is still on the way."""
    yield across_the_street
    across_the_street.control("webhooks")
    assert eventually(lambda: across_the_street.has_told_all, seconds=PATIENCE_SECONDS)


@pytest.fixture
def more_settings(door: Door, polar: Polar) -> dict[str, Any]:
    """The app knows its own address, and Polar's."""
    return {
        "app_url": door.url,
        "polar_server": polar.base,
        "polar_access_token": TOKEN,
        "polar_webhook_secret": (SECRET,),
    }


@pytest.fixture
def web(app: Flask, door: Door, shelf: Shelf) -> Iterator[Callable[[], httpx.Client]]:
    """The app, open for everybody; call it for a client with cookies of its own."""
    door.open_for(app)
    clients: list[httpx.Client] = []

    def client() -> httpx.Client:
        clients.append(httpx.Client(base_url=door.url, timeout=PATIENCE_SECONDS))
        return clients[-1]

    yield client
    for one in clients:
        one.close()
    door.shut()


@pytest.fixture(scope="package")
def products(across_the_street: Polar) -> dict[str, str]:
    """The ids of the five products at Polar, by package."""
    return {key: across_the_street.sell(name, cents).id for key, name, _, cents, _ in STARTER_SET}


@pytest.fixture
def shelf(app: Flask, products: dict[str, str]) -> Shelf:
    """The five packages, each sold at Polar."""
    with transaction():
        packages.seed({**products})
    return {one.key: one for one in packages.everything()}


@pytest.fixture
def alice(app: Flask) -> identity.User:
    """She owns an account with 100 welcome credits. Polar, who outlives the test, never heard of her."""
    return signed_up(f"alice-{ledger.new_id()}@example.com", app)


@pytest.fixture
def charlie(app: Flask) -> identity.User:
    """A stranger with an account of his own."""
    return signed_up(f"charlie-{ledger.new_id()}@example.com", app)


@pytest.fixture
def program(web: Callable[[], httpx.Client], make_key: Callable[..., str], account: int) -> Program:
    """Alice's program."""
    return Program(web(), make_key(account))


@pytest.fixture
def browser(web: Callable[[], httpx.Client], alice: identity.User) -> Visitor:
    """Alice's browser, signed in."""
    return Visitor(web()).sign_in(alice.email, PASSWORD)


@pytest.fixture
def operators_browser(web: Callable[[], httpx.Client], bob: identity.User) -> Visitor:
    """The browser of Bob, who is an operator."""
    return Visitor(web()).sign_in(bob.email, PASSWORD)


@pytest.fixture
def arrived(polar: Polar, run_jobs: Callable[[], None]) -> Callable[[str], None]:
    """``arrived(order id)``: Polar has told everything about the order, and all work behind the web is done."""

    def until_all_is_done(order_id: str) -> None:
        assert eventually(lambda: polar.has_told(order_id), seconds=PATIENCE_SECONDS), polar.deliveries(order_id)
        run_jobs()

    return until_all_is_done


@pytest.fixture
def letters(app: Flask) -> Callable[[], list[Any]]:
    """The letters that were sent so far."""
    folder: Path = app.extensions["settings"].data
    return lambda: letters_in(folder)
