"""Who acts: people and their sessions, the accounts they belong to, the keys of their programs.

Invariants: of passwords, session tokens and keys only hashes are kept; a session ends at sign-out, password change
or after two weeks; every person owns an account from the moment they sign up.
"""

from creditapp.identity import audit
from creditapp.identity.keys import SCOPES, BadKey, Caller, InsufficientScope, caller, create_key
from creditapp.identity.models import ApiKey, AuditEvent, Membership, PasswordReset, User, UserSession
from creditapp.identity.passwords import SHORTEST as SHORTEST_PASSWORD
from creditapp.identity.passwords import UnacceptablePassword, matches
from creditapp.identity.people import (
    LONGEST_NAME,
    AccountOfSession,
    EmailTaken,
    InvalidEmail,
    Welcome,
    account_id_of,
    account_named,
    account_of_session,
    by_credentials,
    by_session,
    change_password,
    close_other_sessions,
    close_session,
    close_sessions,
    members,
    normal_email,
    open_session,
    open_sessions,
    owner_of,
    rename,
    set_time_zone,
    sign_up,
    token_hash,
)
from creditapp.identity.resets import ResetUnusable, begin_reset, can_reset, reset_password

__all__ = [
    "LONGEST_NAME",
    "SCOPES",
    "SHORTEST_PASSWORD",
    "AccountOfSession",
    "ApiKey",
    "AuditEvent",
    "BadKey",
    "Caller",
    "EmailTaken",
    "InsufficientScope",
    "InvalidEmail",
    "Membership",
    "PasswordReset",
    "ResetUnusable",
    "UnacceptablePassword",
    "User",
    "UserSession",
    "Welcome",
    "account_id_of",
    "account_named",
    "account_of_session",
    "audit",
    "begin_reset",
    "by_credentials",
    "by_session",
    "caller",
    "can_reset",
    "change_password",
    "close_other_sessions",
    "close_session",
    "close_sessions",
    "create_key",
    "matches",
    "members",
    "normal_email",
    "open_session",
    "open_sessions",
    "owner_of",
    "rename",
    "reset_password",
    "set_time_zone",
    "sign_up",
    "token_hash",
]
