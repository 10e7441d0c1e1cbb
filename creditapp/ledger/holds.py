"""Holds: reserve the most that work may cost, capture what it costs, release the rest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import literal_column, select

from creditapp import clock
from creditapp.db import LARGEST_ID, db
from creditapp.errors import CreditAppError, InvalidInput, NotFound
from creditapp.ledger import buckets, dues, journal
from creditapp.ledger.errors import IdempotencyMismatch, InsufficientCredits
from creditapp.ledger.models import OPEN, Account, CreditTransaction, Hold, UsageRecord
from creditapp.ledger.policy import policy
from creditapp.ledger.spending import Charge

USUAL, LONGEST = timedelta(minutes=15), timedelta(hours=24)
SHORTEST = timedelta(seconds=1)


class HoldClosed(CreditAppError):
    """The hold was captured whole, released, or has expired."""

    code, status, title = "hold_closed", 409, "This hold is closed"


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture: its hold as it is now, and the credit transaction it wrote."""

    hold: Hold
    transaction: CreditTransaction
    replayed: bool


def hold(
    account_id: int,
    amount: Decimal,
    *,
    expires_in: timedelta = USUAL,
    key: str | None = None,
    request: str | None = None,
    **about: Any,
) -> Hold:
    """Set *amount* credits aside, once per *key*, for at most a day.

    *about*: operation_type, description, price_version, api_key_id, details. Raises InvalidAmount, InvalidInput for a
    time outside 1 second to 24 hours, NotFound, InsufficientCredits and IdempotencyMismatch.
    """
    journal.check_amount(amount)
    _check_time(expires_in)
    account = journal.lock(account_id)
    request = request or journal.fingerprint("hold", amount)
    if done := _already_open(account, key, request):
        return done
    moment = dues.bring_up_to_date(account).moment
    _check_affordable(account, amount)
    account.reserved += amount
    account.updated_at = moment
    opened = Hold(
        account_id=account_id,
        state="open",
        amount=amount,
        captured=Decimal(0),
        released=Decimal(0),
        key=key,
        request=request,
        opened_at=moment,
        expires_at=moment + expires_in,
        **about,
    )
    db.session.add(opened)
    db.session.flush()
    opened.watched = account.watched
    return opened


def capture(
    account_id: int,
    hold_id: int,
    amount: Decimal | None = None,
    *,
    final: bool = False,
    charge: Charge | None = None,
    key: str | None = None,
    request: str | None = None,
) -> Captured:
    """Charge *amount* (the rest, where none is said) out of the hold, once per *key*; *final* releases what is left.

    1. More than is held is taken from what is available, as a charge would be; what is missing then is refused, or
       becomes debt where the policy says so.
    2. The charge is a consumption like any other: *charge* says what for.

    Raises InvalidAmount, NotFound, HoldClosed, InsufficientCredits and IdempotencyMismatch.
    """
    account = journal.lock(account_id)
    request = request or journal.fingerprint("capture", hold_id, amount, final)
    if done := journal.already_done(account, key, request):
        return Captured(hold_of(account_id, hold_id), done, replayed=True)
    moment = dues.bring_up_to_date(account).moment
    held = _open(account_id, hold_id)
    wanted = held.remaining if amount is None else amount
    journal.check_amount(wanted)
    from_hold = min(wanted, held.remaining)
    beyond = wanted - from_hold
    if beyond and not policy().overrun_into_debt:
        _check_affordable(account, beyond)
    missing = max(beyond - account.available, Decimal(0))
    account.reserved -= from_hold
    held.captured += from_hold
    posted = _consume(account, wanted - missing, moment, held, charge, key, request)
    if missing:
        journal.post(
            account,
            "adjustment",
            Decimal(0),
            debt_change=missing,
            moment=moment,
            key=f"overrun:{posted.id}",
            description="Captured beyond the hold and beyond the balance",
            reference_id=str(posted.id),
        )
    if final and held.remaining:
        dues.end(account, held, "captured", moment)
    elif not held.remaining:
        held.state, held.ended_at = "captured", moment
    db.session.flush()
    held.watched = account.watched
    return Captured(held, posted, replayed=False)


