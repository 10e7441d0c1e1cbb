"""Alice's account at noon of a Tuesday, eight weeks after she signed up, and what moved in it."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from sqlalchemy import update

from creditapp import checkout, clock, identity, ledger, recharge, usage
from creditapp.config import Settings
from creditapp.db import db, transaction
from creditapp.gateway import Card, Payer
from tests.web.tree import Node

FOUNDED = datetime(2026, 9, 29, 12, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
VISA = Card(id="pm_1", brand="visa", last4="4242", expires="12/2029", is_default=True)
PASSWORD = "four plain words together"

_numbers = itertools.count(1)


def signed_up(app: Flask, email: str, *, operator: bool = False) -> identity.User:
    """A person who signed up eight weeks ago; the welcome credits have five weeks left."""
    settings: Settings = app.extensions["settings"]
    welcome = identity.Welcome(settings.welcome_credits, settings.bonus_expires_days)
    with clock.at(FOUNDED), transaction():
        return identity.sign_up(email, PASSWORD, welcome, operator=operator)


def grant(account: int, amount: Decimal | int | str, **facts: Any) -> ledger.CreditTransaction:
    """Credits in: a purchase where nothing else is said."""
    facts = {"transaction_type": "purchase", "key": f"grant:{next(_numbers)}", **facts}
    with transaction():
        return ledger.grant(account, Decimal(amount), **facts)


def spend(account: int, amount: Decimal | int | str, operation: str | None = "basic_api_call", **facts: Any) -> int:
    """A charge of exactly *amount*; the id of its transaction."""
    charge = ledger.Charge(amount=Decimal(amount), operation_type=operation, **facts)
    with transaction():
        return usage.consume(account, charge, amount=Decimal(amount)).transaction_id


def recharge_at(account: int, threshold: int, **wishes: Any) -> None:
    """Auto-recharge with the usual package and a saved card."""
    with transaction():
        checkout.remember_customer(account, f"customer-{account}")
        checkout.cards_told(account, Payer(cards=(VISA,), has_address=True))
        recharge.save(account, replace(recharge.usual_wishes(), threshold=Decimal(threshold), **wishes))


def spend_at(moment: datetime, account: int, amount: Decimal | int | str, operation: str = "basic_api_call") -> int:
    """A charge at *moment*."""
    with clock.at(moment):
        return spend(account, amount, operation)


def set_account(account: int, **columns: Any) -> None:
    """An account as a page may find it, whatever led there: its debt, its reserved credits, its zone."""
    with transaction():
        db.session.execute(update(ledger.Account).where(ledger.Account.id == account).values(**columns))


def charts(page: Node) -> list[dict[str, Any]]:
    """What the page gives its script to draw."""
    return [json.loads(place["data-chart"]) for place in page.every("div", class_="plot")]
