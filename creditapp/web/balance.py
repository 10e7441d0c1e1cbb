"""The balance, live: one fragment, polled every five seconds, answered 304 while nothing changed.

The poll is the request that this program answers most, so that one small read answers it while nothing changed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, make_response, render_template, request, session

from creditapp import alerts, clock, ledger, recharge, usage
from creditapp.web.banner import Banner, Expiring, Situation, banner_of
from creditapp.web.gauge import Gauge, gauge
from creditapp.web.glance import glance
from creditapp.web.level import Level, level
from creditapp.web.movements import LONGEST_RUNWAY_DAYS
from creditapp.web.sessions import to_sign_in
from creditapp.wiring import limiter, settings

bp = Blueprint("balance", __name__)
limiter.request_filter(lambda: request.endpoint == "balance.widget")  # nothing of it is limited

HIGHEST_DAYS = 90
EXPIRY_NOTICE_DAYS = 7
MARK_LETTERS = 20
CHANGED = "balance-changed"  # the event by which the rest of a page hears of it


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that the balance card says. ``mark`` is another one whenever anything of it is.

    ``lasts_days`` is None where that can't be told, or where credits last as long as auto-recharge goes on from
    ``recharges_on``.
    """

    balance: ledger.Balance
    threshold: Decimal
    mark: str
    level: Level
    gauge: Gauge
    pace: usage.Pace
    lasts_days: int | None
    lasts_until: date | None
    recharges_on: date | None


@bp.get("/credits/balance")
def widget() -> Response:
    """The card; 304 where the caller has it already, told by If-None-Match or by htmx's HX-PTag."""
    seen = glance(str(session.get("_user_id", "")))
    if seen is None:
        return to_sign_in()
    mark = seen.mark()
    if mark is not None and _is_known(mark):
        return _marked(Response(status=304), mark)
    zone = ZoneInfo(seen.time_zone)
    balance = ledger.balance(seen.account_id)
    standing = alerts.standing_of(seen.account_id)
    mark = mark_of(balance, zone, standing)
    seen.remember(mark)
    if _is_known(mark):
        answer = Response(status=304)
    else:
        g.standing, g.zone, g.standing_alerts = balance, zone, standing  # so that nothing on the way loads the person
        live = "HX-Request" in request.headers
        card = card_of(balance, zone, mark)
        banner = banner_for(card, zone, standing) if live else None
        parts = {"card": card, "banner": banner, "live": live, "out_of_band": live}
        answer = make_response(render_template("overview/_balance.html", **parts))
        if live:
            answer.headers["HX-Trigger"] = CHANGED
    return _marked(answer, mark)


def _is_known(mark: str) -> bool:
    return request.headers.get("HX-PTag") == mark or request.if_none_match.contains_weak(mark)


def _marked(answer: Response, mark: str) -> Response:
    answer.set_etag(mark)
    answer.headers["HX-PTag"] = mark
    answer.vary.add("HX-Request")
    return answer


def card_of(balance: ledger.Balance, zone: ZoneInfo, mark: str) -> Card:
    """The card of this balance and this mark, with what it takes from the days that are over."""
    today = clock.now().astimezone(zone).date()
    threshold = Decimal(settings().low_balance_threshold)
    since = usage.midnight(today - timedelta(days=HIGHEST_DAYS), zone)
    outlook = usage.outlook(balance, zone.key)
    end = outlook.runway
    beyond = None if outlook.pace.daily is None or outlook.buys else LONGEST_RUNWAY_DAYS
    return Card(
        balance=balance,
        threshold=threshold,
        mark=mark,
        level=level(balance.available, balance.debt, threshold),
        gauge=gauge(
            available=balance.available,
            expiring=balance.expiring,
            reserved=balance.reserved,
            threshold=threshold,
            highest=ledger.highest(balance.account_id, since),
        ),
        pace=outlook.pace,
        lasts_days=int(end.days) if end else beyond,
        lasts_until=end.on if end else None,
        recharges_on=outlook.buys[0].on if outlook.buys else None,
    )


def banner_for(card: Card, zone: ZoneInfo, standing: Sequence[alerts.Standing]) -> Banner | None:
    """The one banner beside this card; None where nothing is urgent."""
    return banner_of(
        Situation(
            balance=card.balance,
            level=card.level,
            threshold=card.threshold,
            lasts_days=card.lasts_days,
            expiring=expiring_soon(card.balance, zone),
            standing=standing,
            zone=zone,
        )
    )


def mark_of(balance: ledger.Balance, zone: ZoneInfo, standing: Sequence[alerts.Standing]) -> str:
    """What tells one card from another, computed before it is drawn.

    The pace, the highest balance and every day that is named follow from the account's movements, each of which
    shows in these numbers, from how auto-recharge stands, and from which day it is.
    """
    shown = (
        balance.account_id,
        balance.available,
        balance.reserved,
        balance.debt,
        balance.expiring,
        balance.expiring_at,
        balance.total_purchased,
        balance.total_consumed,
        balance.updated_at,
        clock.now().astimezone(zone).date(),
        zone.key,
        settings().low_balance_threshold,
        recharge.ahead(balance.account_id),
        tuple((alert.id, alert.open) for alert in standing),
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:MARK_LETTERS]


def expiring_soon(balance: ledger.Balance, zone: ZoneInfo) -> Expiring | None:
    """The credits that fall due within a week, counted in the account's days; None without any."""
    today = clock.now().astimezone(zone).date()
    last = today + timedelta(days=EXPIRY_NOTICE_DAYS)
    if balance.expiring_at is None or balance.expiring_at.astimezone(zone).date() > last:
        return None
    due = [
        (lot, lot.expires_at)
        for lot in ledger.lots_left(balance.account_id)
        if lot.expires_at is not None and lot.expires_at.astimezone(zone).date() <= last
    ]
    if not due:
        return None
    first, expires_at = min(due, key=lambda pair: pair[1])
    return Expiring(
        credits=sum((lot.remaining for lot, _ in due), Decimal(0)),
        credit_transaction_id=first.credit_transaction_id,
        expires_at=expires_at,
        in_days=(expires_at.astimezone(zone).date() - today).days,
    )