def release(account_id: int, hold_id: int) -> Hold:
    """Free what is left of a hold; releasing it again changes nothing. Raises NotFound and HoldClosed."""
    account = journal.lock(account_id)
    moment = dues.bring_up_to_date(account).moment
    found = hold_of(account_id, hold_id)
    if found.state == "released":
        return found
    dues.end(account, _open(account_id, hold_id), "released", moment)
    return found


def extend(account_id: int, hold_id: int, expires_in: timedelta) -> Hold:
    """Let an open hold end so long from now. Raises InvalidInput, NotFound and HoldClosed."""
    _check_time(expires_in)
    account = journal.lock(account_id)
    moment = dues.bring_up_to_date(account).moment
    found = _open(account_id, hold_id)
    found.expires_at = moment + expires_in
    db.session.flush()
    return found


def hold_of(account_id: int, hold_id: int) -> Hold:
    """A hold of this account, as it was last written. Raises NotFound, for another's too."""
    found = db.session.get(Hold, min(hold_id, LARGEST_ID), populate_existing=True)
    if found is None or found.account_id != account_id:
        message = "There is no such hold."
        raise NotFound(message)
    return found


def state_of(found: Hold) -> str:
    """The hold's state now: an open one past its time has expired, even if nobody has booked it yet."""
    return "expired" if found.state == "open" and found.expires_at <= clock.now() else found.state


def due_holds(limit: int) -> list[int]:
    """Accounts with open holds past their time."""
    query = select(Hold.account_id).where(literal_column(OPEN), Hold.expires_at <= clock.now())
    return list(dict.fromkeys(db.session.scalars(query.order_by(Hold.expires_at).limit(limit))))


def _consume(
    account: Account,
    amount: Decimal,
    moment: datetime,
    held: Hold,
    charge: Charge | None,
    key: str | None,
    request: str,
) -> CreditTransaction:
    """Write a consumption and its usage record, at its place on the axis; no lot is touched."""
    what = charge or Charge(amount=amount, operation_type=held.operation_type)
    at_axis = account.consumed
    account.consumed += amount
    posted = journal.post(
        account,
        "consumption",
        -amount,
        moment=moment,
        axis_from=at_axis,
        key=key,
        request=request,
        operation_type=what.operation_type or held.operation_type,
        operation_id=what.operation_id,
        reference_id=f"hold:{held.id}",
        description=what.description or held.description,
        price_version=what.price_version or held.price_version,
        details=what.details,
    )
    record = UsageRecord(
        credit_transaction_id=posted.id,
        account_id=account.id,
        operation_type=posted.operation_type,
        operation_id=what.operation_id,
        credits_consumed=amount,
        cost_per_unit=what.unit_cost if what.unit_cost is not None else amount,
        units_consumed=what.units,
        operation_details=what.details,
        api_endpoint=what.api_endpoint,
        api_key_id=what.api_key_id,
        request_id=what.request_id,
        status="completed",
        started_at=what.started_at,
        completed_at=what.completed_at,
        created_at=moment,
    )
    db.session.add(record)
    db.session.flush()
    buckets.count(account, record)
    return posted


def _open(account_id: int, hold_id: int) -> Hold:
    found = hold_of(account_id, hold_id)
    if found.state != "open":
        message = f"The hold is {found.state}; open a new one."
        raise HoldClosed(message, state=found.state)
    return found


def _already_open(account: Account, key: str | None, request: str) -> Hold | None:
    if key is None:
        return None
    done = db.session.scalar(select(Hold).where(Hold.account_id == account.id, Hold.key == key))
    used = select(CreditTransaction.id).where(CreditTransaction.account_id == account.id, CreditTransaction.key == key)
    if (done is not None and done.request != request) or db.session.scalar(used) is not None:
        raise IdempotencyMismatch(key)
    return done


def _check_affordable(account: Account, amount: Decimal) -> None:
    if account.available < amount or (account.debt and not policy().spend_in_debt):
        raise InsufficientCredits(
            required=amount,
            balance=account.balance,
            reserved=account.reserved,
            debt=account.debt,
            watched=account.watched,
        )


def _check_time(expires_in: timedelta) -> None:
    if not SHORTEST <= expires_in <= LONGEST:
        message = "A hold lasts 1 second to 24 hours."
        raise InvalidInput(message)
