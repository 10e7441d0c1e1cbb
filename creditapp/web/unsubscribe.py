"""Where a letter's own link leads: no more letters like it, without signing in.

Looking changes nothing, so that no scanner of mail stops a letter; a mail program's button sends the form at once
(RFC 8058). The signed token is the right to do it, which is why no other one is asked for.
"""

from flask import Blueprint, render_template, request

from creditapp import alerts
from creditapp.db import transaction
from creditapp.web.forms import exactly
from creditapp.wiring import csrf, settings

bp = Blueprint("unsubscribe", __name__)

GONE = 404

Page = str | tuple[str, int]


@bp.get("/unsubscribe")
def ask() -> Page:
    """The question, with one button."""
    token = request.args.get("letters", "")
    found = alerts.stopped_by(settings().secret_key, token)
    if found is None:
        return _unknown()
    return render_template("unsubscribe/ask.html", name=alerts.NAMES[found[1]], letters=token)


@bp.post("/unsubscribe")
@csrf.exempt  # type: ignore[untyped-decorator]
def stop() -> Page:
    """Done; the alerts themselves still stand in the inbox."""
    found = alerts.stopped_by(settings().secret_key, request.args.get("letters") or exactly("letters"))
    if found is None:
        return _unknown()
    with transaction():
        alerts.stop_letters(*found)
    return render_template("unsubscribe/stopped.html", name=alerts.NAMES[found[1]])


def _unknown() -> tuple[str, int]:
    return render_template("unsubscribe/unknown.html"), GONE
