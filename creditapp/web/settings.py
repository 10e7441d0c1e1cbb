"""The account and the person: name, password, time zone, where they are signed in."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, url_for
from flask_limiter import RequestLimit
from werkzeug.wrappers import Response as AnyResponse

from creditapp import clock, identity
from creditapp.db import transaction
from creditapp.errors import InvalidInput
from creditapp.web import sessions, words
from creditapp.web.forms import exactly, typed
from creditapp.web.resets import tell_of_change
from creditapp.web.sessions import login_required
from creditapp.wiring import limiter

bp = Blueprint("settings", __name__, url_prefix="/credits/settings")

REFUSED = 422
# An open browser that somebody left alone is no place to guess passwords.
WRONG_PASSWORDS = "10 per 15 minutes"
ELSEWHERE = "Other"  # zones without a continent, such as UTC
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}

Page = str | AnyResponse | tuple[str, int]


@dataclass(frozen=True, slots=True)
class SignIn:
    """One place where the person is signed in."""

    device: str
    address: str
    at: datetime
    here: bool


def _person() -> str:
    return str(sessions.signed_in().user.id)


def _was_wrong(_answer: Response) -> bool:
    return bool(g.get("wrong_password"))


def _wait(breached: RequestLimit) -> Response:
    seconds, wait = words.wait_until(breached.reset_at)
    answer = make_response(_page({"current_password": f"Too many tries. Wait {wait}, then try again."}), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


@bp.get("")
@login_required
def index() -> str:
    """All of it on one page."""
    return _page()


@bp.post("/name")
@login_required
def rename() -> Page:
    """Call the person by another name."""
    try:
        with transaction():
            identity.rename(sessions.signed_in().user, typed("name"))
    except InvalidInput as error:
        return _page({"name": error.sentence}, name=typed("name")), REFUSED
    return _saved("Your name is saved.")


@bp.post("/time-zone")
@login_required
def change_time_zone() -> Page:
    """Show the account's times in another zone."""
    wanted = typed("time_zone")
    try:
        with transaction():
            identity.set_time_zone(sessions.account_id(), wanted)
    except InvalidInput as error:
        return _page({"time_zone": error.sentence}), REFUSED
    return _saved(f"Times are now shown in {wanted}.")


@bp.post("/password")
@login_required
@limiter.limit(WRONG_PASSWORDS, key_func=_person, deduct_when=_was_wrong, on_breach=_wait)
def change_password() -> Page:
    """A new password, for who knows the current one; everywhere else they are signed out."""
    me = sessions.signed_in()
    if not identity.matches(exactly("current_password"), me.user.password_hash):
        g.wrong_password = True
        return _page({"current_password": "This is not your current password."}), REFUSED
    try:
        with transaction():
            identity.change_password(me.user, exactly("new_password"))
            sessions.sign_in(me.user)
            tell_of_change(me.user)
    except identity.UnacceptablePassword as error:
        return _page({"new_password": error.sentence}), REFUSED
    return _saved("Your password is changed. You are signed out everywhere else.")


@bp.post("/sessions")
@login_required
def sign_out_elsewhere() -> Page:
    """End every other session of the person."""
    me = sessions.signed_in()
    with transaction():
        identity.close_other_sessions(me.user, keep_token=me.token)
    return _saved("You are signed out everywhere else.")


def _saved(sentence: str) -> AnyResponse:
    flash(sentence, "ok")
    return redirect(url_for("settings.index"), 303)


def _page(errors: dict[str, str] | None = None, *, name: str | None = None) -> str:
    """The page; *errors* by field, with the refused *name* as it was typed."""
    me = sessions.signed_in()
    account_id = me.account_id
    here = identity.token_hash(me.token)
    zone = words.zone()
    return render_template(
        "settings/index.html",
        errors=errors or {},
        here=url_for("settings.index"),
        name=me.user.name if name is None else name,
        account_id=account_id,
        members=identity.members(account_id),
        sign_ins=[
            SignIn(_device(one.user_agent), one.address, one.signed_in_at, one.token_hash == here)
            for one in identity.open_sessions(me.user)
        ],
        zone=zone.key,
        zones=_zones(),
        now=clock.now().astimezone(zone),
        shortest=identity.SHORTEST_PASSWORD,
        longest_name=identity.LONGEST_NAME,
    )


def _device(user_agent: str) -> str:
    """The browser and system that a user agent names, as far as anybody can tell."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "A browser")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), None)
    return f"{browser} on {system}" if system else browser


@cache
def _zones() -> list[tuple[str, list[tuple[str, str]]]]:
    """Every IANA zone by continent, as key and name."""

    def continent(key: str) -> str:
        return key.partition("/")[0] if "/" in key else ELSEWHERE

    keys = sorted(identity.time_zones(), key=lambda key: (continent(key) == ELSEWHERE, continent(key), key))
    return [
        (name, [(key, key.removeprefix(f"{name}/").replace("_", " ").replace("/", ", ")) for key in group])
        for name, group in groupby(keys, key=continent)
    ]
