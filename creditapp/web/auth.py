"""The way in and out: signing up, signing in, signing out."""

import hashlib

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_limiter import RequestLimit
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response as AnyResponse

from creditapp import alerts, identity
from creditapp.db import transaction
from creditapp.web import sessions, words
from creditapp.web.forms import exactly, typed
from creditapp.web.sessions import is_signed_in, login_required, safe_next
from creditapp.wiring import limiter, settings, welcome

bp = Blueprint("auth", __name__)

# Whoever tries passwords is stopped; the owner, on another address, is not. Successful sign-ins never count.
FAILURES_FOR_ONE_EMAIL = "10 per 15 minutes"
FAILURES_FROM_ONE_ADDRESS = "50 per 15 minutes"
REFUSED = 422

Page = str | AnyResponse | tuple[str, int]


def _person_tried() -> str:
    email = hashlib.sha256(typed("email").lower().encode()).hexdigest()
    return f"{get_remote_address()} {email}"


def _failed(answer: Response) -> bool:
    return answer.status_code == REFUSED


def _wait(breached: RequestLimit) -> Response:
    """The sign-in page, saying for how long it is closed to this address."""
    seconds, wait = words.wait_until(breached.reset_at)
    answer = make_response(_sign_in_page(f"Too many tries that failed. Wait {wait}, then try again."), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _who() -> str:
    return f"confirm {sessions.signed_in().user.id}"


def _wait_to_confirm(breached: RequestLimit) -> Response:
    seconds, wait = words.wait_until(breached.reset_at)
    answer = make_response(render_template("auth/confirm.html", error=f"Too many tries. Wait {wait}."), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


@bp.get("/")
def home() -> AnyResponse:
    """The overview, for who is signed in; it sends a visitor to the sign-in page."""
    return redirect(url_for("overview.index"), 303)


@bp.get("/sign-in")
def sign_in() -> Page:
    """The form; who is signed in goes on."""
    return _onwards() if is_signed_in() else _sign_in_page()


@bp.post("/sign-in")
@limiter.limit(FAILURES_FROM_ONE_ADDRESS, deduct_when=_failed, on_breach=_wait)
@limiter.limit(FAILURES_FOR_ONE_EMAIL, key_func=_person_tried, deduct_when=_failed, on_breach=_wait)
def begin_session() -> Page:
    """A new session for who knows the password; the same words for an unknown email and a wrong password."""
    user = identity.by_credentials(typed("email"), exactly("password"))
    if user is None:
        return _sign_in_page("Email and password do not match."), REFUSED
    with transaction():
        sessions.sign_in(user)
    return _onwards()


@bp.get("/confirm")
@login_required
def confirm() -> Page:
    """The form that asks for the password again."""
    return render_template("auth/confirm.html")


@bp.post("/confirm")
@login_required
@limiter.limit(FAILURES_FOR_ONE_EMAIL, key_func=_who, deduct_when=_failed, on_breach=_wait_to_confirm)
def confirm_password() -> Page:
    """On with what was begun, for who knows the password."""
    me = sessions.signed_in()
    if not identity.matches(exactly("password"), me.user.password_hash):
        return render_template("auth/confirm.html", error="This is not your password."), REFUSED
    with transaction():
        identity.confirm(me.token)
    return _onwards()


@bp.get("/sign-up")
def sign_up() -> Page:
    """The form; who is signed in goes on."""
    return _onwards() if is_signed_in() else _sign_up_page({})


@bp.post("/sign-up")
def create_account() -> Page:
    """A new person with an account and the welcome credits, signed in."""
    try:
        with transaction():
            user = identity.sign_up(typed("email"), exactly("password"), welcome())
            alerts.begin(identity.account_id_of(user))
            sessions.sign_in(user)
    except (identity.InvalidEmail, identity.EmailTaken) as error:
        return _sign_up_page({"email": error.sentence}), REFUSED
    except identity.UnacceptablePassword as error:
        return _sign_up_page({"password": error.sentence}), REFUSED
    gift = settings().welcome_credits
    flash(f"Your account is ready, with {gift:,} welcome credits." if gift else "Your account is ready.", "ok")
    return _onwards()


@bp.post("/sign-out")
@login_required
def sign_out() -> AnyResponse:
    """End this session: its cookie is worth nothing afterwards."""
    sessions.sign_out()
    flash("You are signed out.", "ok")
    return redirect(url_for("auth.sign_in"), 303)


def _onwards() -> AnyResponse:
    return redirect(safe_next(request.args.get("next")), 303)


def _sign_in_page(problem: str | None = None) -> str:
    return render_template("auth/sign_in.html", email=typed("email"), problem=problem, gift=settings().welcome_credits)


def _sign_up_page(errors: dict[str, str]) -> str:
    return render_template(
        "auth/sign_up.html",
        email=typed("email"),
        errors=errors,
        gift=settings().welcome_credits,
        shortest=identity.SHORTEST_PASSWORD,
    )
