"""``POST purchase``: open a checkout for a package."""

from flask import Blueprint, Response

from creditapp import buying, ledger
from creditapp.api.callers import account_of, caller, idempotency_key
from creditapp.api.values import Label, Text
from creditapp.api.wire import Body, answer, body


class Purchase(Body):
    """Which package, for whom."""

    account: Text | None = None
    package: Label


def register(bp: Blueprint) -> None:
    """Hang ``POST purchase`` into the API."""
    bp.add_url_rule("/purchase", "purchase", purchase, methods=["POST"])


def purchase() -> Response:
    """201 with the address at which a person pays; 409 where the package can't be bought, with the reason."""
    program = caller("purchase")
    asked = body(Purchase)
    account_id = account_of(program, asked.account)
    key = idempotency_key()
    try:
        opened = buying.open_checkout(account_id, asked.package, key=f"api:{key}" if key else None)
    except ledger.IdempotencyMismatch:
        raise ledger.IdempotencyMismatch(key or "") from None
    headers = {"Idempotent-Replayed": "true"} if opened.replayed else None
    return answer({"checkout_id": str(opened.id), "checkout_url": opened.url}, 201, headers)
