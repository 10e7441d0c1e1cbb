"""Who calls, for which account, and with which idempotency key."""

import time

from flask import g, request

from creditapp import identity
from creditapp.api.wire import WrongShape
from creditapp.db import row_id, transaction
from creditapp.errors import NotFound
from creditapp.wiring import memory

LONGEST_KEY = 255
LONGEST_REQUEST_ID = 64
USE_NOTED_SECONDS = 60.0
REMEMBERED_SECONDS, REMEMBERED_KEYS = 60.0, 10_000


def caller(scope: str) -> identity.Caller:
    """The program that calls, if its key has *scope*. Raises BadKey and InsufficientScope."""
    if "caller" not in g:
        g.caller = _looked_up()
    found: identity.Caller = g.caller
    found.must(scope)
    return found


def remembered_caller(scope: str) -> identity.Caller:
    """Like ``caller``, without a look-up where this process met the key lately.

    Only for a charge: its own statement looks whether the key still works, and raises KeyRevoked where it does not.
    Whatever is answered without one is answered after ``look_up_remembered``.
    """
    keys: dict[str, tuple[float, identity.Caller]] = memory().setdefault("keys", {})
    mark, now = identity.token_hash(request.headers.get("Authorization", "")), time.monotonic()
    met_at, found = keys.get(mark, (None, None))
    if found is not None and met_at is not None and now - met_at < REMEMBERED_SECONDS:
        g.caller, g.remembered = found, True
        found.must(scope)
        return found
    found = caller(scope)
    if len(keys) >= REMEMBERED_KEYS:
        keys.clear()
    keys[mark] = (now, found)
    return found


def look_up_remembered() -> None:
    """Look the caller's key up after all, where it was only remembered. Raises BadKey."""
    if g.pop("remembered", False):
        g.caller = _looked_up()


def note_use() -> None:
    """Write down that the caller's key is used, now and then: not with every call."""
    found: identity.Caller | None = g.get("caller")
    noted = memory().setdefault("keys in use", {})
    now = time.monotonic()
    if found is None or now - noted.get(found.key_id, -USE_NOTED_SECONDS) < USE_NOTED_SECONDS:
        return
    noted[found.key_id] = now
    with transaction():
        identity.note_use(found.key_id)


def whose_limit() -> str:
    """Whose calls are counted together: a key's, else an address's; never the key itself, which lies in no Redis."""
    given = request.headers.get("Authorization")
    return f"key {identity.token_hash(given)[:32]}" if given else f"address {request.remote_addr}"


def account_of(caller: identity.Caller, named: str | None) -> int:
    """The account that is meant. An account key may leave it out and can't name another's.

    Raises WrongShape where a service key names none, NotFound where there is none such or it is another's.
    """
    if named is None:
        if caller.account_id is None:
            message = "account is missing: a service key names the account, by its id or its owner's email."
            raise WrongShape(message, errors=[{"field": "account", "message": "is missing"}])
        return caller.account_id
    account_id = identity.account_named(named)
    if caller.account_id not in (None, account_id):
        message = "There is no such account."
        raise NotFound(message)
    return account_id


def account_to_charge(caller: identity.Caller, named: str | None) -> int:
    """Like ``account_of``, without a look-up of an id: where there is no such account, its charge says so."""
    account_id = row_id(named or "")
    return account_of(caller, named) if account_id is None or caller.account_id is not None else account_id


def idempotency_key() -> str | None:
    """The caller's Idempotency-Key, None without one. Raises WrongShape where it can't be a key."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        message = f"Idempotency-Key must be 1 to {LONGEST_KEY} printable ASCII characters."
        raise WrongShape(message, errors=[{"field": "Idempotency-Key", "message": "is malformed"}])
    return key


def request_id() -> str | None:
    """What the caller calls this request in its own logs (X-Request-Id); None where that is nothing we keep."""
    told = request.headers.get("X-Request-Id", "")
    return told if 0 < len(told) <= LONGEST_REQUEST_ID and told.isascii() and told.isprintable() else None


def _looked_up() -> identity.Caller:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return identity.caller(key.strip() if scheme.lower() == "bearer" else "")
