"""Our own programs as forks of the supervisor, which has loaded them once.

To load the application takes longer than all the rest of its start. A fork has it already, so that a part that died is
back in hundredths of a second, even where others die beside it. (It is the code as it was when ``flask dev`` started.)

Invariants: this process opens no connection and starts no thread of its own before it forks; a fork does nothing
until the guard knows it, and ends if its parent dies first; no file of its parent stays open in it.
"""

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from typing import BinaryIO

from creditapp.config import ROOT
from creditapp.gateway import Gateway

WHAT_TAKES_LONG = ("creditapp.background", "flask_migrate", "granian.cli", "granian.server")
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOWHERE = "http://127.0.0.1:9"
FIRST_OTHER_FILE = 3
BEGIN = b"+"


@dataclass(frozen=True, slots=True)
class Program:
    """A function, as ``package.module:name``, that is called with the words of a command line."""

    function: str
    words: tuple[str, ...]


def load() -> None:
    """Load what our programs need, so that every fork has it."""
    for module in WHAT_TAKES_LONG:
        import_module(module)
    Gateway(NOWHERE, "").warm()
    gc.collect()
    gc.freeze()  # else each fork's first collection would copy all of it


class Fork:
    """One program in a process of its own; to be asked what ``subprocess.Popen`` is asked."""

    def __init__(self, program: Program, environment: Mapping[str, str], log: BinaryIO) -> None:
        may_begin, self._begin = os.pipe()
        self._process = get_context("fork").Process(
            target=_run, args=(program, dict(environment), log.fileno(), may_begin)
        )
        self._process.start()
        os.close(may_begin)
        self.pid: int = self._process.pid or 0
        os.setpgid(self.pid, self.pid)

    def begin(self) -> None:
        """Let it do its work."""
        with contextlib.suppress(BrokenPipeError):  # it was killed meanwhile
            os.write(self._begin, BEGIN)
        os.close(self._begin)

    @property
    def returncode(self) -> int | None:
        """Its exit code, or the signal that ended it, below 0; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self._process.exitcode

    def wait(self) -> None:
        """Wait until it has ended."""
        self._process.join()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def _run(program: Program, environment: Mapping[str, str], log: int, may_begin: int) -> None:
    """In the fork: become what a freshly started program is, and run it."""
    for handled in HANDLED:
        signal.signal(handled, signal.SIG_DFL)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.dup2(may_begin, FIRST_OTHER_FILE)
    os.closerange(FIRST_OTHER_FILE + 1, os.sysconf("SC_OPEN_MAX"))
    if os.read(FIRST_OTHER_FILE, len(BEGIN)) != BEGIN:
        return
    os.close(FIRST_OTHER_FILE)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115  (for as long as it runs)
    sys.stderr = open(2, "w", buffering=1, closefd=False, errors="backslashreplace")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    module, _, name = program.function.partition(":")
    sys.exit(getattr(import_module(module), name)([*program.words]))
