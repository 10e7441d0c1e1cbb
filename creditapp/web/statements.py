"""A month of an account on paper: what was there, what came, what went, what is left. It ties out to the millionth."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template

from creditapp import checkout, clock, identity, ledger, usage
from creditapp.web.sessions import account_id, login_required
from creditapp.web.words import zone

bp = Blueprint("statements", __name__, url_prefix="/credits/statements")

LINES = {
    "purchase": "Purchased",
    "bonus": "Bonuses",
    "consumption": "Used",
    "reversal": "Given back after failures",
    "refund": "Refunded",
    "expiration": "Expired",
    "adjustment": "Adjusted",
}
ONLY_WITH_DEBT = {"repayment": "Taken to repay debt"}
DEBT_LINES = {
    "refund": "Owed after refunds",
    "adjustment": "Adjusted or forgiven",
    "repayment": "Repaid",
}


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase of the month, and the order that paid it where one did."""

    entry: ledger.CreditTransaction
    order: checkout.Order | None


@dataclass(frozen=True, slots=True)
class Statement:
    """A month: what moved, what it was used for, what was bought. ``over``: nothing can change any more."""

    month: usage.Month
    over: bool
    tally: ledger.Tally
    used: Sequence[usage.Group[str]]
    bought: Sequence[Bought]

    @property
    def lines(self) -> dict[str, str]:
        """The names of the lines, by the type of their movements."""
        return LINES | {kind: name for kind, name in ONLY_WITH_DEBT.items() if self.tally.of(kind).count}

    @property
    def debt_lines(self) -> dict[str, str]:
        """The names of the lines of what is owed; none where nothing was."""
        told = self.tally.opening_debt or self.tally.closing_debt or any(one.debt for one in self.tally.moved.values())
        return DEBT_LINES if told else {}

    @property
    def paid(self) -> dict[str, int]:
        """What was paid in all, in minor units by currency."""
        paid: dict[str, int] = {}
        for one in self.bought:
            if one.order:
                paid[one.order.currency] = paid.get(one.order.currency, 0) + one.order.total_amount
        return paid


@dataclass(frozen=True, slots=True)
class Active:
    """A month in which something moved: how much, and the balance at its end."""

    month: usage.Month
    count: int
    closing: Decimal


@bp.get("")
@login_required
def index() -> str:
    """The months in which something moved, the latest first."""
    here = zone()
    return render_template(
        "statements/index.html", months=_active(account_id(), here), now=_now(here), time_zone=here.key
    )


@bp.get("/<month>")
@login_required
def show(month: str) -> str | tuple[str, int]:
    """The statement of a month; 404, saying which there are, where the account has none such."""
    account, here = account_id(), zone()
    asked, months = usage.Month.read(month), _months(account, here)
    if asked not in months:
        return render_template("statements/none.html", written=month, first=months[0], last=months[-1]), 404
    place = months.index(asked)
    return render_template(
        "statements/show.html",
        statement=_statement(account, asked, here),
        earlier=months[place - 1] if place else None,
        later=months[place + 1] if place + 1 < len(months) else None,
        owner=identity.owner_of(account),
        account_id=account,
        time_zone=here.key,
        made_at=clock.now(),
    )


def _statement(account: int, month: usage.Month, here: ZoneInfo) -> Statement:
    begins, ends, now = month.begins(here), month.next.begins(here), clock.now()
    tally = ledger.tally(account, begins, ends)
    span = usage.Span(begins, min(ends - usage.INSTANT, now), here)
    return Statement(
        month=month,
        over=ends <= now,
        tally=tally,
        used=usage.charged(usage.uses_in(account, span)),
        bought=_bought(account, ledger.Filters("purchase", since=begins, until=ends), tally.of("purchase").count),
    )


def _bought(account: int, filters: ledger.Filters, count: int) -> list[Bought]:
    """The purchases, oldest first, as many as were counted."""
    entries = ledger.entries(account, filters, limit=count)[::-1] if count else []
    orders = checkout.orders_named([entry.polar_order_id for entry in entries if entry.polar_order_id])
    return [Bought(entry, orders.get(entry.polar_order_id or "")) for entry in entries]


def _active(account: int, here: ZoneInfo) -> list[Active]:
    months = _months(account, here)
    starts = [month.begins(here) for month in (*months, months[-1].next)]
    before, *after = ledger.stood_before(account, starts)
    found = []
    for month, stood in zip(months, after, strict=True):
        if stood.number > before.number:
            found.append(Active(month, stood.number - before.number, stood.balance))
        before = stood
    return found[::-1]


def _months(account: int, here: ZoneInfo) -> list[usage.Month]:
    """From the month in which the account was opened to this one, oldest first."""
    opened = usage.Month.of(ledger.opened_at(account), here)
    return usage.months(opened, max(opened, _now(here)))


def _now(here: ZoneInfo) -> usage.Month:
    return usage.Month.of(clock.now(), here)
