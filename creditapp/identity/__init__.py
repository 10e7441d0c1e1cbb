"""Who acts: people and their sessions, the accounts they belong to, the keys of their programs.

Invariants: of passwords, session tokens and keys only hashes are kept; a session ends at sign-out, password change
or after two weeks; every person owns an account from the moment they sign up.
"""

from creditapp.identity import audit
from creditapp.identity.keys import SCOPES, BadKey, Caller, InsufficientScope, caller, create_key
from creditapp.identity.models import ApiKey, AuditEvent, Membership, User, UserSession
from creditapp.identity.passwords import UnacceptablePassword, matches
from creditapp.identity.people import (
    LONGEST_NAME,
    EmailTaken,
    InvalidEmail,
    Welcome,
    account_id_of,
    account_named,
    by_credentials,
    by_session,
    change_password,
    close_session,
    normal_email,
    open_session,
    owner_of,
    set_time_zone,
    sign_up,
    token_hash,
)

__all__ = [
    "LONGEST_NAME",
    "SCOPES",
    "ApiKey",
    "AuditEvent",
    "BadKey",
    "Caller",
    "EmailTaken",
    "InsufficientScope",
    "InvalidEmail",
    "Membership",
    "UnacceptablePassword",
    "User",
    "UserSession",
    "Welcome",
    "account_id_of",
    "account_named",
    "audit",
    "by_credentials",
    "by_session",
    "caller",
    "change_password",
    "close_session",
    "create_key",
    "matches",
    "normal_email",
    "open_session",
    "owner_of",
    "set_time_zone",
    "sign_up",
    "token_hash",
]
