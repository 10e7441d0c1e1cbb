"""A real ``flask dev`` in a folder of its own, found again by a mark in its environment."""

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from creditapp.config import ROOT, Settings

MARK = "CREDITAPP_TESTS_MARK"
PARTS = ("web", "worker", "clock", "valkey", "polar")
READY_SECONDS, STOP_SECONDS = 60, 10
PORTS = (20_000, 31_000)


def eventually(condition: Callable[[], Any], seconds: float) -> Any:
    """The first true answer within *seconds*, else the last one."""
    give_up = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < give_up:
        time.sleep(0.05)
    return answer


def free_port() -> int:
    """A port nobody listens on, below those that the system gives out by itself."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Instance:
    """One ``flask dev``: started, asked, killed, stopped."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data, self.mark = data, uuid.uuid4().hex
        self.port, self.polar_port = free_port(), free_port()
        self.output = data.parent / f"{data.name[:20]}.out"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """As a newcomer's shell: none of our settings, and the mark."""
        ours = {"CREDITAPP_CHEAP_PASSWORDS", "CREDITAPP_DATA", *(name.upper() for name in Settings.model_fields)}
        kept = {name: value for name, value in os.environ.items() if name not in ours}
        return {**kept, "HOME": str(self.data.parent), MARK: self.mark, **self._environment}

    def start(self, *options: str) -> "Instance":
        """Start, and return when it is ready or has ended."""
        ports = ("--port", str(self.port), "--polar-port", str(self.polar_port))
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flask", "dev", *ports, "--data", str(self.data), *options],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        eventually(lambda: self.is_ready or self.exit_code is not None, READY_SECONDS)
        return self

    @property
    def words(self) -> str:
        """What it printed."""
        return self.output.read_text()

    @property
    def is_ready(self) -> bool:
        """Whether it said so, on a line of its own."""
        return f"ready http://127.0.0.1:{self.port}" in self.words.split("\n")

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def pid_of(self, part: str) -> int:
        """The pid that the part's file names."""
        return int((self.data / "run" / f"{part}.pid").read_text())

    def processes(self) -> dict[int, str]:
        """Every living process of this instance, by pid, with its command line."""
        found = {}
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and is_alive(int(entry.name)):
                    marked = f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes().split(b"\0")
                    if marked:
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "", port: int = 0) -> tuple[int, Any]:
        """One call over HTTP: status and JSON; status 0 where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            try:
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                return 0, None
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def flask(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A later ``flask`` command in another terminal, which only knows the data folder."""
        return subprocess.run(
            [sys.executable, "-m", "flask", *words],
            cwd=ROOT,
            env={**self.environment, "CREDITAPP_DATA": str(self.data)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def wait_until_gone(self, seconds: float) -> dict[int, str]:
        """What is still there of it after so long; nothing where all is well."""
        eventually(lambda: self.exit_code is not None and not self.processes(), seconds)
        return self.processes()

    def stop(self) -> dict[int, str]:
        """Ask it to stop; what is left after ten seconds."""
        os.kill(self.pid, signal.SIGTERM)
        return self.wait_until_gone(STOP_SECONDS)

    def close(self) -> None:
        """End what a failed test left."""
        while left := self.processes():
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    """An instance that is not started yet."""
    made = Instance(tmp_path / "data")
    yield made
    made.close()
