"""Who is signed in. The cookie holds a token that means nothing without its row, so that a session can be ended."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, Response, abort, make_response, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from creditapp import clock, identity
from creditapp.db import transaction

FRESH = timedelta(minutes=15)

View = TypeVar("View", bound=Callable[..., Any])


class SignedIn(UserMixin):
    """The person of this request, the account they act for, and the token of their session."""

    def __init__(self, user: identity.User, token: str) -> None:
        self.user = user
        self.token = token
        self.account_id = identity.account_id_of(user)

    def get_id(self) -> str:
        """What the cookie keeps."""
        return self.token


def register(app: Flask) -> None:
    """Let *app* know who is signed in."""
    # Templates ask `me`: an error page must not need the database.
    manager = LoginManager(app, add_context_processor=False)
    manager.user_loader(_load)
    manager.unauthorized_handler(to_sign_in)


def signed_in() -> SignedIn:
    """Who is signed in."""
    return cast(SignedIn, current_user)


def account_id() -> int:
    """The account that the signed-in person acts for: where every query of a page starts."""
    return signed_in().account_id


def sign_in(user: identity.User) -> None:
    """Begin a new session; whatever the browser carried before is forgotten. Inside a transaction."""
    token = identity.open_session(user, user_agent=request.user_agent.string, address=request.remote_addr or "")
    session.clear()
    login_user(SignedIn(user, token))


def sign_out() -> None:
    """End this session for good."""
    with transaction():
        identity.close_session(signed_in().token)
    logout_user()
    session.clear()


def is_signed_in() -> bool:
    """Whether anybody is."""
    return bool(current_user.is_authenticated)  # type: ignore[attr-defined]


def login_required(view: View) -> View:
    """For people; a visitor is sent to the sign-in page."""

    @wraps(view)
    def guarded(*arguments: Any, **named: Any) -> Any:
        return view(*arguments, **named) if is_signed_in() else to_sign_in()

    return cast(View, guarded)


def fresh_required(view: View) -> View:
    """For what an open browser that somebody left alone must not do: the password is asked again after a while."""

    @wraps(view)
    def guarded(*arguments: Any, **named: Any) -> Any:
        shown = identity.signed_in_at(signed_in().token)
        if shown is None or shown < clock.now() - FRESH:
            back = request.full_path.rstrip("?") if request.method == "GET" else url_for(f"{request.blueprint}.index")
            return make_response(redirect(url_for("auth.confirm", next=back), 303))
        return view(*arguments, **named)

    return login_required(cast(View, guarded))


def operator_required(view: View) -> View:
    """For the seller's staff; to anyone else the page does not exist."""

    @wraps(view)
    def guarded(*arguments: Any, **named: Any) -> Any:
        if not (is_signed_in() and signed_in().user.is_operator):
            abort(404)
        return view(*arguments, **named)

    return cast(View, guarded)


def safe_next(target: str | None) -> str:
    """Where to go after signing in: a path of ours, never another site."""
    if (
        target
        and target.startswith("/")
        and not target.startswith("//")
        and target.isprintable()
        and "\\" not in target
    ):
        return target
    return url_for("overview.index")


def _load(token: str) -> SignedIn | None:
    user = identity.by_session(token)
    return SignedIn(user, token) if user else None


def to_sign_in() -> Response:
    """The way to the sign-in page, and back here afterwards; htmx is told to go there with the whole page."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    address = url_for("auth.sign_in", next=wanted)
    if request.headers.get("HX-Request"):
        answer = make_response("", 401)
        answer.headers["HX-Redirect"] = url_for("auth.sign_in")
        return answer
    return make_response(redirect(address, 303))
