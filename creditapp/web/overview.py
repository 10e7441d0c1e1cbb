"""The overview: what there is, what it was used for, what happened last."""

from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template

from creditapp import checkout, ledger, packages, recharge, usage
from creditapp.web import chart, movements
from creditapp.web.balance import banner_for, card_of, mark_of
from creditapp.web.sessions import account_id, login_required
from creditapp.web.shell import standing, standing_alerts
from creditapp.web.words import zone
from creditapp.wiring import settings, welcome

bp = Blueprint("overview", __name__)

USAGE_DAYS = 14
LATEST = 10
SIZING_DAYS = 30


@bp.get("/credits")
@login_required
def index() -> str:
    """The whole page."""
    balance, here = standing(), zone()
    card = card_of(balance, here, mark_of(balance, here, standing_alerts()))
    return render_template(
        "overview/index.html",
        card=card,
        banner=banner_for(card, here, standing_alerts()),
        offer=_offer(balance),
        **_activity(),
    )


@bp.get("/credits/activity")
@login_required
def activity() -> str:
    """Usage and the latest transactions: asked for again whenever the balance changed."""
    return render_template("overview/_activity.html", **_activity())


def _activity() -> dict[str, Any]:
    account = account_id()
    latest = ledger.entries(account, limit=LATEST)
    used_before = standing().total_consumed > 0 or any(entry.transaction_type == "consumption" for entry in latest)
    return {
        "first_run": not used_before,
        "latest": movements.movements(latest),
        "usage": _usage(account) if used_before else None,
        "recharging": _recharging(account),
        "time_zone": zone().key,
        "app_url": settings().app_url,
        "welcome_credits": Decimal(welcome().credits),
    }


def _recharging(account: int) -> dict[str, Any]:
    plan = recharge.plan_of(account)
    state, reason = recharge.state_of(plan)
    return {
        "plan": plan,
        "state": state,
        "reason": reason,
        "card": checkout.card_of(account),
        "spent_cents": recharge.spent_this_month(account),
    }


def _usage(account: int) -> chart.Chart:
    days = usage.daily(account, USAGE_DAYS, zone().key)
    return chart.stacked(days, [movements.day_of_month(day.on) for day in days], movements.operation)


def _offer(balance: ledger.Balance) -> packages.Offer | None:
    """The package to offer here: one that fits the account's usage, else the smallest that repays its debt."""
    offers = packages.on_sale(checkout.bought(balance.account_id))
    fitting = packages.recommend(offers, usage.used_since(balance.account_id, SIZING_DAYS))
    if fitting is not None and fitting.package.credits > balance.debt:
        return fitting
    return packages.covering(balance.debt, [offer for offer in offers if not offer.package.limited])
