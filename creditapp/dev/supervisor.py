"""The supervisor: starts everything in order, brings back what dies, and ends it all."""

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from types import FrameType

from creditapp.config import ROOT
from creditapp.dev import forking, knocking, parts, products, settings_file, tables
from creditapp.dev.folder import CannotStart, DataFolder
from creditapp.dev.keeper import Keeper
from creditapp.dev.running import Part, Running

LOOK_SECONDS = 0.1
START_SECONDS = 60.0
# Together below the ten seconds after which somebody loses patience.
END_SECONDS = {"web": 4.0, "worker": 4.0, "clock": 4.0, "polar": 2.0, "valkey": 2.0}
END_ORDER = (("web", "worker", "clock"), ("polar", "valkey"))
PORTS_DIFFER = "--port and --polar-port must be two different ports."


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line."""

    data: Path
    port: int
    polar_port: int
    workers: int
    reset: bool


class Stopped(Exception):
    """Somebody asked us to stop."""


class Supervisor:
    """One run of ``flask dev``. *greeting* is printed when everything answers."""

    def __init__(self, wishes: Wishes, greeting: Callable[[Wishes, bool], str]) -> None:
        self._wishes, self._greeting = wishes, greeting
        self._folder = DataFolder(wishes.data)
        self._running: list[Running] = []
        self._due: dict[str, float] = {}
        self._asked = 0
        self._mark = secrets.token_hex(16)

    def run(self) -> None:
        """Everything, until asked to stop. Raises CannotStart; nothing is left running then."""
        for asking in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(asking, self._ask)
        self._refuse_early()
        self._folder.hold()
        if self._wishes.reset:
            self._folder.empty()
        self._keeper = Keeper(f"{parts.MARK}={self._mark}", self._folder.lock or 0)
        try:
            self._folder.forget_pids()
            self._keeper.start()
            with suppress(Stopped):
                self._start()
                self._look_after()
        finally:
            self._end()

    # -- the order of things

    def _refuse_early(self) -> None:
        """Everything that can be seen to go wrong before anything is written or started."""
        wishes = self._wishes
        if not (ROOT / "wsgi.py").exists():
            message = "flask dev needs the project's own folder: clone it, and install it with pip install -e ."
            raise CannotStart(message)
        self._folder.refuse_if_held()
        if wishes.reset:
            self._folder.check_ours()
        ours = {wishes.port: "--port"}
        if not os.environ.get("POLAR_SERVER"):
            if wishes.polar_port == wishes.port:
                raise CannotStart(PORTS_DIFFER)
            ours[wishes.polar_port] = "--polar-port"
        for port, option in ours.items():
            try:
                free = knocking.is_free(port)
            except PermissionError:
                message = f"Port {port} may not be used by you. Choose one above 1023 with {option}."
                raise CannotStart(message) from None
            if not free:
                message = f"Port {port} is taken by another program. Stop that one, or choose another with {option}."
                raise CannotStart(message)

    def _start(self) -> None:
        """Start every part, each as soon as what it needs is there, and say so when all of them answer."""
        wishes, folder = self._wishes, self._folder
        say("Starting. This takes a few seconds, the first time a few more.")
        settings = settings_file.decide(folder, os.environ, port=wishes.port, polar_port=wishes.polar_port)
        settings.write(folder)
        has_stand_in = "POLAR_SERVER" not in settings.replaced
        environment = partial(parts.environment, os.environ, settings, folder, self._mark)

        # 1. What needs nothing.
        if "REDIS_URL" not in settings.replaced:
            self._launch(parts.valkey(folder, environment()))
        if has_stand_in:
            self._launch(parts.polar(folder, environment(), port=wishes.polar_port, web_port=wishes.port))
        forking.load()
        current = "DATABASE_URL" not in settings.replaced and tables.are_current(folder)
        migration = None if current else self._begin(parts.flask_command(environment(), "db", "upgrade"))

        # 2. What is sold, at the stand-in; the parts that follow must know its ids.
        if has_stand_in:
            self._wait(lambda: self._is_up("polar"), "polar")
            try:
                products.connect(settings, polar_port=wishes.polar_port)
            except (OSError, HTTPException) as error:
                message = f"The stand-in for Polar does not answer ({type(error).__name__}). Its log: log/polar.log."
                raise CannotStart(message) from error
            settings.write(folder)

        # 3. What needs the tables.
        if migration is not None:
            self._finish(migration, "The database could not be prepared")
        demo = self._begin(parts.flask_command(environment(), "seed", "--demo"))
        self._launch(parts.web(environment(), port=wishes.port))
        for number in range(1, wishes.workers + 1):
            self._launch(parts.worker(environment(), number))
        self._launch(parts.clock(environment()))
        self._finish(demo, "The demo data could not be made")

        for running in self._running:
            self._wait(partial(self._is_up, running.part.name), running.part.name)
        say(self._greeting(wishes, has_stand_in))
        say(f"ready http://{knocking.LOCAL}:{wishes.port}")

    def _look_after(self) -> None:
        """Bring back what dies, until asked to stop."""
        while True:
            self._check()
            for running in self._running:
                if running.has_ended:
                    self._bring_back(running)
            time.sleep(LOOK_SECONDS)

    def _bring_back(self, running: Running) -> None:
        name = running.part.name
        if name not in self._due:
            running.clear_away()
            pause = running.pause()
            self._due[name] = time.monotonic() + pause
            again = (
                f"trying again in {pause:.0f} s. Its log: {self._folder.log_path(name)}"
                if pause
                else "starting it again."
            )
            say(f"{name} {running.how_it_ended}; {again}")
        if time.monotonic() >= self._due[name]:
            del self._due[name]
            running.start()

    def _end(self) -> None:
        """End everything: first who takes work and does it, then what they rely on."""
        if self._running:
            say("Stopping.")
        for wave in END_ORDER:
            ending = [running for running in self._running if running.part.name.partition("-")[0] in wave]
            for running in ending:
                running.ask_to_end()
            give_up = time.monotonic() + max(END_SECONDS[name] for name in wave)
            while not all(running.has_ended for running in ending) and time.monotonic() < give_up and self._asked < 2:
                time.sleep(LOOK_SECONDS / 4)
            for running in ending:
                running.clear_away()
        self._keeper.dismiss()
        self._folder.forget_pids()
        self._folder.remove_socket()
        self._folder.release()

    # -- steps

    def _launch(self, part: Part) -> None:
        running = Running(part, self._folder, self._keeper)
        self._running.append(running)
        running.start()

    def _begin(self, part: Part) -> Running:
        """Start a command that ends by itself."""
        running = Running(part, self._folder, self._keeper)
        running.start()
        return running

    def _finish(self, command: Running, complaint: str) -> None:
        """Wait for a command to end well. Raises CannotStart with its last words."""
        try:
            self._wait(lambda: command.has_ended, command.part.name)
        finally:
            command.clear_away()
            self._folder.forget_pid(command.part.name)
        if not command.ended_well:
            name = command.part.name
            message = f"{complaint}: {self._folder.last_words(name)} (all of it: {self._folder.log_path(name)})"
            raise CannotStart(message)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until it is so. Raises CannotStart when a part ends meanwhile, or after a minute."""
        give_up = time.monotonic() + START_SECONDS
        while not condition():
            self._check()
            self._refuse_early_deaths()
            if time.monotonic() > give_up:
                message = f"{what} does not answer after {START_SECONDS:.0f} s. Its log: {self._folder.log_path(what)}"
                raise CannotStart(message)
            time.sleep(LOOK_SECONDS / 4)

    def _refuse_early_deaths(self) -> None:
        for running in self._running:
            if running.has_ended:
                name = running.part.name
                said, log = self._folder.last_words(name), self._folder.log_path(name)
                message = f"{name} {running.how_it_ended}: {said} (all of it: {log})"
                raise CannotStart(message)

    def _is_up(self, name: str) -> bool:
        return all(running.is_up for running in self._running if running.part.name == name)

    def _check(self) -> None:
        """Raises Stopped when asked to stop; and nothing goes on without a guard."""
        if self._asked:
            raise Stopped
        self._keeper.look_after()

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self._asked += 1


def say(words: str) -> None:
    """Tell the person at the terminal, if there still is one."""
    with suppress(OSError):
        print(words, flush=True)
        return
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  (nobody listens any more)
