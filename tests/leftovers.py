"""Nothing the tests started outlives them, not even where they are killed."""

import shutil
import subprocess
from pathlib import Path

STOP_SECONDS = 20
# Ends when the tests end, however they do: their end of the pipe closes. SIGINT stops both servers at once.
WATCH = """
cat > /dev/null
for file in "$1"/postgresql/data/postmaster.pid "$1"/*/valkey.pid; do
    [ -e "$file" ] && kill -INT "$(head -n 1 "$file")"
done
rm -rf "$1"
"""


class Watch:
    """A process that waits for the end of this one, stops the servers in *folder* and removes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            ["sh", "-c", WATCH, "watch", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the tests alone
        )

    def end(self) -> None:
        """The tests are over."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
