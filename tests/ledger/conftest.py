"""The books of these tests are kept in one database: every test opens accounts of its own and leaves the books true."""

from collections.abc import Iterator

import pytest
from flask import Flask

from creditapp.app import ledger_policy
from creditapp.db import db
from tests.databases import Databases, app_on


@pytest.fixture(scope="session")
def books(databases: Databases, database_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The app on the database of all these tests."""
    url = databases.fresh(database_kind)
    made = app_on(url, tmp_path_factory.mktemp("books"))
    yield made
    with made.app_context():
        db.engine.dispose()
    databases.forget(url)


@pytest.fixture
def app(books: Flask, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The app in a context, with a session of this test's own, and the policy that its settings say."""
    marker, usual = request.node.get_closest_marker("settings"), books.extensions["ledger_policy"]
    if marker:
        settings = books.extensions["settings"].model_copy(update=marker.kwargs)
        books.extensions["ledger_policy"] = ledger_policy(settings)
    with books.app_context():
        yield books
        db.session.remove()
    books.extensions["ledger_policy"] = usual


@pytest.fixture
def scratch(databases: Databases, database_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The app on a database of this test alone, which may be spoiled."""
    url = databases.fresh(database_kind)
    made = app_on(url, tmp_path_factory.mktemp("scratch"))
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()
    databases.forget(url)
