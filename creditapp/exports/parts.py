"""A part of an archive: one subject, read page by page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal, select, tuple_

from creditapp.db import db
from creditapp.ledger.models import Account

PAGE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One subject of the archive: the columns of its rows, in the order in which they are read.

    ``order`` is unique within an account; ``at`` is when a row came, where rows come while the archive is made.
    """

    name: str
    what: str
    columns: tuple[Any, ...]
    order: tuple[Any, ...]
    belongs: Callable[[int], ColumnElement[bool]]
    at: Any = None

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return [column.key for column in self.columns]

    def count(self, account_id: int) -> int:
        """How many rows there are; for what may be millions, the most that there can be."""
        if self.at is not None:
            return db.session.scalar(select(Account.last_number).where(Account.id == account_id)) or 0
        return db.session.scalar(select(func.count()).where(self.belongs(account_id))) or 0

    def pages(self, account_id: int, until: datetime) -> Iterator[Sequence[Row[Any]]]:
        """The account's rows as they were at *until*, some hundred at a time; between two of them nothing is held."""
        query = select(*self.columns, *self.order).where(self.belongs(account_id)).order_by(*self.order)
        if self.at is not None:
            query = query.where(self.at <= until)
        following = query.limit(PAGE_ROWS)
        while rows := db.session.execute(following).all():
            db.session.rollback()
            yield [row[: len(self.columns)] for row in rows]  # type: ignore[misc]
            last = [
                literal(value, column.type)
                for column, value in zip(self.order, rows[-1][len(self.columns) :], strict=True)
            ]
            following = query.where(tuple_(*self.order) > tuple_(*last)).limit(PAGE_ROWS)
