"""``python -m tests.ledger.mutants``: hand-made mistakes in the ledger, each of which the tests must find.

Every mistake is one substitution in a copy of the tree, never in the tree itself; the tests named beside it run on the
copy. One that survives, or that can't be made any more, is a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from creditapp.config import ROOT

NEEDED = ("creditapp", "tests", "migrations", "templates", "static", "pyproject.toml", "wsgi.py", "worker.py")
SECONDS = 180


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake: what is wrong, in which file, what stands there, what stands there instead, and who must find it."""

    words: str
    file: str
    right: str
    wrong: str
    found_by: str


MUTANTS = (
    Mutant(
        "a grant does not settle first",
        "grants.py",
        "    moment = dues.bring_up_to_date(account).moment\n    if transaction_type",
        "    moment = journal.moment_of(account)\n    if transaction_type",
        "tests/ledger/test_payers.py",
    ),
    Mutant(
        "credits can be spent at the instant of their expiry",
        "attempt.py",
        "AND (next_expiry_at IS NULL OR next_expiry_at > max(updated_at, :moment))",
        "AND (next_expiry_at IS NULL OR next_expiry_at >= max(updated_at, :moment))",
        "tests/ledger/test_expire.py",
    ),
    Mutant(
        "a taken key's credits are not put back",
        "attempt.py",
        "        execute(_PUT_BACK, given)\n",
        "",
        "tests/ledger/test_spend.py",
    ),
    Mutant(
        "a charge may take what is held",
        "attempt.py",
        "WHERE id = :account AND balance - reserved >= :amount",
        "WHERE id = :account AND balance >= :amount",
        "tests/ledger/test_holds.py",
    ),
    Mutant(
        "a charge takes the key of a hold",
        "attempt.py",
        'given["key"] is not None and execute(USED_ELSEWHERE, given)',
        "False",
        "tests/ledger/test_together.py",
    ),
    Mutant(
        "who went together is told another's answer",
        "crowd.py",
        "zip(group, answers, strict=False)",
        "zip(reversed(group), answers, strict=False)",
        "tests/ledger/test_crowd.py",
    ),
    Mutant(
        "who went together goes again alone after a failure that may have charged",
        "crowd.py",
        "                caller.error = error\n",
        "                pass\n",
        "tests/ledger/test_crowd.py",
    ),
    Mutant(
        "debt does not stop a charge",
        "attempt.py",
        "AND (debt = 0 OR :in_debt)",
        "AND 1 = 1",
        "tests/ledger/test_spend.py",
    ),
    Mutant(
        "a clawback takes what is held",
        "returns.py",
        "min(amount, account.available)",
        "min(amount, account.balance)",
        "tests/ledger/test_holds.py",
    ),
    Mutant(
        "credits in repay no debt",
        "journal.py",
        "    if not amount:\n        return\n    lots.revoke",
        "    if amount:\n        return\n    lots.revoke",
        "tests/ledger/test_returns.py",
    ),
    Mutant(
        "a reversal goes back to the lots taken first",
        "returns.py",
        "end = charge.axis_from + left",
        "end = charge.axis_from + amount",
        "tests/ledger/test_reversals.py",
    ),
    Mutant(
        "a key moves credits twice",
        "journal.py",
        "    if key is None:\n        return None\n",
        "    return None\n",
        "tests/ledger/test_grant.py",
    ),
    Mutant(
        "a correction down leaves the lots as they are",
        "grants.py",
        "    lots.revoke(account, -amount)\n",
        "",
        "tests/ledger/test_adjust.py",
    ),
    Mutant(
        "the account forgets when credits fall due",
        "lots.py",
        "    account.next_expiry_at = min(",
        "    account.next_expiry_at = account.next_expiry_at or min(",
        "tests/ledger/test_expire.py",
    ),
    Mutant(
        "numbers are not counted on",
        "journal.py",
        "    account.last_number += 1\n",
        "    account.last_number += 2\n",
        "tests/ledger/test_grant.py",
    ),
    Mutant(
        "a capture beyond the hold is never refused",
        "holds.py",
        "    if beyond and not policy().overrun_into_debt:",
        "    if beyond and policy().overrun_into_debt:",
        "tests/ledger/test_holds.py",
    ),
    Mutant(
        "a refund takes bonuses before other purchases",
        "returns.py",
        "key=lambda lot: CLAWBACK_ORDER[lot.source]",
        "key=lambda lot: -CLAWBACK_ORDER[lot.source]",
        "tests/ledger/test_returns.py",
    ),
    Mutant(
        "credits that return past their expiry are given no grace",
        "returns.py",
        "lot.expires_at <= moment:\n        lot.expires_at = moment",
        "lot.expires_at > moment:\n        lot.expires_at = moment",
        "tests/ledger/test_reversals.py",
    ),
    Mutant(
        "what an open hold covers expires under it",
        "timeline.py",
        "expiring = min(sum((lot.remaining for lot in due), Decimal(0)), self.available)",
        "expiring = min(sum((lot.remaining for lot in due), Decimal(0)), self.balance)",
        "tests/ledger/test_holds.py",
    ),
    Mutant(
        "a lot that fell due under a hold is booked after the hold has ended",
        "timeline.py",
        "            yield from self._expire(hold.expires_at, strictly=True)\n",
        "",
        "tests/ledger/test_expire.py",
    ),
    Mutant(
        "a charge out of a hold is not counted on its day",
        "holds.py",
        "    buckets.count(account, record)\n",
        "",
        "tests/usage/test_roll_ups.py",
    ),
    Mutant(
        "an operation given back in part counts as given back whole",
        "returns.py",
        "complete=amount == left",
        "complete=True",
        "tests/usage/test_roll_ups.py",
    ),
    Mutant(
        "what is given back counts today",
        "buckets.py",
        'SELECT u.account_id, local_day(u.created_at, coalesce(a.counted_in, a.time_zone)), "\n',
        'SELECT u.account_id, local_day(a.updated_at, coalesce(a.counted_in, a.time_zone)), "\n',
        "tests/usage/test_roll_ups.py",
    ),
    Mutant(
        "days are counted in the new zone before all is counted anew",
        "attempt.py",
        'watch_level, coalesce(counted_in, time_zone)"',
        'watch_level, time_zone"',
        "tests/usage/test_roll_ups.py",
    ),
    Mutant(
        "a hold outlives its time",
        "dues.py",
        "Hold.expires_at <= moment)",
        "Hold.expires_at < moment)",
        "tests/ledger/test_holds.py",
    ),
)


