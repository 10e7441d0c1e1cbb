"""What every test may ask for: an app on a fresh database, people, a browser without a window, background jobs.

``pytest`` runs on SQLite, and tests marked ``both_databases`` on PostgreSQL too; ``--database postgresql`` runs all of
them on PostgreSQL, ``--full`` at full size.
"""

import os

os.environ["CREDITAPP_CHEAP_PASSWORDS"] = "1"

import tempfile
from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import exports, identity, jobs, letters, packages, recharge, webhooks
from creditapp.config import Settings
from creditapp.db import db, transaction
from tests.browsing import Api, Client, csrf_token
from tests.databases import KINDS, SHARED_FOLDER, SQLITE, Databases, app_on, own_server
from tests.leftovers import Watch
from tests.racing import Racers
from tests.valkey import Valkey

for _name, _field in Settings.model_fields.items():  # what this machine is set up for is nothing to a test
    os.environ.pop(str(_field.validation_alias or _name).upper(), None)

# A machine with other work is slow now and then; how fast we are is for the bench to say.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

PASSWORD = "four plain words together"
# Both key rules of Polar, as during a rotation.
WEBHOOK_SECRETS = (
    "whsec_" + "dGhpcnR5LXR3byBieXRlcyBvZiBhIHRlc3Qgc2VjcmU=",
    "polar_whs_an_older_secret_of_the_tests",
)
PRODUCT_IDS = {key: f"product-{key}" for key in ("starter", "professional", "business", "enterprise", "holiday_bonus")}
WATCH = pytest.StashKey[Watch]()
ROUNDS_LIMIT = 20
# In CI nothing of this may be missing: what is skipped there is not tested anywhere.
NEVER_MISSING_IN_CI = ("postgresql", "chromium", "browser", "valkey")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=KINDS, default=SQLITE, help="Which database the suite runs on.")
    parser.addoption("--full", action="store_true", help="Drills and properties at their full size.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: runs on SQLite and on PostgreSQL")
    config.addinivalue_line("markers", "browser: needs Chromium; runs on the whole product as flask dev starts it")
    config.addinivalue_line("markers", "settings(**settings): the app of this test has these settings")
    if not hasattr(config, "workerinput"):
        os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="creditapp-tests-")
        config.stash[WATCH] = Watch(Path(os.environ[SHARED_FOLDER]))


def pytest_unconfigure(config: pytest.Config) -> None:
    if WATCH in config.stash:
        shared = Path(os.environ.pop(SHARED_FOLDER))
        if own_server(shared).started:
            own_server(shared).stop()
        config.stash[WATCH].end()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames and metafunc.definition.get_closest_marker("both_databases"):
        only = metafunc.config.getoption("database")
        kinds = KINDS if only == SQLITE else (only,)
        metafunc.parametrize("database_kind", kinds, indirect=True, scope="session")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and (os.environ.get("CI") or os.environ.get("CREDITAPP_CI")):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if any(word in reason.lower() for word in NEVER_MISSING_IN_CI):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} may not be skipped in CI: {reason}"
    return report


@pytest.fixture(scope="session")
def full(pytestconfig: pytest.Config) -> bool:
    """Whether everything is to run at its full size."""
    return bool(pytestconfig.getoption("full"))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Where databases come from; one that a test makes itself, it gives back with ``forget``."""
    shared = Path(os.environ[SHARED_FOLDER])
    made = Databases(shared, Path(tempfile.mkdtemp(dir=shared)))
    yield made
    made.close()


@pytest.fixture(scope="session")
def database_kind(request: pytest.FixtureRequest) -> str:
    """``sqlite`` or ``postgresql``."""
    return str(getattr(request, "param", request.config.getoption("database")))


@pytest.fixture
def database(databases: Databases, database_kind: str) -> Iterator[str]:
    """The address of a fresh, migrated database."""
    url = databases.fresh(database_kind)
    yield url
    databases.forget(url)


@pytest.fixture
def more_settings() -> dict[str, Any]:
    """Settings of the app beyond the usual ones; a folder of tests may override this."""
    return {}


@pytest.fixture
def app(
    database: str, more_settings: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """The whole application on a fresh database of its own, in a context, with a Redis that is away."""
    marker = request.node.get_closest_marker("settings")
    usual = {"polar_webhook_secret": WEBHOOK_SECRETS, "mail_from": "Credits <credits@example.com>"}
    given = {**usual, **more_settings, **(marker.kwargs if marker else {})}
    made = app_on(database, tmp_path / "data", **given)
    made.test_client_class = Client
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a window or script."""
    return app.test_client()


