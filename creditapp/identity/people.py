"""People: signing up, signing in and out, and the profile."""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from creditapp import clock, ledger
from creditapp.db import db, row_id
from creditapp.errors import InvalidInput, NotFound
from creditapp.identity import passwords
from creditapp.identity.models import Membership, PasswordReset, User, UserSession

SESSION_DAYS = 14
NO_PLACES = {"localtime", "Factory"}
LONGEST_NAME = 100
SESSIONS_SHOWN = 20
MEMBERS_LIMIT = 100
EMAIL_TAKEN = "There is already an account with this email. Sign in instead."


class EmailTaken(InvalidInput):
    """Somebody signed up with this email before."""

    code = "email_taken"


class InvalidEmail(InvalidInput):
    """Not an address a letter could reach."""

    code = "invalid_email"


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a new account is given."""

    credits: int
    expires_days: int | None


def normal_email(email: str) -> str:
    """The address in the one form that is kept and compared. Raises InvalidEmail, in words."""
    try:
        checked = validate_email(email.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        message = "Enter an email address such as ada@example.com."
        raise InvalidEmail(message) from None
    return checked.normalized.lower()


def _as_kept(email: str) -> str:
    """Any text in the form in which addresses are kept: a letter with its accent is one character."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def sign_up(email: str, password: str, welcome: Welcome, *, operator: bool = False) -> User:
    """A new person with an account of their own, which they own, and the welcome credits.

    Raises InvalidEmail, EmailTaken and UnacceptablePassword.
    """
    email = normal_email(email)
    password_hash = passwords.hashed(password)
    if db.session.scalar(select(User.id).where(User.email == email)) is not None:
        raise EmailTaken(EMAIL_TAKEN)
    user = User(email=email, password_hash=password_hash, is_operator=operator, created_at=clock.now())
    account = ledger.open_account(welcome=welcome.credits, welcome_expires_days=welcome.expires_days)
    user.memberships.append(Membership(account_id=account.id, role="owner", created_at=clock.now()))
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:  # a twin signed up between our look and our write
        raise EmailTaken(EMAIL_TAKEN) from error
    return user


def by_credentials(email: str, password: str) -> User | None:
    """The person whose email and password these are; as slow for an unknown email as for a wrong password."""
    user = db.session.scalar(select(User).where(User.email == _as_kept(email)))
    return user if passwords.matches(password, user.password_hash if user else None) and user else None


def open_session(user: User, *, user_agent: str, address: str) -> str:
    """Sign *user* in on this device: the secret token that the browser keeps."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    db.session.add(
        UserSession(
            token_hash=token_hash(token),
            user_id=user.id,
            user_agent=user_agent[:255],
            address=address[:64],
            signed_in_at=now,
            expires_at=now + timedelta(days=SESSION_DAYS),
        )
    )
    db.session.flush()
    return token


def by_session(token: str) -> User | None:
    """Who is signed in with this token; None once it ended."""
    return db.session.scalar(
        select(User)
        .join(UserSession, UserSession.user_id == User.id)
        .where(
            UserSession.token_hash == token_hash(token),
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > clock.now(),
        )
    )


def signed_in_at(token: str) -> datetime | None:
    """When the person of this session last showed the password; None once it ended."""
    query = select(UserSession.signed_in_at).where(
        UserSession.token_hash == token_hash(token), UserSession.revoked_at.is_(None)
    )
    return db.session.scalar(query)


def confirm(token: str) -> None:
    """The person of this session showed the password again."""
    which = update(UserSession).where(UserSession.token_hash == token_hash(token))
    db.session.execute(which.values(signed_in_at=clock.now()).execution_options(synchronize_session=False))


def close_session(token: str) -> None:
    """Sign out: the token is worth nothing from here on."""
    _revoke(UserSession.token_hash == token_hash(token))


def change_password(user: User, password: str) -> None:
    """Set a new password and sign out everywhere; who is here is signed in anew. Raises UnacceptablePassword."""
    take_password(user, passwords.hashed(password))


def take_password(user: User, password_hash: str) -> None:
    """From here on this is the password: nobody is signed in any more, and no link that was mailed sets another."""
    user.password_hash = password_hash
    close_sessions(user)
    end_resets(user.id)


def end_resets(user_id: int) -> None:
    """Links to set a new password that were mailed before are worth nothing from here on."""
    open_ = update(PasswordReset).where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
    db.session.execute(open_.values(used_at=clock.now()).execution_options(synchronize_session=False))


def open_sessions(user: User) -> Sequence[UserSession]:
    """Where *user* is signed in now, the latest first; at most twenty."""
    query = select(UserSession).where(
        UserSession.user_id == user.id, UserSession.revoked_at.is_(None), UserSession.expires_at > clock.now()
    )
    return db.session.scalars(query.order_by(UserSession.signed_in_at.desc()).limit(SESSIONS_SHOWN)).all()


def close_sessions(user: User) -> None:
    """Sign out everywhere."""
    _revoke(UserSession.user_id == user.id)


def close_other_sessions(user: User, *, keep_token: str) -> None:
    """Sign out everywhere but here."""
    _revoke(UserSession.user_id == user.id, UserSession.token_hash != token_hash(keep_token))


def members(account_id: int) -> Sequence[Membership]:
    """Who belongs to the account, in the order they came."""
    query = select(Membership).where(Membership.account_id == account_id).order_by(Membership.created_at)
    return db.session.scalars(query.limit(MEMBERS_LIMIT)).all()


def rename(user: User, name: str) -> None:
    """Call *user* by this name, or by none. Raises InvalidInput for one that is too long."""
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME:
        message = f"Use at most {LONGEST_NAME} characters."
        raise InvalidInput(message)
    user.name = name


def account_id_of(user: User) -> int:
    """The account a person acts for."""
    return user.memberships[0].account_id


def owner_of(account_id: int) -> User:
    """The person who owns the account. Raises NotFound."""
    query = select(User).join(Membership).where(Membership.account_id == account_id, Membership.role == "owner")
    owner = db.session.scalars(query.order_by(Membership.created_at)).first()
    if owner is None:
        message = "This account has no owner."
        raise NotFound(message)
    return owner


def account_named(name: str) -> int:
    """The account of this id, or of the owner with this email. Raises NotFound."""
    if (account_id := row_id(name)) is not None:
        found = db.session.scalar(select(ledger.Account.id).where(ledger.Account.id == account_id))
    else:
        query = select(Membership.account_id).join(User).where(User.email == _as_kept(name))
        found = db.session.scalars(query.where(Membership.role == "owner")).first()
    if found is None:
        message = "There is no such account."
        raise NotFound(message)
    return found


def time_zones() -> frozenset[str]:
    """The IANA zones that can be chosen; those that stand for whatever a machine is set to can't."""
    return frozenset(available_timezones() - NO_PLACES)


def set_time_zone(account_id: int, time_zone: str) -> None:
    """Show the account's times in this IANA zone. Raises InvalidInput for one that does not exist."""
    if time_zone not in time_zones():
        message = "Choose a time zone from the list."
        raise InvalidInput(message)
    ledger.change_time_zone(account_id, time_zone)


def token_hash(token: str) -> str:
    """What is kept of a session token or key: enough to recognise it, useless to a thief."""
    return hashlib.sha256(token.encode()).hexdigest()


def _revoke(*which: object) -> None:
    db.session.execute(
        update(UserSession).where(UserSession.revoked_at.is_(None), *which).values(revoked_at=clock.now())  # type: ignore[arg-type]
    )
