"""A program behind the web server that ``flask dev`` starts, with its processes and threads."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from creditapp.config import ROOT
from creditapp.dev import knocking, parts
from creditapp.dev.forking import Program
from tests.bench.house import House
from tests.databases import SECRET_KEY
from tests.dev.conftest import eventually, free_port

START_SECONDS, STOP_SECONDS = 60.0, 20.0


@contextmanager
def served(house: House, application: str = "wsgi:app", *, path: str = "/readyz") -> Iterator[int]:
    """*application* on a port of its own, which is told; it answers at *path*."""
    port = free_port()
    environment = _environment(house, port)
    command = parts.web(environment, port=port).command
    assert isinstance(command, Program)
    words = [*command.words[:-1], application]
    with (house.folder / f"{application}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "granian", *words], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            if not eventually(lambda: process.poll() is not None or knocking.answers(port, path), START_SECONDS):
                message = f"{application} did not start: see its log"
                raise TimeoutError(message)
            yield port
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _environment(house: House, port: int) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": SECRET_KEY,
        "APP_URL": f"http://127.0.0.1:{port}",
        "DATABASE_URL": house.url,
        "REDIS_URL": house.redis_url,
        "CREDITAPP_DATA": str(house.folder / "data"),
        "MALLOC_ARENA_MAX": str(parts.MALLOC_ARENAS),
    }