@pytest.fixture
def alice(app: Flask) -> identity.User:
    """She owns an account with 100 welcome credits."""
    return signed_up("alice@example.com", app)


@pytest.fixture
def bob(app: Flask) -> identity.User:
    """He is an operator: a member of the seller's own staff."""
    return signed_up("bob@example.com", app, operator=True)


@pytest.fixture
def charlie(app: Flask) -> identity.User:
    """A stranger: he has an account of his own, and nothing of Alice's is his."""
    return signed_up("charlie@example.com", app)


@pytest.fixture
def account(alice: identity.User) -> int:
    """Alice's account: 100 welcome credits."""
    return identity.account_id_of(alice)


@pytest.fixture
def shelf(app: Flask) -> dict[str, packages.CreditPackage]:
    """The five packages by key, each connected to a product at Polar."""
    with transaction():
        packages.seed({**PRODUCT_IDS})
    return {package.key: package for package in packages.everything()}


@pytest.fixture
def sign_in() -> Callable[[FlaskClient, identity.User], None]:
    """Sign a person in through the real form."""

    def signed_in(client: FlaskClient, user: identity.User, password: str = PASSWORD) -> None:
        form = {"email": user.email, "password": password, "csrf_token": csrf_token(client.get("/sign-in"))}
        answer = client.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text

    return signed_in


@pytest.fixture
def make_key(app: Flask) -> Callable[..., str]:
    """Make the key of a program: ``make_key(account)`` with every scope, or a service key without an account."""

    def made(account_id: int | None = None, *, scopes: tuple[str, ...] = identity.SCOPES) -> str:
        with transaction():
            return identity.create_key(account_id, name="tests", scopes=scopes, live=False)

    return made


@pytest.fixture
def api(app: Flask) -> Callable[[str | None], Api]:
    """``api(key)`` calls the JSON API as a program with this key does."""
    return lambda key: Api(app.test_client(), key)


@pytest.fixture
def run_jobs(app: Flask) -> Callable[[], None]:
    """Do everything that waits in the background, until nothing is due."""

    def until_nothing_waits() -> None:
        for _ in range(ROUNDS_LIMIT):
            db.session.rollback()  # what others wrote meanwhile counts
            events = webhooks.waiting(1_000, longer_than=timedelta(0))
            posted = letters.waiting(1_000, longer_than=timedelta(0))
            attempts = recharge.waiting(1_000, longer_than=timedelta(0))
            asked = exports.waiting(1_000, longer_than=timedelta(0))
            if not (events or posted or attempts or asked):
                return
            for event_id in events:
                jobs.handle_webhook(event_id)
            for letter_id in posted:
                jobs.send_letter(letter_id)
            for attempt_id in attempts:
                jobs.recharge(attempt_id)
            for export_id in asked:
                jobs.export_data(export_id)
        message = "the jobs make more jobs without end"
        raise AssertionError(message)

    return until_nothing_waits


@pytest.fixture(scope="session")
def racers() -> Iterator[Racers]:
    """Processes that call at the same moment."""
    started = Racers()
    yield started
    started.close()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """One Valkey for this process."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir=os.environ[SHARED_FOLDER]))
    server = Valkey(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """An empty Valkey: let ``more_settings`` give its ``url`` as ``redis_url`` for an app that rings there."""
    valkey_server.empty()
    return valkey_server


def signed_up(email: str, app: Flask, *, operator: bool = False) -> identity.User:
    """A new person with an account and its welcome credits."""
    settings: Settings = app.extensions["settings"]
    welcome = identity.Welcome(settings.welcome_credits, settings.bonus_expires_days)
    with transaction():
        return identity.sign_up(email, PASSWORD, welcome, operator=operator)
