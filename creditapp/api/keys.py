"""Keys of programs, managed by a program: it may give away no more than it may do itself.

None of these calls takes an Idempotency-Key: an answer that is kept would keep the secret with it.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal

from flask import Blueprint, Response
from pydantic import Field

from creditapp import clock, identity, ledger
from creditapp.api.callers import account_of, caller
from creditapp.api.values import Label, Text
from creditapp.api.wire import Body, answer, body, body_if_any, query
from creditapp.db import transaction
from creditapp.identity import ApiKey, Caller
from creditapp.wiring import settings

LONGEST_LIFE_DAYS = 3_650


class KeyOwner(Body):
    """Whose keys."""

    account: Text | None = None


class NewKey(Body):
    """The key that is wanted."""

    account: Text | None = None
    name: Label
    scopes: Annotated[list[Literal["read", "consume", "purchase", "manage"]], Field(min_length=1, max_length=4)]
    expires_in_days: Annotated[int, Field(ge=1, le=LONGEST_LIFE_DAYS)] | None = None


def register(bp: Blueprint) -> None:
    """Hang the keys into the API."""
    bp.add_url_rule("/keys", "keys", index)
    bp.add_url_rule("/keys", "create_key", create, methods=["POST"])
    bp.add_url_rule("/keys/<int:key_id>/rotate", "rotate_key", rotate, methods=["POST"])
    bp.add_url_rule("/keys/<int:key_id>/revoke", "revoke_key", revoke, methods=["POST"])


def index() -> Response:
    """The account's keys, those that work first; never a secret."""
    account_id = account_of(caller("manage"), query(KeyOwner).account)
    return answer({"items": [_as_json(key) for key in identity.keys_of(account_id)]})


def create() -> Response:
    """A new key, whole: this answer is the only one that holds its secret."""
    program = caller("manage")
    asked = body(NewKey)
    account_id = account_of(program, asked.account)
    for scope in asked.scopes:
        program.must(scope)
    wished = clock.now() + timedelta(days=asked.expires_in_days) if asked.expires_in_days else None
    ends = min((moment for moment in (wished, program.works_until) if moment is not None), default=None)
    with transaction():
        secret = identity.create_key(
            account_id, name=asked.name, scopes=tuple(asked.scopes), live=settings().live, works_until=ends
        )
        made = _as_json(identity.key_with(account_id, secret))
    return answer(made | {"key": secret}, 201)


def rotate(key_id: int) -> Response:
    """A second secret for the same program; the first works for another day."""
    program = caller("manage")
    account_id = account_of(program, body_if_any(KeyOwner).account)
    with transaction():
        ledger.lock(account_id)  # before the key, as everywhere
        _must_match(program, identity.key_of(account_id, key_id))
        secret = identity.rotate_key(account_id, key_id, live=settings().live)
        made = _as_json(identity.key_with(account_id, secret))
    return answer(made | {"key": secret}, 201)


def revoke(key_id: int) -> Response:
    """End a key, at once and for good; once more changes nothing."""
    account_id = account_of(caller("manage"), body_if_any(KeyOwner).account)
    with transaction():
        revoked = _as_json(identity.revoke_key(account_id, key_id))
    return answer(revoked)


def _must_match(program: Caller, key: ApiKey) -> None:
    """Who is given another's new secret gets what that key may do."""
    for scope in key.scopes:
        program.must(scope)


def _as_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "works": key.works(clock.now()),
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
