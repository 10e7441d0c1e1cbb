"""Light, dark, or as the system: a cookie, set by a form."""

from flask import Blueprint, Response, make_response, redirect, request

from creditapp.web.sessions import safe_next
from creditapp.wiring import settings

bp = Blueprint("theme", __name__)

THEMES = ("system", "light", "dark")
YEAR_SECONDS = 365 * 24 * 3600


def chosen() -> str:
    """How this browser wants to see us."""
    asked = request.cookies.get(cookie_name(), THEMES[0])
    return asked if asked in THEMES else THEMES[0]


def cookie_name() -> str:
    """Under which name the browser keeps it."""
    return "__Host-theme" if settings().secure else "theme"


@bp.post("/theme")
def choose() -> Response:
    """Keep the choice for a year, and back to where it was made."""
    wanted = request.form.get("theme", "")
    answer = make_response(redirect(safe_next(request.form.get("next")), 303))
    answer.set_cookie(
        cookie_name(),
        wanted if wanted in THEMES else THEMES[0],
        max_age=YEAR_SECONDS,
        secure=settings().secure,
        httponly=True,
        samesite="Lax",
    )
    return answer
