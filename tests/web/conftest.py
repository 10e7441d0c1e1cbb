"""People at their browsers, and a stand-in for Polar where they pay."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import identity
from tests.polar_stand_in.program import Shop, StandIn


@pytest.fixture
def browser_of(
    app: Flask, sign_in: Callable[[FlaskClient, identity.User], None]
) -> Callable[[identity.User], FlaskClient]:
    """A browser in which this person is signed in."""

    def opened(person: identity.User) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, person)
        return browser

    return opened


@pytest.fixture
def browser(browser_of: Callable[[identity.User], FlaskClient], alice: identity.User) -> FlaskClient:
    """Alice's browser, signed in."""
    return browser_of(alice)


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Shop]:
    """Where the stand-in's webhooks arrive, until a test carries them to the app."""
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def polar(tmp_path_factory: pytest.TempPathFactory, mailbox: Shop) -> Iterator[StandIn]:
    """The stand-in for Polar, running."""
    program = StandIn(tmp_path_factory.mktemp("polar"), mailbox.url).start()
    yield program
    program.close()
