"""A forgotten password: a link that works once, for half an hour, and of which only the hash is kept."""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, select, update

from creditapp import clock
from creditapp.db import db
from creditapp.errors import CreditAppError
from creditapp.identity import passwords
from creditapp.identity.models import PasswordReset, User
from creditapp.identity.people import end_resets, take_password, token_hash

LIFETIME = timedelta(minutes=30)


class ResetUnusable(CreditAppError):
    """The link was used, is older than half an hour, or was replaced by a newer one."""

    code, status, title = "reset_unusable", 410, "This link can't be used any more"


def begin_reset(email: str) -> str | None:
    """A new secret token for the person with this email, in place of any older one; None where there is nobody.

    It is made when the letter leaves, so that it lies nowhere in between.
    """
    user_id = db.session.scalar(select(User.id).where(User.email == email))
    if user_id is None:
        return None
    end_resets(user_id)
    token, now = secrets.token_urlsafe(32), clock.now()
    db.session.add(
        PasswordReset(token_hash=token_hash(token), user_id=user_id, created_at=now, expires_at=now + LIFETIME)
    )
    db.session.flush()
    return token


def can_reset(token: str) -> bool:
    """Whether the link still works."""
    return db.session.scalar(select(PasswordReset.id).where(*_usable(token))) is not None


def reset_password(token: str, password: str) -> User:
    """Set a new password with the token of a link, once, and sign the person out everywhere.

    Raises UnacceptablePassword (the link still works then) and ResetUnusable.
    """
    hashed = passwords.hashed(password)
    use = update(PasswordReset).where(*_usable(token)).values(used_at=clock.now()).returning(PasswordReset.user_id)
    user_id = db.session.scalar(use.execution_options(synchronize_session=False))
    if user_id is None:
        message = "It works once, for half an hour. Ask for a new one."
        raise ResetUnusable(message)
    user = db.session.get_one(User, user_id)
    take_password(user, hashed)
    db.session.flush()
    return user


def _usable(token: str) -> tuple[ColumnElement[bool], ...]:
    return (
        PasswordReset.token_hash == token_hash(token),
        PasswordReset.used_at.is_(None),
        PasswordReset.expires_at > clock.now(),
    )
