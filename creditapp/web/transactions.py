"""One credit transaction: everything that is known about it, and the receipt of a purchase."""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from creditapp import checkout, clock, ledger
from creditapp.db import db
from creditapp.errors import NotFound
from creditapp.web.gauge import percent
from creditapp.web.movements import Movement
from creditapp.web.sessions import account_id, login_required
from creditapp.wiring import gateway

bp = Blueprint("transactions", __name__)

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
        entry=entry,
        movement=Movement(entry, record.units_consumed if record else 1),
        usage=record,
        paid_by=[Paid(SOURCES[lot.source], lot, credits) for lot, credits in ledger.payers(entry)],
        left=_left(entry, clock.now()),
        order=checkout.order_named(entry.polar_order_id) if entry.polar_order_id else None,
        metadata=json.dumps(entry.details, indent=2, ensure_ascii=False) if entry.details else None,
    )


@bp.get("/credits/<int:transaction_id>/receipt")
@login_required
def receipt(transaction_id: int) -> AnyResponse:
    """To Polar's receipt of a purchase, whose address holds for minutes only and is asked for every time."""
    order_id = ledger.entry(account_id(), transaction_id).polar_order_id
    if order_id is None:
        message = "There is no receipt for this."
        raise NotFound(message)
    db.session.close()  # no connection is kept while Polar is asked
    address = gateway().receipt_url(order_id)
    if address is None:
        flash("Polar is still making this receipt. Try again in a minute.", "warn")
        return redirect(url_for("transactions.show", transaction_id=transaction_id), 303)
    return redirect(address, 303)


def _left(entry: ledger.CreditTransaction, now: datetime) -> Left | None:
    lot = ledger.lot_of(entry)
    if lot is None:
        return None
    share = percent(lot.remaining / lot.amount * 100)
    return Left(lot, share, expired=lot.expires_at is not None and lot.expires_at <= now)
