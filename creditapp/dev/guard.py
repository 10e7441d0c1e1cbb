"""The guard: a tiny process that outlives ``flask dev`` by a moment, and ends its parts when it was killed.

It reads ``+ <process group>`` and ``- <process group>`` from a pipe whose other end only the supervisor holds. However
the supervisor ends, the pipe closes; then every group that is still on the list is killed, and whatever else carries
the run's mark in its environment, such as a part that was started a moment before it could be put on the list.
It imports nothing of ours: ``python -I -S guard.py MARK``.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path

ROUNDS = 5


def main(mark: str) -> None:
    """Keep the list until the pipe closes, then kill what is on it."""
    for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin.buffer:
        sign, _, number = line.partition(b" ")
        (groups.add if sign == b"+" else groups.discard)(int(number))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    for _ in range(ROUNDS):
        left = _marked(mark.encode())
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return


def _marked(mark: bytes) -> list[int]:
    """Living processes with the mark in their environment; none where the system does not show environments."""
    found = []
    with contextlib.suppress(OSError):
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


if __name__ == "__main__":
    main(sys.argv[1])
