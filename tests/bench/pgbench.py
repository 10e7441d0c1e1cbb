"""The yardstick: the very statement that a charge is, sent by pgbench; without it by the driver, in threads."""

import re
import shutil
import subprocess
import threading
import time
import uuid
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from creditapp import ledger
from creditapp.ledger import attempt, spending
from tests.bench.house import House

CLIENTS, THREADS = 16, 2
LARGEST_KEY = 2**62
WORD = re.compile(r"(?<!:):(\w+)")


def name() -> str:
    """What the yardstick is here."""
    found = shutil.which("pgbench")
    if found is None:
        return "the raw driver in threads, since there is no pgbench"
    return subprocess.run([found, "--version"], check=True, capture_output=True, text=True).stdout.strip()


class Yardstick:
    """Charges of one credit, each under a key of its own, on accounts 1 to *accounts* of *url*."""

    def __init__(self, house: House, accounts: int, url: str | None = None) -> None:
        self._url = url or house.url
        self._accounts = accounts
        self._script = house.folder / f"charge-{uuid.uuid4().hex}.sql"
        self._script.write_text(
            f"\\set account random(1, {accounts})\n\\set key random(1, {LARGEST_KEY})\n{_statement()};\n"
        )

    def per_second(self, seconds: int, clients: int = CLIENTS) -> float:
        """How many a second."""
        program = shutil.which("pgbench")
        return self._by_pgbench(program, seconds, clients) if program else self._by_driver(seconds, clients)

    def _by_pgbench(self, program: str, seconds: int, clients: int) -> float:
        parts = urlsplit(self._url)
        host, database = parse_qs(parts.query)["host"][0], parts.path[1:]
        command = [program, "-n", "-M", "prepared", "-c", str(clients), "-j", str(THREADS), "-T", str(seconds)]
        command += ["-f", str(self._script), "-h", host, "-U", "postgres", database]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"tps = ([0-9.]+)", told)
        assert found, told
        return float(found[1])

    def _by_driver(self, seconds: int, clients: int) -> float:
        statement = WORD.sub(r"%(\1)s", _statement())
        counts = [0] * clients

        def charge(number: int) -> None:
            with psycopg.connect(self._url, autocommit=True, prepare_threshold=0) as connection:
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    key = uuid.uuid4()
                    connection.execute(statement, {"account": key.int % self._accounts + 1, "key": str(key)})
                    counts[number] += 1

        threads = [threading.Thread(target=charge, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / seconds


def _statement() -> str:
    """The charge's own statement; all but the account and the key is written out."""
    charge = ledger.Charge(amount=Decimal(1), operation_type="basic_api_call")
    given: dict[str, Any] = spending._parameters(0, charge) | {"moment": None}

    def written(word: re.Match[str]) -> str:
        return word[0] if word[1] in {"account", "key"} else _literal(given[word[1]])

    return WORD.sub(written, str(attempt._CALL))


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else f"'{value}'"
