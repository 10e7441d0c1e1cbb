"""Where Polar delivers: check the signature over the raw bytes, store, answer. The work is done elsewhere."""

from flask import Blueprint, Response, jsonify, request

from creditapp import clock, gateway, webhooks
from creditapp.db import transaction
from creditapp.wiring import csrf, settings

bp = Blueprint("webhooks", __name__)


@bp.post("/webhooks/polar/credits")
@csrf.exempt  # type: ignore[untyped-decorator]
def polar() -> tuple[Response, int]:
    """202 once the delivery is stored, or was before; 403 where it is not Polar's."""
    body = request.get_data()
    headers = {name.lower(): value for name, value in request.headers}
    try:
        webhook_id = gateway.check(body, headers, settings().polar_webhook_secret, clock.now())
    except gateway.BadSignature as error:
        return jsonify(error=error.sentence), 403
    with transaction():
        webhooks.receive(webhook_id, body)
    return jsonify(status="stored"), 202
