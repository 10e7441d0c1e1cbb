"""One running product a database, for all the drills of this folder."""

import random
from collections.abc import Callable, Iterator

import pytest

from tests.databases import SQLITE, Databases
from tests.faults.drills import DRILLS
from tests.faults.product import Product, running


@pytest.fixture(scope="session")
def product(database_kind: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A real ``flask dev``."""
    url = None if database_kind == SQLITE else databases.fresh(database_kind)
    with running(tmp_path_factory.mktemp("d"), url) as made:
        yield made
    if url is not None:
        databases.forget(url)


@pytest.fixture
def drilled(product: Product, full: bool) -> Callable[[str], None]:
    """Do a drill of this name, and fail with its report where it broke a promise."""

    def done(name: str) -> None:
        drill = DRILLS[name]
        report = drill.run(product, drill.full if full else drill.short, random.randrange(1_000_000))
        print(report)
        assert not report.broken, str(report)

    return done
