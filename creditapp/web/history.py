"""Every credit in and out: filtered, paged, and as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, redirect, render_template, request, stream_with_context, url_for
from werkzeug.wrappers import Response as AnyResponse

from creditapp import clock, ledger, pricing
from creditapp.db import db
from creditapp.exports import cell, plain
from creditapp.web.filters import Asked, asked
from creditapp.web.movements import TYPES, Movement, movements
from creditapp.web.sessions import account_id, login_required
from creditapp.web.words import zone

bp = Blueprint("history", __name__)

PAGE = 25
STREAM_ROWS = 500
CHIPS = {
    "purchase": "Purchases",
    "consumption": "Usage",
    "refund": "Refunds",
    "bonus": "Bonuses",
    "expiration": "Expirations",
    "adjustment": "Adjustments",
}
COLUMNS = (
    "number",
    "id",
    "processed_at",
    "local_time",
    "transaction_type",
    "description",
    "operation_type",
    "operation_id",
    "amount",
    "balance_before",
    "balance_after",
    "debt_change",
    "reference_id",
    "polar_order_id",
    "status",
)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of transactions, newest first, and the numbers at which its neighbours begin."""

    rows: list[Movement]
    older_before: int | None
    newer_after: int | None


@bp.get("/credits/history")
@login_required
def index() -> str | tuple[str, int]:
    """The page; only its rows where htmx turns a page. 422 where a filter can't be read: it then narrows nothing."""
    account, wanted = account_id(), asked(request.args, zone())
    totals = ledger.totals(account)
    seen = {
        "asked": wanted,
        "page": page_of(account, wanted),
        "totals": totals,
        "time_zone": zone().key,
        "chips": CHIPS if wanted.typed.get("type") not in TYPES else {**CHIPS, **_chip_of(wanted.typed["type"])},
        "rates": pricing.current_card().rates,
    }
    turns_page = request.headers.get("HX-Target", "").endswith("#rows")
    html = render_template("history/_rows.html" if turns_page else "history/index.html", **seen)
    return (html, 422) if wanted.errors else html


@bp.get("/credits/history.csv")
@login_required
def as_csv() -> AnyResponse:
    """Everything that matches, however much it is, in the order of the page."""
    wanted = asked(request.args, zone())
    if wanted.errors:  # a file must never hold more than was asked for
        return redirect(url_for("history.index", **wanted.address()), 303)
    here = zone()
    name = f"credits-{clock.now().astimezone(here):%Y-%m-%d}.csv"
    lines = csv_lines(account_id(), wanted.filters, here)
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def page_of(account: int, wanted: Asked) -> Page:
    """The page that is asked for; one that would begin above the newest transaction is the first."""
    if wanted.after is not None and wanted.before is None:
        found = ledger.entries_after(account, wanted.filters, after=wanted.after, limit=PAGE + 1)
        if len(found) >= PAGE:
            rows = found[-PAGE:]
            older = ledger.entries(account, wanted.filters, before=rows[-1].number, limit=1)
            return Page(
                movements(rows),
                older_before=rows[-1].number if older else None,
                newer_after=rows[0].number if len(found) > PAGE else None,
            )
    before = wanted.before if wanted.after is None else None
    found = ledger.entries(account, wanted.filters, before=before, limit=PAGE + 1)
    rows = found[:PAGE]
    newest = rows[0].number if rows else (before or 0) - 1
    newer = before is not None and ledger.entries_after(account, wanted.filters, after=newest, limit=1)
    return Page(
        movements(rows),
        older_before=rows[-1].number if len(found) > PAGE else None,
        newer_after=newest if newer else None,
    )


def csv_lines(account: int, filters: ledger.Filters, here: ZoneInfo) -> Iterator[str]:
    """The file, a few hundred rows at a time.

    Between two parts no connection and no snapshot is kept: a slow reader holds up nobody. Rows never change and
    later ones have higher numbers, so that the parts fit together all the same.
    """
    yield _csv([COLUMNS])
    before: int | None = None
    while rows := ledger.entries(account, filters, before=before, limit=STREAM_ROWS):
        before = rows[-1].number
        part = _csv([_cells(entry, here) for entry in rows])
        db.session.close()
        yield part


def _cells(entry: ledger.CreditTransaction, here: ZoneInfo) -> Sequence[str | int]:
    return (
        entry.number,
        entry.id,
        entry.processed_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        f"{entry.processed_at.astimezone(here):%Y-%m-%d %H:%M:%S}",
        entry.transaction_type,
        cell(entry.description),
        cell(entry.operation_type),
        cell(entry.operation_id),
        plain(entry.amount),
        plain(entry.balance_before),
        plain(entry.balance_after),
        plain(entry.debt_change),
        cell(entry.reference_id),
        cell(entry.polar_order_id),
        entry.status,
    )


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _chip_of(transaction_type: str) -> dict[str, str]:
    return {} if transaction_type in CHIPS else {transaction_type: TYPES[transaction_type]}
