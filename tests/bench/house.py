"""The house that is measured: a PostgreSQL of its own that waits for the disk, a Valkey, and accounts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from creditapp import clock, identity, ledger
from creditapp.db import db, is_postgres, transaction
from tests.databases import app_on, migrate
from tests.postgres import OwnServer
from tests.valkey import Valkey

ACCOUNTS, HOT = 10_000, 1  # accounts are numbered from 1; one of them is hot
TEMPLATE = "filled"
HOLDING = Decimal(1_000_000_000)
DURABLE = ("-c synchronous_commit=on", "-c fsync=on", "-c shared_buffers=512MB", "-c max_wal_size=8GB")
UNDISTURBED = ("-c autovacuum_naptime=1h", "-c checkpoint_timeout=1h")  # when they come must not decide who wins


@dataclass(frozen=True, slots=True)
class House:
    """What is measured. *key* is a service key: it charges any account, as a seller's own program does."""

    folder: Path
    server: OwnServer
    url: str
    redis_url: str
    key: str


@contextmanager
def opened(folder: Path) -> Iterator[House]:
    """PostgreSQL, filled with accounts, and Valkey; both end with the block."""
    server, valkey = OwnServer(folder / "postgresql", (*DURABLE, *UNDISTURBED)), Valkey(folder)
    try:
        server.start()
        valkey.start()
        key = fill(server.database(TEMPLATE), folder)
        url = server.database("bench", template=TEMPLATE)
        with app_on(url, folder / "data").app_context():
            yield House(folder, server, url, valkey.url, key)
            db.session.remove()
            db.engine.dispose()
    finally:
        valkey.stop()
        server.stop()


def fill(url: str, folder: Path) -> str:
    """Accounts on a new database, and a service key, which is told."""
    app = app_on(url, folder / "data")
    migrate(app)
    with app.app_context():
        open_accounts(ACCOUNTS)
        with transaction():
            key = identity.create_key(None, name="bench", scopes=identity.SCOPES, live=False)
        db.session.remove()
        db.engine.dispose()
    return key


def open_accounts(count: int) -> None:
    """Accounts numbered from 1, each with one purchase of credits that won't run out; the books tie out."""
    now = clock.now()
    numbers = range(1, count + 1)
    moment = {"opened_at": now, "updated_at": now}
    bought = {"transaction_type": "purchase", "number": 1, "key": "opening", "processed_at": now}
    booked = {"amount": HOLDING, "balance_before": Decimal(0), "balance_after": HOLDING}
    lot = {"source": "purchased", "amount": HOLDING, "remaining": HOLDING, "created_at": now}
    account = {"balance": HOLDING, "total_purchased": HOLDING, "last_number": 1}
    rows: dict[type[Any], list[dict[str, Any]]] = {
        ledger.Account: [{"id": number} | account | moment for number in numbers],
        ledger.CreditTransaction: [{"id": number, "account_id": number} | bought | booked for number in numbers],
        ledger.CreditLot: [{"account_id": number, "credit_transaction_id": number} | lot for number in numbers],
    }
    with transaction():
        for table, values in rows.items():
            db.session.execute(insert(table), values)
        if is_postgres():
            db.session.execute(text("SELECT setval('credit_transactions_id_seq', :last)"), {"last": count})
