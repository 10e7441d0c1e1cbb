"""Webhooks as Polar sends them: signed by either rule, from its own recordings, or for an order of ours."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from creditapp import ledger
from creditapp.packages import CreditPackage
from tests.signing import sign

POLAR = Path(__file__).parent / "polar"
ADDRESS = "/webhooks/polar/credits"


def signed(body: bytes, secret: str, *, webhook_id: str | None = None, at: datetime | None = None) -> dict[str, str]:
    """The headers with which Polar delivers *body*; signed by the library where the body is text."""
    webhook_id, at = webhook_id or str(uuid4()), at or datetime.now(UTC)
    return {
        "content-type": "application/json",
        "user-agent": "polar.sh webhooks",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(body, secret, webhook_id, at),
    }


def deliver(
    client: FlaskClient, body: bytes | dict[str, Any], secret: str, *, webhook_id: str | None = None, **headers: str
) -> TestResponse:
    """Deliver *body* as Polar does, under *webhook_id* or a new one; *headers* replace those of the same name."""
    raw = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(ADDRESS, data=raw, headers={**signed(raw, secret, webhook_id=webhook_id), **given})


def recordings() -> Iterator[tuple[str, str]]:
    """The name and exact body of every delivery that was recorded from Polar's own server."""
    for file in sorted((POLAR / "recordings").glob("*/[0-9]*.json")):
        yield f"{file.parent.name}/{file.stem}", json.loads(file.read_text())["body"]


def order_paid(
    package: CreditPackage,
    account: ledger.Account | int | None = None,
    *,
    order_id: str | None = None,
    checkout_id: int | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """``order.paid`` for *package*, bought by the customer whose external id is *account*."""
    event = deepcopy(_sample("order.paid"))
    data = event["data"]
    price = package.price_cents
    account_id = account.id if isinstance(account, ledger.Account) else account
    data.update(
        id=order_id or str(uuid4()),
        product_id=package.polar_product_id,
        checkout_id=None,
        metadata={"checkout_id": str(checkout_id)} if checkout_id else {},
        created_at=_when(-60),
        modified_at=_when(0),
        subtotal_amount=price,
        discount_amount=0,
        net_amount=price,
        tax_amount=0,
        total_amount=price,
        refunded_amount=0,
        currency=package.currency,
    )
    data["customer"]["external_id"] = str(account_id) if account_id else None
    data.update(fields)
    return event


def sample(name: str) -> dict[str, Any]:
    """A payload as Polar sends it, from its samples."""
    return deepcopy(_sample(name))


@cache
def _sample(name: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads((POLAR / "payloads" / f"{name}.json").read_text())
    return sample


def _when(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def order_changed(event: dict[str, Any], event_type: str, **fields: Any) -> dict[str, Any]:
    """Another event about the order of *event*, with *fields* as they are then."""
    changed = deepcopy(event)
    changed["type"] = event_type
    changed["data"].update(fields)
    return changed


def refund(order: dict[str, Any], event_type: str = "refund.created", **fields: Any) -> dict[str, Any]:
    """A refund of the order that *order* tells of, as Polar tells of refunds."""
    event = deepcopy(_sample("refund.created"))
    event["type"] = event_type
    event["data"].update(
        id=str(uuid4()),
        order_id=order["data"]["id"],
        status="succeeded",
        created_at=moment(10),
        modified_at=None,
        currency=order["data"]["currency"],
    )
    event["data"].update(fields)
    return event


def moment(seconds: float) -> str:
    """So many seconds from now, as Polar writes moments."""
    return _when(seconds)
