"""Keys of programs: shown once, kept as a hash, found by their prefix."""

import hmac
import secrets
import string
from dataclasses import dataclass

from sqlalchemy import select

from creditapp import clock
from creditapp.db import db
from creditapp.errors import CreditAppError, InvalidInput
from creditapp.identity.models import ApiKey
from creditapp.identity.people import token_hash

SCOPES = ("read", "consume", "purchase", "manage")
LETTERS = string.ascii_letters + string.digits
PREFIX_LETTERS, SECRET_LETTERS = 8, 32
LONGEST_NAME = 100


class BadKey(CreditAppError):
    """No key, or one that is not, or no longer, good."""

    code, status, title = "unauthorized", 401, "A valid API key is needed"


class InsufficientScope(CreditAppError):
    """The key is good, but not for this."""

    code, status, title = "insufficient_scope", 403, "This key may not do that"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a program with a key, for one account or, with a service key (None), for any."""

    key_id: int
    account_id: int | None
    scopes: frozenset[str]

    def must(self, scope: str) -> None:
        """Raises InsufficientScope where the key lacks *scope*."""
        if scope not in self.scopes:
            message = f"This key lacks the scope {scope!r}. Make a key that has it."
            raise InsufficientScope(message)


def create_key(account_id: int | None, *, name: str, scopes: tuple[str, ...], live: bool) -> str:
    """A new key, whole: nobody can read it again. Without an account it is a service key.

    Raises InvalidInput for a scope that does not exist, none at all, or a name that is empty or too long.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        message = f"Scopes are {', '.join(SCOPES)}; {unknown[0]!r} is none." if unknown else "Name at least one scope."
        raise InvalidInput(message)
    if not 0 < len(name) <= LONGEST_NAME:
        message = f"A key's name has 1 to {LONGEST_NAME} characters."
        raise InvalidInput(message)
    prefix = f"ck_{'live' if live else 'test'}_{_letters(PREFIX_LETTERS)}"
    key = prefix + _letters(SECRET_LETTERS)
    db.session.add(
        ApiKey(
            account_id=account_id,
            name=name,
            prefix=prefix,
            secret_hash=token_hash(key),
            scopes=sorted(set(scopes), key=SCOPES.index),
            created_at=clock.now(),
        )
    )
    db.session.flush()
    return key


def caller(key: str) -> Caller:
    """Whose key this is. Raises BadKey, with the same words whatever is wrong with it."""
    query = select(ApiKey.id, ApiKey.account_id, ApiKey.scopes, ApiKey.secret_hash, ApiKey.expires_at).where(
        ApiKey.prefix == key[:-SECRET_LETTERS], ApiKey.revoked_at.is_(None)
    )
    found = db.session.execute(query).one_or_none() if key.isascii() else None
    genuine = hmac.compare_digest(found.secret_hash if found else "", token_hash(key))
    if found is None or not genuine or (found.expires_at and found.expires_at <= clock.now()):
        message = "The API key is missing, wrong, expired or revoked. Send it as 'Authorization: Bearer ck_…'."
        raise BadKey(message)
    return Caller(key_id=found.id, account_id=found.account_id, scopes=frozenset(found.scopes))


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))
