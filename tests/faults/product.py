"""The product under drill: a real ``flask dev``, its Valkey in our hands, its database seen from outside."""

import contextlib
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from dotenv import dotenv_values
from flask import Flask

from creditapp import identity, ledger
from creditapp.config import ROOT
from creditapp.db import db, transaction
from tests.databases import app_on
from tests.dev.conftest import Instance, eventually, free_port
from tests.faults.calling import call
from tests.postgres import OwnServer
from tests.valkey import Valkey

WELCOME = identity.Welcome(credits=100, expires_days=90)
START_SECONDS, END_SECONDS = 60, 10
KEEPING = ("-c synchronous_commit=on", "-c fsync=on", "-c shared_buffers=64MB")
PASSWORD = "four plain words together"


class CouldNotStart(Exception):
    """The product did not become ready; the words are its own."""


class Product:
    """One ``flask dev``. Its Valkey is not the embedded one: it keeps nothing on disk, and we kill or freeze it.

    A PostgreSQL of its own can be killed, too; one that it shares with other tests can't.
    """

    def __init__(self, folder: Path, database_url: str | None, postgresql: OwnServer | None = None) -> None:
        self.valkey, self.postgresql = Valkey(folder), postgresql
        # Python keeps what it compiled, as it does on any machine that does not forbid it.
        replaced = {"REDIS_URL": self.valkey.url, "PYTHONDONTWRITEBYTECODE": ""}
        if database_url is not None:
            replaced["DATABASE_URL"] = database_url
        self.instance = Instance(folder / "data", **replaced)
        self.folder = folder

    def start(self) -> None:
        """Start everything. Raises CouldNotStart."""
        self.valkey.start()
        self.instance.start()
        if not self.instance.is_ready:
            raise CouldNotStart(self.instance.words)
        self.settings = dotenv_values(self.instance.data / "run" / "env", interpolate=False)
        self.database: Flask = app_on(str(self.settings["DATABASE_URL"]), self.folder / "outside")

    def stop(self) -> None:
        """End everything, whatever state a drill left it in."""
        self.instance.close()
        self.valkey.stop()
        if hasattr(self, "database"):
            with self.database.app_context():
                db.engine.dispose()

    @property
    def kind(self) -> str:
        """The database it runs on."""
        return "SQLite" if str(self.settings["DATABASE_URL"]).startswith("sqlite") else "PostgreSQL"

    @property
    def port(self) -> int:
        """Where the web listens."""
        return self.instance.port

    @property
    def webhook_secret(self) -> str:
        """What Polar signs with."""
        return (self.instance.data / "run" / "webhook-secret").read_text().strip().partition(",")[0]

    def accounts(self, count: int) -> list[int]:
        """New accounts, each with a person who owns it and 100 welcome credits."""
        return [self._account() for _ in range(count)]

    def give(self, account_id: int, credits: int) -> None:
        """More credits to spend, as a bonus."""
        with self.database.app_context(), transaction():
            ledger.grant(account_id, Decimal(credits), transaction_type="bonus", key=f"drill:{uuid.uuid4()}")

    def key_for(self, account_id: int) -> str:
        """A key with which a program spends the account's credits."""
        with self.database.app_context(), transaction():
            return identity.create_key(account_id, name="drill", scopes=("read", "consume"), live=False)

    def kill(self, part: str, *, whole: bool = False) -> bool:
        """``kill -9`` to a part that runs, or to all its processes at once, and whether it ran.

        The supervisor brings it back; Valkey and PostgreSQL, which are ours, we do.
        """
        if part == "postgresql" and self.postgresql is not None:
            self.postgresql.kill()
            return True
        if part == "valkey":
            self.valkey.stop()
            self.valkey.start()
            return True
        with contextlib.suppress(OSError, ValueError):
            pid = self.instance.pid_of(part)
            if pid in self.instance.processes():
                (os.killpg if whole else os.kill)(pid, signal.SIGKILL)
                return True
        return False

    def is_ready(self, port: int | None = None) -> bool:
        """Whether the web answers, and has all it needs."""
        return call(port or self.port, "GET", "/readyz").status == 200

    @contextlib.contextmanager
    def frozen_valkey(self) -> Iterator[None]:
        """Valkey accepts connections and answers nobody."""
        os.kill(self.valkey.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.valkey.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def stopped_valkey(self) -> Iterator[None]:
        """There is no Valkey."""
        self.valkey.stop()
        try:
            yield
        finally:
            self.valkey.start()

    @contextlib.contextmanager
    def second_web(self) -> Iterator[int]:
        """Another web process on the same database: its port."""
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
        with (self.folder / "second-web.log").open("ab") as log:
            web = subprocess.Popen(
                [*command, "--blocking-threads", "4", "--no-ws", "wsgi:app"],
                cwd=ROOT,
                env={**self.instance.environment, "CREDITAPP_DATA": str(self.instance.data)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            if not eventually(lambda: self.is_ready(port), START_SECONDS):
                raise CouldNotStart((self.folder / "second-web.log").read_text())
            yield port
        finally:
            web.terminate()
            try:
                web.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                web.kill()
                web.wait()

    def _account(self) -> int:
        with self.database.app_context(), transaction():
            return identity.account_id_of(identity.sign_up(f"{uuid.uuid4()}@example.com", PASSWORD, WELCOME))


@contextlib.contextmanager
def on_its_own_postgresql(folder: Path) -> Iterator[Product]:
    """The product on a PostgreSQL that keeps what it committed, whatever happens to it. Raises CouldNotStart."""
    server = OwnServer(folder / "postgresql", KEEPING)
    try:
        server.start()
        with running(folder, server.database("drill"), server) as product:
            yield product
    finally:
        server.stop()


@contextlib.contextmanager
def running(folder: Path, database_url: str | None = None, postgresql: OwnServer | None = None) -> Iterator[Product]:
    """The product on SQLite, or on the database of an address. Raises CouldNotStart."""
    product = Product(folder, database_url, postgresql)
    try:
        product.start()
        yield product
    finally:
        product.stop()
