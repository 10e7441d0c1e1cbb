"""One running product a database, for all the drills of this folder."""

import random
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.databases import SQLITE, Databases
from tests.faults.drills import DRILLS
from tests.faults.product import Product, on_its_own_postgresql, running


@pytest.fixture(scope="session")
def product(database_kind: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A real ``flask dev``."""
    url = None if database_kind == SQLITE else databases.fresh(database_kind)
    with running(tmp_path_factory.mktemp("d"), url) as made:
        yield made
    if url is not None:
        databases.forget(url)


@pytest.fixture(scope="module")
def product_on_its_own_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One whose database may be killed."""
    with on_its_own_postgresql(tmp_path_factory.mktemp("d")) as made:
        yield made


@pytest.fixture
def drilled_there(product_on_its_own_postgresql: Product, full: bool) -> Callable[[str], None]:
    """The same where the database may be killed."""
    return partial(_drill, product_on_its_own_postgresql, full)


@pytest.fixture
def drilled(product: Product, full: bool) -> Callable[[str], None]:
    """Do a drill of this name, and fail with its report where it broke a promise."""

    return partial(_drill, product, full)


def _drill(product: Product, full: bool, name: str) -> None:
    drill = DRILLS[name]
    report = drill.run(product, drill.full if full else drill.short, random.randrange(1_000_000))
    print(report)
    assert not report.broken, str(report)
