"""One stand-in for the folder, and another one of its own for a test that breaks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .people import Person
from .program import SECRET, Shop, StandIn


@pytest.fixture(scope="session")
def shop() -> Iterator[Shop]:
    """Where the shared stand-in's webhooks arrive."""
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[StandIn]:
    """The shared program; tests look only at what they made themselves."""
    program = StandIn(tmp_path_factory.mktemp("polar"), shop.url).start()
    yield program
    program.close()


@pytest.fixture
def own_shop() -> Iterator[Shop]:
    """A receiver for one test."""
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture
def webhook_secret() -> str:
    """The secret of ``own_stand_in``; a test parametrizes it to choose another."""
    return SECRET


@pytest.fixture
def own_stand_in(tmp_path: Path, own_shop: Shop, webhook_secret: str) -> Iterator[StandIn]:
    """A program for one test: it may be turned, killed and started again."""
    program = StandIn(tmp_path, own_shop.url, secret=webhook_secret).start()
    yield program
    program.close()


@pytest.fixture
def ada(own_stand_in: StandIn) -> Person:
    """Somebody whose card pays."""
    return Person(own_stand_in, "ada")
