"""The proof of the books narrowed to one account, so that it may be asked at every step beside thousands of others."""

from sqlalchemy import text

from creditapp.db import db
from creditapp.ledger.proof import RULES

WHOSE = {
    "accounts": "id",
    "credit_transactions": "account_id",
    "usage_records": "account_id",
    "credit_lots": "account_id",
    "credit_lot_ranges": "account_id",
    "credit_holds": "account_id",
    "usage_buckets": "account_id",
    "watch_levels": "account_id",
}


class NarrowedProof:
    """Asks every rule on a connection of its own, where temporary views of the same names stand before the tables."""

    def __init__(self, account_id: int) -> None:
        self._schema = "main" if db.engine.dialect.name == "sqlite" else "public"
        self._connection = db.engine.connect()
        for table, column in WHOSE.items():
            self._connection.execute(
                text(f"CREATE TEMP VIEW {table} AS SELECT * FROM {self._schema}.{table} WHERE {column} = {account_id}")
            )
        self._connection.commit()

    def differences(self) -> list[str]:
        """What the proof finds, in words."""
        answers = {rule: self._connection.execute(text(query)).all() for rule, query in RULES.items()}
        self._connection.rollback()  # the next look is at the books as they are then
        return [f"{rule}: {found}, not {expected}" for rule, rows in answers.items() for _, found, expected in rows]

    def close(self) -> None:
        """Let the views go."""
        for table in WHOSE:
            self._connection.execute(text(f"DROP VIEW {table}"))
        self._connection.commit()
        self._connection.close()
