"""Whether the embedded database's tables are as this version of the product wants them.

Asked without the application, which takes longer to load than anything else at the start.
"""

import contextlib
import re
import sqlite3

from creditapp.config import ROOT
from creditapp.dev.folder import DataFolder


def are_current(folder: DataFolder) -> bool:
    """Whether ``flask db upgrade`` would do nothing; False where that can't be told at once."""
    path = folder.path / "credits.sqlite"
    if not path.exists():
        return False
    wanted, replaced = set(), set()
    for migration in (ROOT / "migrations" / "versions").glob("*.py"):
        text = migration.read_text()
        wanted.update(re.findall(r'^revision = "(\w+)"', text, re.MULTILINE))
        replaced.update(re.findall(r'^down_revision = "(\w+)"', text, re.MULTILINE))
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            found = {version for (version,) in connection.execute("SELECT version_num FROM alembic_version")}
    except sqlite3.Error:
        return False
    return bool(found) and found == wanted - replaced
