"""The house, put together: settings, extensions, Polar, doors, error pages - in that order."""

import logging
from functools import cache, partial
from types import ModuleType

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from creditapp import api, cli, jobqueue, pricing, web
from creditapp.config import ROOT, Settings, load_settings
from creditapp.db import db, engine_options, is_away, is_busy, let_go
from creditapp.errors import Busy, CreditAppError, Unavailable
from creditapp.gateway import Gateway
from creditapp.ledger import Crowd, Policy, together
from creditapp.web import errors

log = logging.getLogger(__name__)

LARGEST_BODY = 1024 * 1024  # bytes; Polar's largest webhook is far below
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def create_app(settings: Settings | None = None) -> Flask:
    """The application, ready to serve. Raises ConfigError where a setting is missing or wrong."""
    settings = settings or load_settings()
    _log()
    app = Flask("creditapp", root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database),
        MAX_CONTENT_LENGTH=LARGEST_BODY,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    settings.data.mkdir(parents=True, exist_ok=True)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    db.init_app(app)
    app.extensions["memory"] = {}
    app.extensions["ledger_policy"] = ledger_policy(settings)
    app.extensions["low_balance_threshold"] = settings.low_balance_threshold
    app.extensions["most_recharge_failures"] = settings.auto_recharge_max_failures
    app.extensions["charges"] = Crowd(together)
    app.extensions["rate_cards"] = pricing.Cards()
    app.extensions["migrate"] = LocalProxy(cache(partial(_migrate, app)))
    jobqueue.use(settings.redis_url)
    app.extensions["gateway"] = Gateway(settings.polar_server, settings.polar_access_token)

    app.before_request(_take_in_the_body)
    web.register(app)
    api.register(app)
    cli.register(app)
    _answer_errors(app)
    return app


def ledger_policy(settings: Settings) -> Policy:
    """What the seller decided about debt and returns."""
    return Policy(
        clawback_other_lots=settings.clawback_other_lots,
        forgive_shortfall=settings.clawback_forgive,
        spend_in_debt=settings.spend_in_debt,
        overrun_into_debt=settings.hold_overrun_debt,
        return_grace_days=settings.return_grace_days,
    )


def _take_in_the_body() -> None:
    """All of it, before anything is asked of the database: who sends slowly keeps no transaction waiting.

    One that does not tell its length is read up to the limit and no further: if it reaches that, it was cut.
    """
    body = request.get_data()
    if request.content_length is None and len(body) >= LARGEST_BODY:
        raise RequestEntityTooLarge


def _migrate(app: Flask) -> object:
    # Alembic is loaded by who migrates, not by every process that serves.
    from flask_migrate import Migrate

    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True, compare_type=True)
    return app.extensions["migrate"]


def _answer_errors(app: Flask) -> None:
    """People get a page, programs problem+json; either way nothing half-done stays in the session."""

    def door() -> ModuleType:
        let_go()
        return api if api.is_ours(request) else errors

    def refused(error: CreditAppError) -> Response | tuple[str, int]:
        return door().refused(error)  # type: ignore[no-any-return]

    def http(error: HTTPException) -> Response | tuple[str, int] | AnyResponse:
        if error.response is not None or (error.code or 500) < 400:
            return error.get_response()
        return door().http(error)  # type: ignore[no-any-return]

    def broken(error: Exception) -> Response | tuple[str, int]:
        if is_busy(error):
            log.warning("%s %s found the database busy: %s", request.method, request.path, error)
            return refused(Busy())
        if is_away(error):
            log.warning("%s %s did not reach the database: %s", request.method, request.path, str(error).split("\n")[0])
            return refused(Unavailable())
        log.error("%s %s broke", request.method, request.path, exc_info=error)
        return door().broken()  # type: ignore[no-any-return]

    app.register_error_handler(CreditAppError, refused)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(Exception, broken)


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    # These tell of every request, addresses and all.
    for talkative in ("httpx", "httpcore", "apscheduler", "rq", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
