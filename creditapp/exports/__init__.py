"""All data of an account as one archive, made in the background.

Invariants: one at a time per account; its row is the work, so that one whose worker died is made again; an archive
holds nothing of anybody else, no secret and no hash; it is read page by page, however much it is; its file is deleted
a day after it was ready, and so is every file that no row names.
"""

from creditapp.exports.archive import write
from creditapp.exports.cells import cell, plain
from creditapp.exports.desk import (
    Claim,
    TakenOver,
    claim,
    expire,
    file_of,
    files,
    finished,
    give_up_or_postpone,
    is_ready,
    latest,
    note,
    of_account,
    request,
    sweep,
    waiting,
)
from creditapp.exports.models import DataExport
from creditapp.exports.parts import Part
from creditapp.exports.subjects import LEFT_OUT, PARTS

__all__ = [
    "LEFT_OUT",
    "PARTS",
    "Claim",
    "DataExport",
    "Part",
    "TakenOver",
    "cell",
    "claim",
    "expire",
    "file_of",
    "files",
    "finished",
    "give_up_or_postpone",
    "is_ready",
    "latest",
    "note",
    "of_account",
    "plain",
    "request",
    "sweep",
    "waiting",
    "write",
]
