"""`python -m tests.bench [--quick] [--json]`: figures as ratios, measured side by side in one run."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import psycopg

from creditapp.config import Settings
from tests.bench import house, pgbench, table
from tests.bench.figure import Figure

LIBRARIES = ("flask", "sqlalchemy", "psycopg", "granian", "polar-sdk")
WIDTHS = (38, 12, 10, 26)


def main() -> int:
    """Measure and print; exit 1 where a figure is not reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows, within a minute")
    parser.add_argument("--json", action="store_true", help="for machines")
    asked = parser.parse_args()
    for name, field in Settings.model_fields.items():  # what this machine is set up for is nothing to the bench
        os.environ.pop(str(field.validation_alias or name).upper(), None)
    with tempfile.TemporaryDirectory(prefix="creditapp-bench-") as folder, house.opened(Path(folder)) as opened:
        versions = _versions(opened)
        if not asked.json:
            print("; ".join(f"{name} {found}" for name, found in versions.items()))
            print(_line("figure", "to reach", "measured", "of"))
        figures = []
        for figure in _figures(opened, table.QUICK if asked.quick else table.FULL):
            figures.append(figure)
            if not asked.json:
                print(_row(figure), flush=True)
    missed = [figure for figure in figures if not figure.is_reached]
    if asked.json:
        told = [asdict(figure) | {"reached": figure.is_reached} for figure in figures]
        print(json.dumps({"versions": versions, "figures": told}, indent=2))
    for figure in missed:
        print(f"not reached: {figure.name.strip()}: {_told(figure.measured)}, not {_goal(figure)}", file=sys.stderr)
    return 1 if missed else 0


def _figures(opened: house.House, effort: table.Effort) -> Iterator[Figure]:
    yield from table.charges(opened, effort)
    yield from table.on_sqlite(opened.folder / "sqlite", effort)
    yield from table.as_it_grows(opened, effort)
    yield table.deliveries(effort)


def _versions(opened: house.House) -> dict[str, str]:
    with psycopg.connect(opened.url) as connection:
        server = connection.info.parameter_status("server_version") or "?"
    libraries = {name: version(name) for name in LIBRARIES}
    return {"Python": sys.version.split()[0], "PostgreSQL": server, "yardstick": pgbench.name()} | libraries


def _row(figure: Figure) -> str:
    line = _line(figure.name, _goal(figure), _told(figure.measured), figure.of)
    return f"{line}  {'' if figure.is_reached else 'NOT REACHED  '}{figure.detail}".rstrip()


def _line(*cells: str) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))


def _goal(figure: Figure) -> str:
    return f"{'<=' if figure.at_most else '>='} {_told(figure.reach)}"


def _told(value: float) -> str:
    return f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
