"""An alert is raised, told by letter, and resolved. The account's lock is held."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, update

from creditapp import clock, identity, ledger, letters
from creditapp.alerts.models import AlertRule, CreditAlert
from creditapp.alerts.rules import KINDS
from creditapp.alerts.words import TONES, words_of
from creditapp.db import db
from creditapp.errors import NotFound

LETTER_KIND = "alert"
BETWEEN_LETTERS = timedelta(hours=1)
LONGEST_MESSAGE = 1_000


def raised(
    rule: AlertRule,
    facts: Mapping[str, Any],
    *,
    level: Decimal | None = None,
    subject: str = "",
    api_key_id: int | None = None,
    told: Collection[str] = (),
) -> CreditAlert:
    """Write an alert down, and its letter where it is wanted.

    *level* is the balance at which it was to fire, where it is one about the balance; *told* are the types of which the
    caller's own letter tells.
    """
    alert_type, now = KINDS[rule.kind].alert_type, clock.now()
    available = ledger.balance(rule.account_id).available
    says = words_of(alert_type, facts)
    alert = CreditAlert(
        account_id=rule.account_id,
        rule_id=rule.id,
        alert_type=alert_type,
        subject=subject,
        api_key_id=api_key_id,
        trigger_balance=available if level is None else level,
        current_balance=available,
        message=f"{says.heading}. {says.reason}"[:LONGEST_MESSAGE],
        details=dict(facts),
        status="active",
        triggered_at=now,
        email_sent=False,
    )
    db.session.add(alert)
    db.session.flush()
    if rule.mail and alert_type not in told:
        write_in_its_turn(alert, facts)
    return alert


def write_in_its_turn(alert: CreditAlert, facts: Mapping[str, Any]) -> None:
    """Write the letter of an alert, with these *facts*: for now, or for when the last one of its type is an hour old.

    While one waits for that, no other is written.
    """
    letter, now = letters.Letter, clock.now()
    query = select(func.max(func.coalesce(letter.sent_at, letter.next_attempt_at))).where(
        letter.id == CreditAlert.letter_id,
        letter.state != "dead",
        (letter.state == "sent") | CreditAlert.resolved_at.is_(None),
        CreditAlert.account_id == alert.account_id,
        CreditAlert.alert_type == alert.alert_type,
    )
    last = db.session.scalar(query)
    if last is not None and last > now:
        return
    waits = last is not None and last > now - BETWEEN_LETTERS
    alert.letter_id = write_letter(
        alert.account_id,
        alert.alert_type,
        facts,
        key=f"alert:{alert.id}",
        not_before=last + BETWEEN_LETTERS if waits and last is not None else None,
    )
    db.session.flush()


def write_letter(
    account_id: int,
    alert_type: str,
    facts: Mapping[str, Any],
    *,
    key: str,
    test: bool = False,
    not_before: datetime | None = None,
) -> int | None:
    """Put the letter of an alert to the account's owner in the out-tray; None where there is nobody to write to."""
    says = words_of(alert_type, facts)
    try:
        owner = identity.owner_of(account_id)
    except NotFound:
        return None
    return letters.write(
        LETTER_KIND,
        key=key,
        account_id=account_id,
        recipient=owner.email,
        not_before=not_before,
        facts={
            "waited": not_before is not None,
            "alert_type": alert_type,
            "number": says.number,
            "unit": says.unit,
            "reason": says.reason,
            "button": says.button,
            "path": says.path,
            "again": says.again,
            "urgent": TONES.get(alert_type) == "bad",
            "test": test,
        },
    )


def resolve(alerts: Sequence[CreditAlert]) -> None:
    """What they tell of is over; what a person dismissed stays dismissed."""
    for alert in alerts:
        alert.resolved_at = clock.now()
        if alert.status != "dismissed":
            alert.status = "resolved"
    db.session.flush()


def standing(account_id: int) -> Sequence[CreditAlert]:
    """The alerts of the account whose cause is not over."""
    query = select(CreditAlert).where(CreditAlert.account_id == account_id, CreditAlert.resolved_at.is_(None))
    return db.session.scalars(query.order_by(CreditAlert.id)).all()


def mailed(letter_id: int) -> None:
    """The letter of an alert went."""
    which = update(CreditAlert).where(CreditAlert.letter_id == letter_id)
    db.session.execute(
        which.values(email_sent=True, email_sent_at=clock.now()).execution_options(synchronize_session=False)
    )


def is_over(letter_id: int) -> bool:
    """Whether a letter that had to wait its turn tells of something that was over meanwhile."""
    over = select(CreditAlert.id).where(CreditAlert.letter_id == letter_id, CreditAlert.resolved_at.is_not(None))
    return db.session.scalar(over) is not None
