"""``/v1/customer-sessions/``: a link to the customer's portal that works for an hour (facts §1.4)."""

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import customers, shapes
from creditapp.polar_stand_in.clock import new_id, now, stamp, written
from creditapp.polar_stand_in.house import settings, store
from creditapp.polar_stand_in.reading import Body
from creditapp.polar_stand_in.refusals import wrong_value
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("sessions", __name__, url_prefix="/v1/customer-sessions")

LIFE = timedelta(hours=1)


@bp.post("/")
def create_session() -> tuple[Response, int]:
    """A session for a customer by either id."""
    body = Body()
    customer_id, external_id = body.uuid("customer_id"), body.text("external_customer_id", shortest=1)
    return_url = body.url("return_url")
    if customer_id is None and external_id is None and not body.problems:
        body.wrong("missing", "customer_id", "Field required", body.given)
    body.done()
    with store().writing() as t:
        customer = customers.living(t, customer_id) if customer_id else t.one("customer", external_id=str(external_id))
        if customer is None:
            field = "customer_id" if customer_id else "external_customer_id"
            raise wrong_value(["body", field], "Customer does not exist.", body.given[field])
        token = "polar_mst_" + secrets.token_urlsafe(32)
        query = urlencode({"customer_session_token": token, "email": customer["email"]})
        session = t.put(
            "session",
            {
                "created_at": stamp(t),
                "modified_at": None,
                "id": new_id(),
                "token": token,
                "expires_at": written(now(t) + LIFE),
                "return_url": return_url,
                "customer_portal_url": f"{settings().base_url}/portal?{query}",
                "customer_id": customer["id"],
                "client_secret": token,  # the file's index for addresses that are secrets
                "_awaiting": None,
            },
        )
        return jsonify(_shape(session, customer)), 201


def by_token(t: Transaction, token: str) -> Document | None:
    """The session of a portal link, expired or not."""
    return t.one("session", client_secret=token) if token else None


def is_over(t: Transaction, session: Document) -> bool:
    """Whether the hour has passed by the stand-in's clock."""
    return bool(session["expires_at"] <= stamp(t))


def _shape(session: Document, customer: Document) -> Document:
    shown = {key: value for key, value in shapes.public(session).items() if key != "client_secret"}
    return {**shown, "customer": shapes.customer(customer)}
