"""A forgotten password: asking for a link, and setting a new password with it.

Nothing here tells whether an account exists: the letter is written for any address, and dropped later where there is
nobody. The token leaves the address at once, so that it stands in no history, referrer or picture of the page.
"""

import hashlib
import secrets

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_limiter import RequestLimit
from werkzeug.wrappers import Response as AnyResponse

from creditapp import clock, identity, letters
from creditapp.db import transaction
from creditapp.web import words
from creditapp.web.forms import exactly, typed
from creditapp.wiring import limiter

bp = Blueprint("resets", __name__)

ASKED_FROM_ONE_ADDRESS = "20 per hour"
SECONDS_BETWEEN_LETTERS = 120
REFUSED = 422
TOKEN = "password_reset"  # noqa: S105  (the name of a place, not a secret)

Page = str | AnyResponse | tuple[str, int]


def _wait(breached: RequestLimit) -> Response:
    seconds, wait = words.wait_until(breached.reset_at)
    answer = make_response(render_template("auth/forgot.html", problem=f"Too many tries. Wait {wait}."), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


@bp.get("/forgot-password")
def forgot() -> str:
    """The form that asks for the email."""
    return render_template("auth/forgot.html", email=request.args.get("email", "")[:254])


@bp.post("/forgot-password")
@limiter.limit(ASKED_FROM_ONE_ADDRESS, on_breach=_wait)
def ask() -> Page:
    """The same answer for every address; a letter follows where there is an account, at most one in two minutes."""
    try:
        email = identity.normal_email(typed("email"))
    except identity.InvalidEmail as error:
        return render_template("auth/forgot.html", email=typed("email"), error=error.sentence), REFUSED
    round_ = int(clock.now().timestamp()) // SECONDS_BETWEEN_LETTERS
    whose = hashlib.sha256(email.encode()).hexdigest()
    with transaction():
        letters.write("password_reset", key=f"password_reset:{whose}:{round_}", recipient=email, facts={})
    return render_template("auth/forgot_sent.html", email=email)


@bp.get("/reset-password")
def choose() -> Page:
    """The form for the new password; a token in the address is put away first."""
    if token := request.args.get("token"):
        session[TOKEN] = token[:100]
        return redirect(url_for("resets.choose"), 303)
    if not identity.can_reset(session.get(TOKEN, "")):
        return _unusable()
    return _form()


@bp.post("/reset-password")
def set_password() -> Page:
    """A new password; everywhere the person is signed out, and signs in afresh."""
    try:
        with transaction():
            user = identity.reset_password(session.get(TOKEN, ""), exactly("password"))
            tell_of_change(user)
    except identity.UnacceptablePassword as error:
        return _form(error.sentence), REFUSED
    except identity.ResetUnusable:
        return _unusable()
    session.clear()
    flash("Your password is changed. Sign in with it.", "ok")
    return redirect(url_for("auth.sign_in"), 303)


def tell_of_change(user: identity.User) -> None:
    """Write to the person that their password was changed: if it was not them, they must know."""
    letters.write(
        "password_changed", key=f"password_changed:{user.id}:{secrets.token_hex(8)}", recipient=user.email, facts={}
    )


def _form(error: str | None = None) -> str:
    return render_template("auth/reset.html", error=error, shortest=identity.SHORTEST_PASSWORD)


def _unusable() -> tuple[str, int]:
    return render_template("auth/reset_unusable.html"), identity.ResetUnusable.status
