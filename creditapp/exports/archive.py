"""The archive, written part by part: a ZIP of CSV for people and JSON for programs. Memory never grows with it."""

import csv
import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import simplejson

from creditapp.db import db
from creditapp.exports.cells import as_cell, as_json, moment
from creditapp.exports.desk import Claim
from creditapp.exports.parts import Part
from creditapp.exports.subjects import LEFT_OUT, PARTS

ONLY_OURS = 0o600
WELCOME = """All data of your account, as of {moment}.

Each subject is there twice: as CSV for spreadsheets and as JSON for programs. Times are in UTC. Credits are exact to
the millionth; money is in the smallest unit of its currency. A text that a spreadsheet would run begins with an
apostrophe in the CSV.

In here:
{inside}

Not in here: passwords, secrets and their hashes, and
{outside}
"""


def write(claim: Claim, path: Path, note: Callable[[int, int], None]) -> int:
    """Write the archive to *path*; how many bytes it has.

    After every page *note* is told how many rows are done, and of how many at most.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    total = 2 * sum(part.count(claim.account_id) for part in PARTS)  # each is read for CSV and for JSON
    db.session.rollback()
    done = 0

    def pages(part: Part) -> Iterator[Sequence[Any]]:
        nonlocal done
        for page in part.pages(claim.account_id, claim.at):
            yield page
            done += len(page)
            note(done, total)

    note(0, total)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, ONLY_OURS), "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _welcome(claim))
            for part in PARTS:
                for ending, written in (("csv", _as_csv), ("json", _as_json)):
                    with (
                        archive.open(f"{part.name}.{ending}", "w", force_zip64=True) as entry,
                        io.TextIOWrapper(entry, "utf-8", newline="") as text,
                    ):
                        written(part, pages(part), text)
        file.flush()
        os.fsync(file.fileno())
    return path.stat().st_size


def _as_csv(part: Part, pages: Iterator[Sequence[Any]], text: IO[str]) -> None:
    lines = csv.writer(text)
    lines.writerow(part.header)
    for page in pages:
        lines.writerows([as_cell(value) for value in row] for row in page)


def _as_json(part: Part, pages: Iterator[Sequence[Any]], text: IO[str]) -> None:
    before = "[\n"
    for page in pages:
        for row in page:
            found = {name: as_json(name, value) for name, value in zip(part.header, row, strict=True)}
            text.write(before + simplejson.dumps(found, use_decimal=True, ensure_ascii=False))
            before = ",\n"
    text.write("[]\n" if before == "[\n" else "\n]\n")


def _welcome(claim: Claim) -> str:
    return WELCOME.format(
        moment=moment(claim.at),
        inside="\n".join(f"- {part.name}: {part.what}" for part in PARTS),
        outside="\n".join(f"- {why}" for why in LEFT_OUT.values()),
    )
