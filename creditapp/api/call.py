"""What is said of a call of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from creditapp import identity, ledger
from creditapp.api.wire import NotJson, WrongContentType, WrongShape
from creditapp.errors import Busy, CreditAppError, NotFound, Unavailable

Refusals = tuple[type[CreditAppError], ...]

ALWAYS: Refusals = (identity.BadKey, identity.InsufficientScope, NotFound, WrongShape, Busy, Unavailable)
WITH_A_BODY: Refusals = (NotJson, WrongContentType)
WITH_A_KEY: Refusals = (ledger.IdempotencyMismatch,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One method of one address. *name* is its endpoint; *once*: it takes an Idempotency-Key."""

    name: str
    method: str
    path: str
    scope: str
    title: str
    does: str
    answer: type[BaseModel]
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_required: bool = True
    once: bool = False
    headers: tuple[str, ...] = ()
    refuses: Refusals = ()
    example: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refusals(self) -> Refusals:
        """Everything it may refuse with."""
        more = (WITH_A_BODY if self.body else ()) + (WITH_A_KEY if self.once else ())
        return ALWAYS + more + self.refuses
