"""One part of the product as a process: started in a group of its own, ended with everything it started."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from creditapp.config import ROOT
from creditapp.dev.folder import DataFolder
from creditapp.dev.forking import Fork, Program
from creditapp.dev.keeper import Keeper
from creditapp.dev.knocking import is_free

# A part that ends by itself sooner than this after its start will hardly do better at once.
SHORT_LIFE_SECONDS = 5.0
SHORT_LIVES_IN_A_ROW = 5
LONGEST_PAUSE_SECONDS = 30.0
PORT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """What there is to start. *port* is the one it listens on; *is_up* says whether it answers."""

    name: str
    command: Sequence[str] | Program
    environment: Mapping[str, str]
    is_up: Callable[[], bool]
    port: int | None = None


class Running:
    """A part that is to be running."""

    def __init__(self, part: Part, folder: DataFolder, keeper: Keeper) -> None:
        self.part = part
        self._folder, self._keeper = folder, keeper
        self._process: subprocess.Popen[bytes] | Fork | None = None
        self._started_at = 0.0
        self._short_lives = 0

    def start(self) -> None:
        """Start it, and write its pid down."""
        with self._folder.log(self.part.name) as log:
            process = self._process = self._started(log)
        self._keeper.watch(process.pid)
        self._folder.write_pid(self.part.name, process.pid)
        if isinstance(process, Fork):
            process.begin()
        self._started_at = time.monotonic()

    @property
    def has_ended(self) -> bool:
        """Whether it was started and runs no more."""
        return self._process is not None and self._process.poll() is not None

    @property
    def is_up(self) -> bool:
        """Whether it runs and answers."""
        return self._process is not None and not self.has_ended and self.part.is_up()

    @property
    def ended_well(self) -> bool:
        """Whether it did what it was to do."""
        return self._process is not None and self._process.returncode == 0

    @property
    def how_it_ended(self) -> str:
        """In words, how it ended."""
        code = (self._process.returncode if self._process else None) or 0
        if code >= 0:
            return f"ended with exit code {code}"
        return f"was ended by {signal.Signals(-code).name}"

    def clear_away(self) -> None:
        """Kill what it left behind, so that nothing of it keeps the port."""
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._keeper.forget(self._process.pid)
        give_up = time.monotonic() + PORT_SECONDS
        while self.part.port is not None and not is_free(self.part.port) and time.monotonic() < give_up:
            time.sleep(0.02)

    def pause(self) -> float:
        """How long to wait before starting it again: 0, unless it keeps ending by itself soon after its start."""
        killed = self._process is not None and self._process.returncode == -signal.SIGKILL
        if killed or time.monotonic() - self._started_at > SHORT_LIFE_SECONDS:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        beyond = self._short_lives - SHORT_LIVES_IN_A_ROW
        return 0.0 if beyond < 0 else min(2.0**beyond, LONGEST_PAUSE_SECONDS)

    def ask_to_end(self) -> None:
        """Ask it to end in good order."""
        if self._process is not None and not self.has_ended:
            self._process.terminate()

    def _started(self, log: BinaryIO) -> subprocess.Popen[bytes] | Fork:
        if isinstance(self.part.command, Program):
            return Fork(self.part.command, self.part.environment, log)
        return subprocess.Popen(
            self.part.command,
            cwd=ROOT,
            env=dict(self.part.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
