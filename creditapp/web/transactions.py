"""One credit transaction: everything that is known about it."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask import Blueprint, render_template

from creditapp import checkout, clock, ledger, usage
from creditapp.web.gauge import percent
from creditapp.web.movements import Movement
from creditapp.web.sessions import account_id, login_required

bp = Blueprint("transactions", __name__)

RETURNS = 50
SOURCES = {"purchased": "Purchased credits", "bonus": "Bonus credits", "adjustment": "Adjusted credits"}


@dataclass(frozen=True, slots=True)
class Paid:
    """So many credits of a charge came from this lot."""

    source: str
    lot: ledger.LotLeft
    credits: Decimal


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of the credits that came in, in credits and in percent of the bar."""

    lot: ledger.LotLeft
    share: str
    expired: bool


@bp.get("/credits/<int:transaction_id>")
@login_required
def show(transaction_id: int) -> str:
    """The transaction; another account's is not there."""
    entry = ledger.entry(account_id(), transaction_id)
    record = ledger.usage_of(entry) if entry.transaction_type == "consumption" else None
    return render_template(
        "transactions/show.html",
        transaction=entry,
        movement=Movement(entry, record.units_consumed if record else 1),
        moved=_moved(entry),
        usage=record,
        paid_by=[Paid(SOURCES[lot.source], lot, credits) for lot, credits in ledger.payers(entry)],
        left=_left(entry, clock.now()),
        returns=ledger.returns_of(entry, RETURNS),
        order=checkout.order_named(entry.polar_order_id) if entry.polar_order_id else None,
        price_lines=usage.price_lines(entry.details),
        metadata=_metadata(entry),
    )


def _moved(entry: ledger.CreditTransaction) -> Decimal:
    """What it was about: credits, and those that were owed or forgiven instead. What repays debt, only repays it."""
    return entry.amount if entry.transaction_type == "repayment" else entry.amount - entry.debt_change


def _metadata(entry: ledger.CreditTransaction) -> str | None:
    given = {name: value for name, value in entry.details.items() if name != usage.PRICE_DETAIL}
    return json.dumps(given, indent=2, ensure_ascii=False) if given else None


def _left(entry: ledger.CreditTransaction, now: datetime) -> Left | None:
    lot = ledger.lot_of(entry)
    if lot is None:
        return None
    share = percent(lot.remaining / lot.amount * 100)
    return Left(lot, share, expired=lot.expires_at is not None and lot.expires_at <= now)
