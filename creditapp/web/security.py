"""What every answer carries and every form needs: headers, the content policy, the CSRF token."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from creditapp.config import Settings
from creditapp.wiring import csrf, limiter, settings

CHECKOUT_HOSTS = {
    "production": "https://polar.sh https://buy.polar.sh",
    "sandbox": "https://sandbox.polar.sh https://sandbox-api.polar.sh",
}
YEAR_SECONDS = 365 * 24 * 3600
REDIS_SECONDS = 0.25


def register(app: Flask) -> None:
    """Put the headers on every answer of *app*, errors too."""
    given: Settings = app.extensions["settings"]
    port = urlsplit(given.app_url).port
    app.config.update(
        # Browsers share cookies between ports: two instances side by side must not sign each other out.
        SESSION_COOKIE_NAME="__Host-session" if given.secure else f"session_{port or 80}",
        SESSION_COOKIE_SECURE=given.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=_limits_url(given.redis_url),
        RATELIMIT_STORAGE_OPTIONS={"socket_connect_timeout": REDIS_SECONDS, "socket_timeout": REDIS_SECONDS},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_STRATEGY="fixed-window",
    )
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(_headers)


def content_policy() -> str:
    """Scripts, styles and fonts from here alone; forms may also lead to Polar's checkout."""
    server = settings().polar_server
    parts = urlsplit(server)
    checkout = CHECKOUT_HOSTS.get(server) or f"{parts.scheme}://{parts.netloc}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; form-action 'self' {checkout}; base-uri 'none'; frame-ancestors 'none'"
    )


def _headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", content_policy())
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if settings().secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_SECONDS}; includeSubDomains")
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _limits_url(redis_url: str) -> str:
    """The same Redis, as the limits library spells it (redis-py's unix:// is its redis+unix://)."""
    return f"redis+{redis_url}" if redis_url.startswith("unix://") else redis_url