def main() -> int:
    """Make every mistake; how many were not found."""
    survived = 0
    with tempfile.TemporaryDirectory(prefix="creditapp-mutants-") as folder:
        copy = Path(folder)
        for name in NEEDED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        tests = sorted({mutant.found_by for mutant in MUTANTS})
        if complaint := _complaint(copy, tests):
            print(f"The tests fail without any mistake, so that they say nothing:\n{complaint}")
            return 1
        for mutant in MUTANTS:
            survived += not _is_found(mutant, copy)
    print(f"{len(MUTANTS) - survived} of {len(MUTANTS)} mistakes found.")
    return 1 if survived else 0


def _is_found(mutant: Mutant, copy: Path) -> bool:
    file = copy / "creditapp" / "ledger" / mutant.file
    right = file.read_text()
    if right.count(mutant.right) != 1:
        print(f"can't be made  {mutant.words}: its place in {mutant.file} is gone")
        return False
    file.write_text(right.replace(mutant.right, mutant.wrong))
    try:
        complaint = _complaint(copy, [mutant.found_by])
    finally:
        file.write_text(right)
    print(f"{'found' if complaint else 'SURVIVED':<14} {mutant.words}: {complaint or mutant.found_by}")
    return complaint is not None


def _complaint(copy: Path, tests: list[str]) -> str | None:
    """The first test that fails on the copy; None where all pass."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-k", "not postgresql", *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"               {' '.join(tests)} did not end within {SECONDS} s")
        return None
    if ran.returncode == 0:
        return None
    failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].partition(" - ")[0] if failed else ran.stdout[-500:] + ran.stderr[-500:]


if __name__ == "__main__":
    sys.exit(main())
