"""The door for programs: JSON under ``/api/credits`` with a bearer key; every refusal is a problem in words."""

import logging

from flask import Blueprint, Flask, Request, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from creditapp import identity
from creditapp.api import (
    auto_recharge,
    balance,
    batch,
    consume,
    docs,
    estimate,
    holds,
    keys,
    packages,
    prices,
    purchase,
    transactions,
    usage,
)
from creditapp.api.callers import look_up_remembered, note_use
from creditapp.api.limit import Counter, count_call, tell_limit
from creditapp.api.wire import problem
from creditapp.errors import CreditAppError
from creditapp.wiring import csrf, limiter

log = logging.getLogger(__name__)

ROOT = "/api"
WORDS = {
    404: ("not_found", "Not found", "There is nothing at this address."),
    405: ("method_not_allowed", "Method not allowed", "This address does not take that method."),
    413: ("too_large", "Too large", "Send less than 1 MB."),
    429: ("too_many_requests", "Too many requests", "Wait as long as Retry-After says."),
}


def register(app: Flask) -> None:
    """Hang the API into *app*. Programs carry no cookie, so that there is nothing to forge."""
    app.extensions["calls"] = Counter(app.extensions["settings"].redis_url)
    app.register_blueprint(bp)
    app.register_blueprint(docs.bp)


def _note_use(response: Response) -> Response:
    try:
        note_use()
    except SQLAlchemyError:
        log.warning("the use of a key could not be written down", exc_info=True)
    return response


def is_ours(request: Request) -> bool:
    """Whether a request came through this door."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


def refused(error: CreditAppError) -> Response:
    """A refusal of ours, as problem+json; to a key that does not work any more, that and nothing else."""
    if error.status < 500:
        try:
            look_up_remembered()
        except identity.BadKey as gone:
            error = gone
    answer = problem(error.status, error.code, error.title, error.sentence, **error.fields)
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="credits"'
    if "retry_after" in error.fields:
        answer.headers["Retry-After"] = str(error.fields["retry_after"])
    return answer


def http(error: HTTPException) -> Response:
    """An error of the web server's own, as problem+json."""
    status = error.code or 500
    code, title, detail = WORDS.get(status, ("bad_request", "Bad request", "The request can't be read."))
    answer = problem(status, code, title, detail)
    for name, value in error.get_headers():
        if name.lower() in {"allow", "retry-after"}:
            answer.headers[name] = value
    return answer


def broken() -> Response:
    """Something broke on our side."""
    return problem(500, "broken", "Something broke on our side", "Try again; the same idempotency key is safe.")


bp = Blueprint("api", __name__, url_prefix=f"{ROOT}/credits")
csrf.exempt(bp)
limiter.request_filter(lambda: is_ours(request))  # it counts for itself
for _resource in (
    balance,
    consume,
    batch,
    holds,
    estimate,
    prices,
    transactions,
    packages,
    purchase,
    auto_recharge,
    keys,
    usage,
):
    _resource.register(bp)
bp.after_request(_note_use)
bp.before_request(count_call)
bp.after_request(tell_limit)

__all__ = ["broken", "http", "is_ours", "refused", "register"]
