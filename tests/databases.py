"""A fresh, migrated database for every test, of either kind, in a few hundredths of a second.

Append-only triggers let nothing be deleted, so nothing is cleaned: SQLite copies a migrated file, PostgreSQL a migrated
template. One PostgreSQL serves the whole run, every xdist worker has databases of its own.
"""

import fcntl
import itertools
import os
import shutil
import subprocess
import tempfile
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
import pytest
from flask import Flask
from jinja2 import FileSystemBytecodeCache

from creditapp.app import create_app
from creditapp.config import ROOT, Settings
from creditapp.db import db
from tests.postgres import OwnServer, PostgresServer

SQLITE, POSTGRESQL = "sqlite", "postgresql"
KINDS = (SQLITE, POSTGRESQL)
SHARED_FOLDER = "CREDITAPP_TESTS_FOLDER"
SECRET_KEY = "the secret key of the tests, long enough to be accepted"
# Nobody listens there, and the answer "no" comes at once.
NO_REDIS = f"unix://{tempfile.gettempdir()}/creditapp-tests-no-redis.sock"


def app_on(url: str, data: Path, **settings: Any) -> Flask:
    """The application on the database of *url*, deaf to the environment and to the files of this machine."""
    given: dict[str, Any] = {"secret_key": SECRET_KEY, "redis_url": NO_REDIS, "database_url": url, **settings}
    made = create_app(Settings(_env_file=None, CREDITAPP_DATA=data, **given))
    made.jinja_env.bytecode_cache = _compiled_templates()
    return made


@cache
def _compiled_templates() -> FileSystemBytecodeCache | None:
    """Templates compiled once for all apps of a run, not for every test anew."""
    shared = os.environ.get(SHARED_FOLDER)
    return FileSystemBytecodeCache(tempfile.mkdtemp(prefix="templates-", dir=shared)) if shared else None


def migrate(app: Flask, revision: str = "head") -> None:
    """Bring the app's database to *revision*."""
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"), revision=revision)
        db.engine.dispose()


class Databases:
    """Where tests get their databases from. *shared* is one folder for the run, *own* is this process's."""

    def __init__(self, shared: Path, own: Path) -> None:
        self._shared, self._own = shared, own
        self._numbers = itertools.count(1)
        self._prefix = f"creditapp_test_{os.getpid()}"
        self._made: list[str] = []

    def fresh(self, kind: str) -> str:
        """The address of a new, migrated database."""
        number = next(self._numbers)
        if kind == SQLITE:
            file = self._own / f"{number}.sqlite"
            shutil.copyfile(self._sqlite_template, file)
            return f"sqlite:///{file}"
        return self._on_postgres(f"{self._prefix}_{number}", self._postgres_template)

    def empty(self, kind: str) -> str:
        """The address of a new database without any table."""
        number = next(self._numbers)
        if kind == SQLITE:
            return f"sqlite:///{self._own / f'{number}.sqlite'}"
        return self._on_postgres(f"{self._prefix}_{number}", None)

    def forget(self, url: str) -> None:
        """Remove a database."""
        if url.startswith(SQLITE):
            for ending in ("", "-wal", "-shm"):
                Path(url.removeprefix("sqlite:///") + ending).unlink(missing_ok=True)
        else:
            self._drop(url.partition("?")[0].rpartition("/")[2])

    def close(self) -> None:
        """Leave no database behind."""
        for name in list(self._made):
            self._drop(name)

    @cached_property
    def server(self) -> PostgresServer:
        """The PostgreSQL of this run; skips the test where there can be none."""
        if address := os.environ.get("TEST_DATABASE_URL"):
            server = PostgresServer(address)
            try:
                psycopg.connect(address).close()
            except psycopg.OperationalError as error:
                pytest.skip(f"PostgreSQL at TEST_DATABASE_URL can't be reached: {error}")
            return server
        own = own_server(self._shared)
        failure = self._shared / "postgresql-can-not-start"
        with (self._shared / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not own.started and not failure.exists():
                try:
                    own.start()
                except (OSError, ImportError, subprocess.SubprocessError) as error:
                    said = getattr(error, "stderr", None)
                    failure.write_text(said.decode(errors="replace") if said else str(error))
        if failure.exists():
            pytest.skip(f"PostgreSQL can't start here, and TEST_DATABASE_URL is not set: {failure.read_text()}")
        return own

    @cached_property
    def _sqlite_template(self) -> Path:
        file = self._own / "template.sqlite"
        app = app_on(f"sqlite:///{file}", self._own)
        migrate(app)
        return file

    @cached_property
    def _postgres_template(self) -> str:
        name = f"{self._prefix}_template"
        migrate(app_on(self._on_postgres(name, None), self._own))
        return name

    def _on_postgres(self, name: str, template: str | None) -> str:
        url = self.server.database(name, template)
        self._made.append(name)
        return url

    def _drop(self, name: str) -> None:
        self.server.drop(name)
        self._made.remove(name)


def own_server(shared: Path) -> OwnServer:
    """The server of our own that the processes of one run share."""
    return OwnServer(shared / "postgresql")
