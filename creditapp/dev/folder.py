"""The data folder of one instance: what lies where, whose it is, and how it is emptied."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from creditapp.errors import CreditAppError

# A socket's address has room for 108 bytes, the last of them a zero.
LONGEST_SOCKET_PATH = 107
LARGEST_LOG = 5 * 1024 * 1024
# After `kill -9` of an earlier run its guard needs a moment to clear away.
LOCK_SECONDS = 2.0
CONTENT = ("credits.sqlite", "credits.sqlite-wal", "credits.sqlite-shm", "log", "mail", "polar", "run", "valkey")
LOCK = "lock"


class CannotStart(CreditAppError):
    """Nothing runs; the sentence says what to do."""

    code, status = "cannot_start", 500


class DataFolder:
    """The folder, held by one ``flask dev`` at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run, self.logs = path / "run", path / "log"
        self.lock: int | None = None
        self._socket_folder: Path | None = None

    def refuse_if_held(self) -> None:
        """Raises CannotStart while another ``flask dev`` runs on this folder."""
        if (self.run / LOCK).exists():
            self._take_lock()
            self.release()

    def hold(self) -> None:
        """Make the folder where it is missing, and keep others off it. Raises CannotStart."""
        try:
            for folder in (self.path, self.run, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_lock()
        except OSError as error:
            message = f"The data folder {self.path} can't be used ({error.strerror}). Choose another with --data."
            raise CannotStart(message) from error

    def release(self) -> None:
        """Let the next one have it."""
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    def check_ours(self) -> None:
        """Raises CannotStart where the folder holds something and was not made by ``flask dev``."""
        if self.path.exists() and any(self.path.iterdir()) and not (self.run / "env").exists():
            message = (
                f"{self.path} was not made by flask dev, so --reset leaves it alone. "
                "Empty it yourself, or choose another with --data."
            )
            raise CannotStart(message)

    def empty(self) -> None:
        """Delete everything we made; what others put there stays. The folder must be held."""
        for name in CONTENT:
            for path in self.run.iterdir() if name == "run" else [self.path / name]:
                if path.name == LOCK:
                    continue
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def write(self, name: str, text: str) -> None:
        """Write ``run/<name>`` whole, readable by its owner only."""
        unfinished = self.run / f".{name}.part"
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        unfinished.replace(self.run / name)

    def write_pid(self, part: str, pid: int) -> None:
        """Write ``run/<part>.pid``."""
        self.write(f"{part}.pid", f"{pid}\n")

    def forget_pid(self, part: str) -> None:
        """Remove ``run/<part>.pid``."""
        (self.run / f"{part}.pid").unlink(missing_ok=True)

    def forget_pids(self) -> None:
        """Remove every pid file: nothing of ours runs."""
        for path in self.run.glob("*.pid"):
            self.forget_pid(path.stem)

    @contextlib.contextmanager
    def log(self, part: str) -> Iterator[BinaryIO]:
        """``log/<part>.log``, open to be written on; one that has grown large is put aside first."""
        path = self.log_path(part)
        if path.exists() and path.stat().st_size > LARGEST_LOG:
            path.replace(path.with_suffix(".log.1"))
        with path.open("ab") as file:
            yield file

    def log_path(self, part: str) -> Path:
        """Where the output of *part* is kept."""
        return self.logs / f"{part}.log"

    def last_words(self, part: str) -> str:
        """The last line that *part* wrote."""
        with contextlib.suppress(OSError):
            lines = self.log_path(part).read_text(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def socket(self) -> Path:
        """Where Valkey's socket lies: in ``run``, or in a private folder where that path would be too long."""
        path = self.run / "valkey.sock"
        if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return path
        if self._socket_folder is None:
            self._socket_folder = self._short_folder()
        return self._socket_folder / "valkey.sock"

    def remove_socket(self) -> None:
        """Leave no socket behind."""
        self.socket().unlink(missing_ok=True)
        if self._socket_folder is not None:
            with contextlib.suppress(OSError):
                self._socket_folder.rmdir()
            self._socket_folder = None

    def _short_folder(self) -> Path:
        """The same folder on each start, so that a killed run leaves nothing for good; never one of somebody else."""
        name = f"creditapp-{os.getuid()}-{hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]}"
        for base in (tempfile.gettempdir(), "/tmp"):  # noqa: S108  (checked below)
            folder = Path(base) / name
            if len(os.fsencode(folder / "valkey.sock")) > LONGEST_SOCKET_PATH:
                continue
            folder.mkdir(mode=0o700, exist_ok=True)
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
                return folder
            return Path(tempfile.mkdtemp(prefix="creditapp-", dir=base))
        message = "The temporary folder's path is too long for a socket. Set TMPDIR to a shorter one."
        raise CannotStart(message)

    def _take_lock(self) -> None:
        lock = os.open(self.run / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        give_up = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() < give_up:
                    time.sleep(0.05)
                    continue
                os.close(lock)
                message = (
                    f"flask dev is already running on {self.path}. Stop that one, or choose another folder with --data."
                )
                raise CannotStart(message) from None
            self.lock = lock
            return
