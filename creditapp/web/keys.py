"""API keys: made, shown once, replaced without an outage, revoked at once."""

from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from creditapp import clock, identity
from creditapp.db import transaction
from creditapp.errors import InvalidInput
from creditapp.web import sessions
from creditapp.web.forms import typed
from creditapp.web.sessions import fresh_required, login_required
from creditapp.wiring import settings

bp = Blueprint("keys", __name__, url_prefix="/credits/keys")

REFUSED = 422
SCOPES = {
    "read": "See balance, history and prices",
    "consume": "Spend credits",
    "purchase": "Open checkouts and change auto-recharge",
    "manage": "Manage keys",
}
LIFETIMES = {"": "until it is revoked", "30": "30 days", "90": "90 days", "365": "one year"}
USUAL = ("read", "consume")

Page = str | AnyResponse | tuple[str, int]


@bp.get("")
@login_required
def index() -> str:
    """Every key of the account, and the form for a new one."""
    return _page()


@bp.post("")
@fresh_required
def create() -> Page:
    """A new key; this answer is the only one that shows it."""
    name, scopes, days = typed("name"), tuple(request.form.getlist("scopes")), typed("expires_in")
    try:
        with transaction():
            key = identity.create_key(
                sessions.account_id(),
                name=name,
                scopes=scopes,
                live=settings().live,
                works_until=_until(days),
            )
    except InvalidInput as error:
        return _page(error=error.sentence, name=name, scopes=scopes, days=days), REFUSED
    return _page(made=key, made_name=name)


@bp.post("/<int:key_id>/rotate")
@fresh_required
def rotate(key_id: int) -> Page:
    """A second secret for the same program; both work for a day."""
    account_id = sessions.account_id()
    try:
        with transaction():
            key = identity.rotate_key(account_id, key_id, live=settings().live)
    except InvalidInput as error:
        return _page(error=error.sentence), REFUSED
    name = next(one.name for one in identity.keys_of(account_id) if one.id == key_id)
    return _page(made=key, made_name=name, rotated=True)


@bp.post("/<int:key_id>/revoke")
@fresh_required
def revoke(key_id: int) -> AnyResponse:
    """End a key, at once."""
    with transaction():
        name = identity.revoke_key(sessions.account_id(), key_id).name
    flash(f"The key {name} is revoked. Nothing accepts it any more.", "ok")
    return redirect(url_for("keys.index"), 303)


def _until(days: str) -> datetime | None:
    if days not in LIFETIMES:
        message = "Choose how long it works from the list."
        raise InvalidInput(message)
    return clock.now() + timedelta(days=int(days)) if days else None


def _page(
    *,
    error: str | None = None,
    name: str = "",
    scopes: tuple[str, ...] = USUAL,
    days: str = "",
    made: str | None = None,
    made_name: str = "",
    rotated: bool = False,
) -> str:
    keys = identity.keys_of(sessions.account_id())
    now = clock.now()
    return render_template(
        "keys/index.html",
        keys=keys,
        working=sum(1 for key in keys if key.works(now)),
        now=now,
        known_scopes=SCOPES,
        lifetimes=LIFETIMES,
        error=error,
        name=name,
        scopes=scopes,
        days=days,
        made=made,
        made_name=made_name,
        rotated=rotated,
    )
