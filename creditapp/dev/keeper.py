"""The supervisor's end of the pipe to the guard."""

import contextlib
import subprocess
import sys

from creditapp.dev import guard

GOODBYE_SECONDS = 3.0


class Keeper:
    """Tells the guard which process groups run; when the guard dies, starts another and tells it all of them."""

    def __init__(self, mark: str, held_lock: int) -> None:
        self._mark, self._held_lock = mark, held_lock
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the guard. It holds the folder's lock too, so that nobody starts before it has cleared away."""
        self._close_pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(guard.__file__), self._mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(self._held_lock,),
            cwd="/",
            bufsize=0,
        )
        for group in self._groups:
            self._tell("+", group)

    def look_after(self) -> None:
        """Start the guard anew if it is gone."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def watch(self, group: int) -> None:
        """This process group is ours."""
        self._groups.add(group)
        self._tell("+", group)

    def forget(self, group: int) -> None:
        """This process group has ended."""
        self._groups.discard(group)
        self._tell("-", group)

    def dismiss(self) -> None:
        """Close the pipe and wait until the guard is gone."""
        self._close_pipe()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GOODBYE_SECONDS)
        self._process = None

    def _tell(self, sign: str, group: int) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):  # it is gone; the next one is told everything
                self._process.stdin.write(f"{sign} {group}\n".encode())

    def _close_pipe(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
