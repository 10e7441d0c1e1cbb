"""Drills on the real, running product: ``python -m tests.faults [--full] [--database postgresql] [drill ...]``.

Each drill starts a ``flask dev`` of its own, does harm, and holds the books to every promise. The exit code is 1 when
one was broken.
"""

import os

os.environ["CREDITAPP_CHEAP_PASSWORDS"] = "1"  # of the people that drills make

import argparse
import secrets
import shutil
import sys
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from creditapp import clock
from creditapp.config import Settings
from tests.databases import KINDS, POSTGRESQL, SQLITE, Databases, own_server
from tests.faults.drills import DRILLS, Drill
from tests.faults.product import CouldNotStart, Product, on_its_own_postgresql, running
from tests.faults.report import Report

for _name in Settings.model_fields:  # what this machine is set up for is nothing to a drill
    os.environ.pop(_name.upper(), None)


def main() -> int:
    """Run the drills that were asked for and print what each found; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("drills", nargs="*", metavar="drill", help=f"default: all of {', '.join(DRILLS)}")
    parser.add_argument("--full", action="store_true", help="at full size: minutes each")
    parser.add_argument("--database", choices=KINDS, default=SQLITE)
    parser.add_argument("--seed", type=int, help="repeats a run's choices, though not its timing")
    asked = parser.parse_args()
    if unknown := [name for name in asked.drills if name not in DRILLS]:
        parser.error(f"there is no drill {unknown[0]!r}; there are {', '.join(DRILLS)}")
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    shared = Path(tempfile.mkdtemp(prefix="drills-"))
    databases = Databases(shared, shared)
    broken = 0
    print(f"{clock.now():%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {sys.version.split()[0]}", flush=True)
    try:
        for name in asked.drills or DRILLS:
            report = _run(name, databases, asked.database, full=asked.full, seed=seed)
            broken += len(report.broken)
            print(f"\n{report}", flush=True)
    except (CouldNotStart, pytest.skip.Exception) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if own_server(shared).started:
            own_server(shared).stop()
        shutil.rmtree(shared, ignore_errors=True)
    return 1 if broken else 0


def _run(name: str, databases: Databases, kind: str, *, full: bool, seed: int) -> Report:
    drill = DRILLS[name]
    with (
        tempfile.TemporaryDirectory(prefix="drill-") as folder,
        _product(drill, databases, kind, Path(folder)) as product,
    ):
        return drill.run(product, drill.full if full else drill.short, seed)


def _product(drill: Drill, databases: Databases, kind: str, folder: Path) -> AbstractContextManager[Product]:
    if drill.on_its_own_postgresql:
        return on_its_own_postgresql(folder)
    return running(folder, databases.fresh(POSTGRESQL) if kind == POSTGRESQL else None)


if __name__ == "__main__":
    sys.exit(main())
