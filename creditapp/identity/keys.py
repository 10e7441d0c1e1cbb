"""Keys of programs: shown once, kept as a hash, found by their prefix."""

import hmac
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from creditapp import clock, ledger
from creditapp.db import LARGEST_ID, db
from creditapp.errors import CreditAppError, InvalidInput, NotFound
from creditapp.identity.models import ApiKey
from creditapp.identity.people import token_hash

SCOPES = ("read", "consume", "purchase", "manage")
LETTERS = string.ascii_letters + string.digits
PREFIX_LETTERS, SECRET_LETTERS = 8, 32
LONGEST_NAME = 100
KEYS_LIMIT, KEYS_SHOWN = 50, 200
OVERLAP = timedelta(hours=24)
USE_NOTED = timedelta(minutes=1)


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
    works_until: datetime | None

    def must(self, scope: str) -> None:
        """Raises InsufficientScope where the key lacks *scope*."""
        if scope not in self.scopes:
            message = f"This key lacks the scope {scope!r}. Make a key that has it."
            raise InsufficientScope(message)


def create_key(
    account_id: int | None, *, name: str, scopes: tuple[str, ...], live: bool, works_until: datetime | None = None
) -> str:
    """A new key, whole: nobody can read it again. Without an account it is a service key.

    The account is locked, so that the limit of its keys holds among many callers. Raises NotFound, and InvalidInput for
    a scope that does not exist, none at all, a name that is empty or too long, or more keys than an account may have.
    """
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        message = f"Scopes are {', '.join(SCOPES)}; {unknown[0]!r} is none." if unknown else "Name at least one scope."
        raise InvalidInput(message)
    if not 0 < len(name) <= LONGEST_NAME:
        message = f"A key's name has 1 to {LONGEST_NAME} characters."
        raise InvalidInput(message)
    if account_id is not None:
        ledger.lock(account_id)
        if sum(1 for key in keys_of(account_id) if key.works(clock.now())) >= KEYS_LIMIT:
            message = f"An account has at most {KEYS_LIMIT} keys that work. Revoke one first."
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
            expires_at=works_until,
        )
    )
    db.session.flush()
    return key


def keys_of(account_id: int) -> Sequence[ApiKey]:
    """The account's keys, those that work first, then the newest; of those that don't, not all where there are many."""
    over = ApiKey.expires_at.is_not(None) & (ApiKey.expires_at <= clock.now())
    query = (
        select(ApiKey)
        .where(ApiKey.account_id == account_id)
        .order_by(ApiKey.revoked_at.is_not(None) | over, ApiKey.id.desc())
    )
    return db.session.scalars(query.limit(KEYS_SHOWN)).all()


def key_of(account_id: int, key_id: int) -> ApiKey:
    """A key of the account, locked. Raises NotFound, for another's too."""
    key = db.session.get(ApiKey, min(key_id, LARGEST_ID), with_for_update=True, populate_existing=True)
    if key is None or key.account_id != account_id:
        message = "There is no such key."
        raise NotFound(message)
    return key


def key_with(account_id: int, secret: str) -> ApiKey:
    """The account's key that has just been made as *secret*."""
    prefix = secret[:-SECRET_LETTERS]
    return db.session.scalars(select(ApiKey).where(ApiKey.account_id == account_id, ApiKey.prefix == prefix)).one()


def revoke_key(account_id: int, key_id: int) -> ApiKey:
    """End a key of the account, at once and for good. Raises NotFound, for another's too."""
    key = key_of(account_id, key_id)
    key.revoked_at = key.revoked_at or clock.now()
    db.session.flush()
    return key


def rotate_key(account_id: int, key_id: int, *, live: bool) -> str:
    """A second secret for the same program; the first works for another day, so that nothing stops meanwhile.

    Raises NotFound, for another's key too, and InvalidInput for one that works no more.
    """
    ledger.lock(account_id)  # before the key, as everywhere
    key, now = key_of(account_id, key_id), clock.now()
    if not key.works(now):
        message = "This key works no more. Make a new one."
        raise InvalidInput(message)
    new = create_key(account_id, name=key.name, scopes=tuple(key.scopes), live=live, works_until=key.expires_at)
    ends = now + OVERLAP
    key.expires_at = min(key.expires_at, ends) if key.expires_at else ends
    db.session.flush()
    return new


def note_use(key_id: int) -> None:
    """Write down that a key was used, to the minute."""
    now = clock.now()
    old = ApiKey.last_used_at.is_(None) | (ApiKey.last_used_at < now - USE_NOTED)
    db.session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, old)
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


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
    return Caller(found.id, found.account_id, frozenset(found.scopes), found.expires_at)


def _letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))
