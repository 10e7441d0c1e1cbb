"""What the frame around every page shows: who is signed in, what they can spend, which look they chose."""

import hashlib
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request, url_for

from creditapp import alerts, identity, ledger
from creditapp.web import sessions, theme
from creditapp.web.level import Level, level
from creditapp.wiring import settings

VERSIONED = (".css", ".js", ".svg")
VERSION_LETTERS = 10


def register(app: Flask) -> None:
    """Give every template of *app* what the frame needs; a visitor's pages ask for no person."""
    app.context_processor(_frame)
    app.url_defaults(_versioned)


def standing() -> ledger.Balance:
    """The signed-in person's balance, read once a request."""
    if "standing" not in g:
        g.standing = ledger.balance(sessions.account_id())
    found: ledger.Balance = g.standing
    return found


def level_now() -> Level:
    """How much that is, in a word."""
    balance = standing()
    return level(balance.available, balance.debt, Decimal(settings().low_balance_threshold))


def standing_alerts() -> tuple[alerts.Standing, ...]:
    """The alerts of the signed-in person's account whose cause is not over, read once a request."""
    if "standing_alerts" not in g:
        g.standing_alerts = alerts.standing_of(sessions.account_id())
    found: tuple[alerts.Standing, ...] = g.standing_alerts
    return found


class Me:
    """The signed-in person, asked for only where a template names them: error pages must not need the database."""

    @property
    def email(self) -> str:
        """Their address."""
        return self.user.email

    @property
    def is_operator(self) -> bool:
        """Whether they are the seller's staff."""
        return self.user.is_operator

    @property
    def user(self) -> identity.User:
        """All of them."""
        return sessions.signed_in().user


def _frame() -> dict[str, Any]:
    here = request.full_path.rstrip("?") if request.method == "GET" else url_for("overview.index")
    return {
        "theme": theme.chosen(),
        "here": here,
        "me": Me(),
        "standing": standing,
        "level_now": level_now,
        "standing_alerts": standing_alerts,
    }


def _versioned(endpoint: str, values: dict[str, Any]) -> None:
    """A changed file gets a new address, so that nobody sees new pages in yesterday's style."""
    name = values.get("filename", "")
    if endpoint == "static" and name.endswith(VERSIONED):
        values.setdefault("v", _version(Path(str(current_app.static_folder)) / name))


@cache
def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:VERSION_LETTERS]
