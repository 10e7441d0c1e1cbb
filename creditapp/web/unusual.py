"""For the seller's staff: unusual use of any account, until it is over."""

from flask import Blueprint, render_template, request

from creditapp import alerts
from creditapp.db import row_id
from creditapp.web.sessions import operator_required

bp = Blueprint("unusual", __name__, url_prefix="/operator/alerts")

PAGE = 50


@bp.get("")
@operator_required
def index() -> str:
    """The newest first."""
    before = row_id(request.args.get("before", ""))
    found = alerts.unusual(PAGE + 1, before=before)
    return render_template(
        "operator/alerts.html",
        rows=[(one, alerts.words_of(one.alert.alert_type, one.alert.details)) for one in found[:PAGE]],
        older_before=found[PAGE - 1].alert.id if len(found) > PAGE else None,
        paged=before is not None,
    )
