"""The product's verbs for another program: each a transaction of its own, or joined to the caller's."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, make_response
from sqlalchemy import event
from sqlalchemy.orm import Session

from creditapp import buying, charging, identity, ledger, onecall, usage
from creditapp.app import create_app
from creditapp.config import Settings
from creditapp.db import db, retrying, transaction
from creditapp.embedded.held import HeldCredits, Lease
from creditapp.errors import InvalidInput

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

FAILED = 500
USUAL_HOLD = timedelta(minutes=15)


@dataclass(slots=True)
class Use:
    """One operation of many: what it is, its key, and what it is told by."""

    operation: str | None = None
    key: str | None = None
    amount: Decimal | None = None
    quantity: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


class Credits:
    """The product's verbs for another program. Safe to share between threads."""

    def __init__(self, settings: Settings | None = None, *, app: Flask | None = None) -> None:
        self._app = app or create_app(settings)

    def balance(self, account: int | str) -> ledger.Balance:
        """What the account has now. Raises NotFound."""
        with self._inside():
            return ledger.balance(_id_of(account))

    def consume(
        self,
        account: int | str,
        operation: str | None = None,
        *,
        amount: Decimal | int | str | None = None,
        quantity: int = 1,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        **about: Any,
    ) -> ledger.Spent:
        """Charge an operation of the rate card, or exactly *amount*, once per *key*.

        *about*: operation_id, description, api_endpoint, details, started_at, completed_at. Raises
        ledger.InsufficientCredits and what ``usage.consume`` raises; then nothing is charged.
        """
        use = Use(operation, key, None if amount is None else Decimal(amount), quantity, parameters or {}, about)
        return self.consume_many(account, [use])[0]

    def consume_many(self, account: int | str, uses: Sequence[Use]) -> list[ledger.Spent]:
        """Charge all of them, or none."""
        with self._inside():
            account_id = _id_of(account)
            charges = [_rated(use) for use in uses]
            with self.looking_at_refusals(account_id):
                spent = self.at_once(lambda: ledger.spend_all(account_id, charges))
            self.look(account_id, watched=any(one.watched for one in spent))
            return spent

    @contextmanager
    def hold(
        self, account: int | str, amount: Decimal | int | str, *, expires_in: timedelta = USUAL_HOLD, **about: Any
    ) -> Iterator[HeldCredits]:
        """Set *amount* aside for the work in the block; what it did not capture is released, however it ends."""
        wanted = Decimal(amount)
        with self._inside():
            account_id = _id_of(account)
            with self.looking_at_refusals(account_id):
                opened = self.write(lambda: ledger.hold(account_id, wanted, expires_in=expires_in, **about))
            self.look(account_id, watched=opened.watched)
            held = HeldCredits(self, account_id, opened, lasts=expires_in)
        try:
            yield held
        finally:
            if held.remaining:
                held.release()

    @contextmanager
    def lease(
        self,
        account: int | str,
        amount: Decimal | int | str,
        *,
        operation: str | None = None,
        expires_in: timedelta = USUAL_HOLD,
    ) -> Iterator[Lease]:
        """A block of credits to be counted off in memory; what was spent is charged when the block ends."""
        with self.hold(account, amount, expires_in=expires_in, operation_type=operation) as held:
            lease = Lease(held)
            try:
                yield lease
            finally:
                lease.settle()

    def reverse(
        self,
        account: int | str,
        transaction_id: int,
        amount: Decimal | int | str | None = None,
        *,
        key: str | None = None,
    ) -> int:
        """Give back a failed operation; the reversal's id. Raises what ``ledger.reverse`` raises."""
        with self._inside():
            account_id = _id_of(account)
            wanted = None if amount is None else Decimal(amount)
            return self.write(lambda: ledger.reverse(account_id, transaction_id, wanted, key=key).id)

    def charge(
        self, operation: str, *, account: Callable[[], int | str], quantity: int = 1
    ) -> Callable[[Callable[Arguments, Answer]], Callable[Arguments, Answer]]:
        """Charge *account()* for a view, and only when it succeeds: an exception or a 5xx charges nothing.

        The price is set aside before the view begins, so that work is never done that can't be paid.
        """

        def decorate(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
            @wraps(view)
            def paid(*arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
                whose = account()
                with self._inside():
                    price = usage.priced(operation, quantity)
                with self.hold(whose, price.total, operation_type=price.operation_type) as held:
                    response = make_response(cast(Any, view(*arguments, **named)))
                    if response.status_code < FAILED:
                        held.capture(
                            units=quantity,
                            unit_cost=price.unit_cost,
                            price_version=price.version,
                            operation_type=price.operation_type,
                        )
                    return cast(Answer, response)

            return paid

        return decorate

    @contextmanager
    def joining(self, session: Session) -> Iterator["Credits"]:
        """Inside, every verb writes in the caller's *session*: its commit is theirs, its rollback too.

        The session must be bound to the same database, and on SQLite have begun to write (``BEGIN IMMEDIATE``).
        """
        session.info.setdefault("bells", [])
        event.listen(session, "after_commit", _ring, once=True)
        with self._app.app_context():
            db.session.registry.set(cast(Any, session))
            try:
                yield _Joined(self._app)
                session.flush()
            finally:
                db.session.registry.clear()  # else it would be closed with the context

    def consume_credits(self, account: int | str, amount: Decimal | int | str, operation_type: str) -> ledger.Spent:
        """Charge exactly *amount* for an operation of any name."""
        return self.consume(account, operation_type, amount=amount)

    def create_credit_purchase_checkout(self, account: int | str, package: str) -> str:
        """Where a person pays for the package. Raises what ``buying.open_checkout`` raises."""
        with self._app.test_request_context():  # Flask builds addresses only inside a request
            return buying.open_checkout(_id_of(account), package).url

    def daily_credit_consumption(
        self, account: int | str, days: int = 30, time_zone: str = "UTC"
    ) -> dict[str, Decimal]:
        """What the account used on each of its last days, by date. Raises InvalidInput for a zone that is none."""
        with self._inside():
            return {day.on.isoformat(): day.total for day in usage.daily(_id_of(account), days, _zone(time_zone))}

    def credit_usage_stats(
        self, account: int | str, period: str = usage.USUAL_PERIOD, time_zone: str | None = None
    ) -> dict[str, Any]:
        """What the account used in one of ``usage.PERIODS``, in its own time zone where none is named.

        ``api_calls_count``, ``total_credits``, ``average_cost_per_call`` and ``highest_cost_operation`` (both None
        without usage), and credits ``by_operation``, ``by_endpoint`` and ``daily`` (by date). What was given back is
        left out. Raises InvalidInput for a period or zone that is none.
        """
        if period not in usage.PERIODS:
            message = f"period is one of {', '.join(usage.PERIODS)}."
            raise InvalidInput(message)
        with self._inside():
            account_id = _id_of(account)
            zone = _zone(time_zone) if time_zone else usage.zone_of(account_id)
            found = usage.statistics(account_id, period, zone).summary
        return {
            "api_calls_count": found.operations,
            "total_credits": found.credits,
            "average_cost_per_call": found.average_cost,
            "highest_cost_operation": found.dearest_operation,
            "by_operation": {group.name: group.credits for group in found.by_operation},
            "by_endpoint": {group.name: group.credits for group in found.by_endpoint},
            "daily": {day.on.isoformat(): day.total for day in found.daily},
        }

    @contextmanager
    def _inside(self) -> Iterator[None]:
        with self._app.app_context():
            yield

    def write(self, work: Callable[[], Answer]) -> Answer:
        """Do *work* in a transaction of its own."""

        def committed() -> Answer:
            with transaction():
                return work()

        with self._inside():
            db.session().expire_on_commit = False  # what is answered is read after the commit
            return retrying(committed)

    def at_once(self, work: Callable[[], Answer]) -> Answer:
        """Do *work* and commit it, as one call where that is enough."""
        return onecall.at_once(work)

    def look(self, account_id: int, *, watched: bool) -> None:
        """After credits went: recharge the account where the ledger said that somebody watches and wants it."""
        if watched:
            with self._inside():
                charging.look(account_id)

    @contextmanager
    def looking_at_refusals(self, account_id: int) -> Iterator[None]:
        """Where credits are too few for what is done inside, the account's owner is told."""
        try:
            yield
        except ledger.InsufficientCredits as refused:
            with self._inside():
                charging.look_at_refusal(account_id, refused)
            raise


class _Joined(Credits):
    """The verbs in a session of the caller's."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app=app)

    @contextmanager
    def _inside(self) -> Iterator[None]:
        yield  # the context is the one that joined

    def write(self, work: Callable[[], Answer]) -> Answer:
        return work()

    def at_once(self, work: Callable[[], Answer]) -> Answer:
        return work()

    def look(self, account_id: int, *, watched: bool) -> None:
        """Nothing yet: the commit is the caller's, and the clock looks after it."""

    @contextmanager
    def looking_at_refusals(self, account_id: int) -> Iterator[None]:  # noqa: ARG002
        """Nothing: an alert is written, and what is written here is the caller's."""
        yield


def _rated(use: Use) -> ledger.Charge:
    charge = ledger.Charge(amount=ledger.LARGEST_AMOUNT, operation_type=use.operation, key=use.key, **use.about)
    return usage.rated(charge, amount=use.amount, quantity=use.quantity, parameters=use.parameters)


def _ring(session: Session) -> None:
    for ring in session.info.pop("bells", []):
        ring()


def _zone(name: str) -> str:
    if name not in identity.time_zones():
        message = f"{name!r} is no time zone; name one such as Europe/Berlin."
        raise InvalidInput(message)
    return name


def _id_of(account: int | str) -> int:
    return account if isinstance(account, int) else identity.account_named(account)
