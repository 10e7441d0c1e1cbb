"""All data of an account, for its owner: asked for here, made in the background, fetched by a link that runs out."""

import logging
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, Response, abort, redirect, render_template, send_file, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response as AnyResponse

from creditapp import clock, exports, identity
from creditapp.db import transaction
from creditapp.web import errors, sessions
from creditapp.web.sessions import fresh_required, login_required
from creditapp.web.words import zone
from creditapp.wiring import settings

log = logging.getLogger(__name__)

bp = Blueprint("exports", __name__, url_prefix="/credits/settings/data")

SALT = "data-export"
SECONDS_BETWEEN_POLLS = 1
GONE, OUT_OF_REACH = 410, 503
KILOBYTE = 1000
UNITS = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Progress:
    """The account's newest export as the page shows it: ``none``, ``working``, ``ready``, ``failed`` or ``gone``."""

    export: exports.DataExport | None
    link: str | None

    @property
    def state(self) -> str:
        """How far it is."""
        if self.export is None:
            return "none"
        if self.export.state == "ready" and self.link is None:
            return "gone"
        return "working" if self.export.state == "requested" else self.export.state

    @property
    def every(self) -> int | None:
        """Seconds until the page asks again; None where there is nothing more to hear."""
        return SECONDS_BETWEEN_POLLS if self.state == "working" else None


def register(app: Flask) -> None:
    """Give the templates of *app* the size of a file."""
    app.add_template_filter(file_size)


@bp.get("")
@login_required
def index() -> str:
    """The page."""
    return render_template("exports/index.html", progress=_progress(), parts=exports.PARTS)


@bp.post("")
@fresh_required
def ask() -> AnyResponse:
    """Ask for an archive; one that is being made goes on."""
    account_id = _owned()
    with transaction():
        exports.request(account_id, sessions.signed_in().user.id)
    return redirect(url_for("exports.index"), 303)


@bp.get("/progress")
@login_required
def progress() -> str:
    """The part of the page that keeps asking until the archive is there."""
    return render_template("exports/_progress.html", progress=_progress())


@bp.get("/<token>")
@fresh_required
def fetch(token: str) -> Response | tuple[str, int]:
    """The file; 410 once its day is over, 503 while it is not where the web looks for it."""
    found = exports.of_account(_owned(), _export_id(token))
    if found is None:
        abort(404)
    if not exports.is_ready(found):
        return errors.page(
            GONE, "This archive is gone", "An archive is kept for a day. Ask for a new one in the settings."
        )
    path = exports.file_of(settings().exports, found.id, found.attempts)
    if not path.is_file():
        log.error("%s is not there; do web, workers and clock share the data folder?", path)
        return errors.page(
            OUT_OF_REACH,
            "Your archive can't be reached",
            "It was made, but its file is not at hand here. Try again in a minute. If that does not help, ask for a "
            "new one in the settings.",
        )
    name = f"credits-data-{clock.now().astimezone(zone()):%Y-%m-%d}.zip"
    answer = send_file(path, mimetype="application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def file_size(size: int) -> str:
    """So many bytes as people say it: 812 bytes, 1.4 MB."""
    amount, unit = float(size), 0
    while amount >= KILOBYTE and unit < len(UNITS) - 1:
        amount, unit = amount / KILOBYTE, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if unit else f"{size} {UNITS[0]}"


def _owned() -> int:
    """The account of the person, who owns it; to other members there is nothing here."""
    account_id = sessions.account_id()
    if identity.owner_of(account_id).id != sessions.signed_in().user.id:
        abort(404)
    return account_id


def _progress() -> Progress:
    found = exports.latest(_owned())
    ready = found is not None and exports.is_ready(found)
    return Progress(found, url_for("exports.fetch", token=_signer().dumps(found.id)) if found and ready else None)


def _export_id(token: str) -> int:
    try:
        read: Any = _signer().loads(token)
    except BadSignature:
        abort(404)
    return int(read)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=SALT)
