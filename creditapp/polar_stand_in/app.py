"""Puts the stand-in together: its file, its postman, its routes, and what every answer of ``/v1`` has in common."""

import hmac

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from creditapp.polar_stand_in import (
    checkouts,
    control,
    customers,
    deliveries,
    disputes,
    endpoints,
    events,
    hosted,
    methods,
    off_session,
    orders,
    organizations,
    papers,
    payments,
    portal,
    products,
    refunds,
    sessions,
    staff,
)
from creditapp.polar_stand_in.faults import Faults, FaultyServer
from creditapp.polar_stand_in.house import EXTENSION, House, Settings, house, settings
from creditapp.polar_stand_in.in_progress import InProgress
from creditapp.polar_stand_in.limits import Limits
from creditapp.polar_stand_in.postman import Postman
from creditapp.polar_stand_in.refusals import Refusal, bad_token, no_token, unknown_version
from creditapp.polar_stand_in.shapes import API_VERSION, API_VERSIONS
from creditapp.polar_stand_in.store import Store

LARGEST_BODY = 1024 * 1024
API = (
    products.bp,
    customers.bp,
    methods.bp,
    sessions.bp,
    checkouts.bp,
    orders.bp,
    off_session.bp,
    payments.bp,
    refunds.bp,
    disputes.bp,
    organizations.bp,
    endpoints.bp,
    deliveries.bp,
    events.bp,
)
PAGES = (hosted.bp, portal.bp, papers.bp, control.bp, staff.bp)


def create_app(given: Settings) -> Flask:
    """The program, delivering webhooks from now on."""
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, SEND_FILE_MAX_AGE_DEFAULT=3600)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the provider's own attribute
    # 1. the file, and the events that leave it
    store, faults = Store(given.data / "polar.sqlite"), Faults()
    with store.writing() as t:
        endpoints.build_in(t, given.webhook_url)
    postman = Postman(store, given.secrets)
    store.before_commit, store.after_commit = deliveries.enqueue, postman.ring
    app.extensions[EXTENSION] = House(given, store, faults, InProgress(), Limits())
    # 2. the doors
    for door in API + PAGES:
        app.register_blueprint(door)
    app.before_request(_check_version_and_token)
    app.after_request(_polar_headers)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(HTTPException, _no_such_page)
    app.wsgi_app = FaultyServer(app.wsgi_app, faults)  # type: ignore[method-assign]  # Flask's documented way
    # 3. begin
    postman.start()
    return app


def _check_version_and_token() -> None:
    """``/v1`` wants a version that is served and the token; the hosted pages and ``/_control`` want neither."""
    if not request.path.startswith("/v1/"):
        return
    version = request.headers.get("Polar-Version", API_VERSION)
    if version not in API_VERSIONS:
        raise unknown_version()
    g.polar_version = version
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise no_token()
    wanted = settings().token
    if wanted and not hmac.compare_digest(token.encode(), wanted.encode()):
        raise bad_token()
    house().limits.count(token)


def _polar_headers(response: Response) -> Response:
    if "polar_version" in g:
        response.headers["Polar-Version"] = g.polar_version
        response.headers["X-Polar-Sandbox"] = "1"
    if request.path.startswith(("/v1/", "/_control/")):
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _refuse(refusal: Refusal) -> Response:
    response = Response() if refusal.body is None else jsonify(refusal.body)
    response.status_code = refusal.status
    response.headers.update(refusal.headers)
    return response


def _no_such_page(error: HTTPException) -> Response | HTTPException:
    """Polar's plain answer for a path or a method that it does not have; the hosted pages have their own."""
    if isinstance(error, RequestRedirect):  # to the same path with its slash
        return error
    status = error.code or 500
    if request.path.startswith(("/v1/", "/_control/")):
        answer = jsonify(detail=error.name)
        answer.status_code = status
        return answer
    return hosted.trouble(status)
