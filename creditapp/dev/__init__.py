"""``flask dev``: the whole product on one machine, with nothing to sign up for.

Where to begin reading: ``supervisor.py`` starts everything in order, brings back what dies and ends it all;
``parts.py`` is what there is to start; ``folder.py`` and ``settings_file.py`` are what stays on disk; ``guard.py`` is
why nothing is left behind when the supervisor itself is killed.

Invariants: every file lies in the data folder (only a socket whose path would be too long lies elsewhere); each part
is a process group of its own, known to the guard; secrets travel in files and environments, never in command lines.
"""

from creditapp.dev.folder import CannotStart, DataFolder
from creditapp.dev.supervisor import Supervisor, Wishes

__all__ = ["CannotStart", "DataFolder", "Supervisor", "Wishes"]
