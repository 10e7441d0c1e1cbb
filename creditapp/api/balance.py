"""``GET balance``: what an account has."""

from flask import Blueprint, Response

from creditapp import ledger, recharge
from creditapp.api.callers import account_of, caller
from creditapp.api.values import Text
from creditapp.api.wire import Body, answer, query


class Question(Body):
    """Whose balance."""

    account: Text | None = None


def register(bp: Blueprint) -> None:
    """Hang ``GET balance`` into the API."""
    bp.add_url_rule("/balance", "balance", show)


def show() -> Response:
    """The account's standing now."""
    account_id = account_of(caller("read"), query(Question).account)
    found, plan = ledger.balance(account_id), recharge.plan_of(account_id)
    return answer(
        {
            "account": str(account_id),
            "balance": found.balance,
            "available": found.available,
            "reserved": found.reserved,
            "debt": found.debt,
            "total_purchased": found.total_purchased,
            "total_consumed": found.total_consumed,
            "expiring": found.expiring,
            "auto_recharge_enabled": plan is not None and plan.enabled,
            "updated_at": found.updated_at,
        }
    )
