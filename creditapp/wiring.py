"""What a door may ask the app for."""

from typing import Any, cast

from flask import current_app
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from creditapp.config import Settings
from creditapp.gateway import Gateway
from creditapp.identity import Welcome

csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, swallow_errors=True)


def settings() -> Settings:
    """The app's settings."""
    return cast(Settings, current_app.extensions["settings"])


def gateway() -> Gateway:
    """This process's connection to Polar."""
    return cast(Gateway, current_app.extensions["gateway"])


def welcome() -> Welcome:
    """What a new account is given."""
    return Welcome(settings().welcome_credits, settings().bonus_expires_days)


def memory() -> dict[str, Any]:
    """What this process remembers between requests, none of it needed."""
    return cast(dict[str, Any], current_app.extensions["memory"])
