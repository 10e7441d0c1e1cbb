"""What an account's standing calls for: decided under its lock, so that charges which cross at once raise one alert."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, or_, select, union

from creditapp import ledger
from creditapp.alerts import raising
from creditapp.alerts.choosing import WATCHING, be_told, came_in, has_rules, last_in, place, rules_of
from creditapp.alerts.models import AlertRule, CreditAlert
from creditapp.alerts.rules import Marks, Verdict, falling
from creditapp.db import db

NOTHING = Decimal(0)
REFUSED = "refused"  # the subject of an alert that tells of a charge, where credits were left and too few for it


def consider(account_id: int, *, told: Collection[str] = ()) -> None:
    """Raise what the account's balance and debt call for, and resolve what is over.

    1. Lock the account and read everything anew: who crosses at once meets here.
    2. What is switched off raises nothing, and is armed for the next crossing as if it were on.
    3. One fall through several thresholds is told once, by the lowest of them.
    4. No letter goes for the types in *told*: the caller's own tells of them.
    """
    ledger.lock(account_id)
    rules, balance, came = rules_of(account_id), ledger.balance(account_id), last_in(account_id)
    standing = raising.standing(account_id)
    crossed: list[tuple[Decimal, AlertRule]] = []
    for rule in rules:
        there = [alert for alert in standing if alert.rule_id == rule.id]
        if rule.kind == "debt":
            _consider_debt(rule, balance, there, told)
        elif (found := place(rule, came[0] if came else None)) is not None and _crosses(rule, found, balance, there):
            crossed.append((found.fires_at, rule))
    if crossed:
        level, rule = min(crossed, key=lambda one: one[0])
        raising.raised(rule, _facts(rule, balance, came), level=level, told=told)
    be_told(account_id, rules)


def is_due(account_id: int) -> bool:
    """Whether there is anything to consider: most looks at an account that is low end with this one read."""
    query = _crossed().where(AlertRule.account_id == account_id)
    return not has_rules(account_id) or db.session.scalar(query.limit(1)) is not None


def hears_of_refusals(account_id: int) -> bool:
    """Whether a charge that is refused now would be news: every other one costs no more than this read."""
    told = _standing().where(CreditAlert.subject == REFUSED).exists()
    query = select(AlertRule.enabled & AlertRule.armed & ~told).where(
        AlertRule.account_id == account_id, AlertRule.kind == "run_out"
    )
    return db.session.scalar(query) is not False  # None: the account has no rules yet


def consider_refusal(account_id: int, needed: Decimal) -> None:
    """Tell that a charge of *needed* was refused though some credits are left: once, until others come in.

    It is as good as having run out: whoever was told of the one hears of the other only after a recovery.
    """
    account = ledger.lock(account_id)
    rules, balance = rules_of(account_id), ledger.balance(account_id)
    rule = next(rule for rule in rules if rule.kind == "run_out")
    if not hears_of_refusals(account_id) or balance.available >= needed:
        return
    rule.armed = False
    facts = {
        "available": str(balance.available),
        "needed": str(needed),
        "reserved": str(balance.reserved),
        "number": account.last_number,
    }
    raising.raised(rule, facts, level=needed, subject=REFUSED)
    be_told(account_id, rules)


def due_accounts(limit: int) -> Sequence[int]:
    """Accounts whose balance or debt crossed something while nobody looked.

    Of all accounts there are many more rules than anybody can go through every few seconds: which of them would fire
    is told by the level at which they watch, and of the others only those matter that are not armed, or of debt.
    """
    account, watched = ledger.Account, ledger.WatchLevel
    fallen = (
        select(watched.account_id)
        .join(account, account.id == watched.account_id)
        .where(watched.wanted_by == WATCHING, watched.level >= account.balance - account.reserved)
    )
    owing = _crossed().where(AlertRule.kind == "debt", account.debt > 0)
    over = _crossed().where(~AlertRule.armed)
    return db.session.scalars(union(fallen, owing, over).limit(limit)).all()


def raise_alert(account_id: int, kind: str, facts: Mapping[str, Any], *, told: Collection[str] = ()) -> None:
    """Tell of something that happened, where no alert with the same facts stands; another one of its kind is over."""
    ledger.lock(account_id)
    rule = _rule(account_id, kind)
    there = [alert for alert in raising.standing(account_id) if alert.rule_id == rule.id]
    if there and there[0].details == dict(facts):
        return
    raising.resolve(there)
    raising.raised(rule, facts, told=told)


def catch_up(account_id: int, alert_type: str) -> None:
    """Write the letters that were held back for one of the caller's, which does not come after all.

    What nobody saw in the inbox yet is told, with what is available now.
    """
    ledger.lock(account_id)
    wants_mail = {rule.id for rule in rules_of(account_id) if rule.mail}
    available = str(ledger.balance(account_id).available)
    for alert in raising.standing(account_id):
        held_back = alert.alert_type == alert_type and alert.letter_id is None and alert.status == "active"
        if held_back and alert.rule_id in wants_mail:
            raising.write_in_its_turn(alert, {**alert.details, "available": available})


def clear(account_id: int, kind: str) -> None:
    """What such an alert told of is over."""
    ledger.lock(account_id)
    rule = _rule(account_id, kind)
    raising.resolve([alert for alert in raising.standing(account_id) if alert.rule_id == rule.id])


def _crossed() -> Select[int]:
    """The accounts of rules that would fire now, be armed again, or tell of what is over."""
    account = ledger.Account
    available = account.balance - account.reserved
    told = _standing().where(CreditAlert.subject != REFUSED).exists()
    return (
        select(AlertRule.account_id)
        .join(account, account.id == AlertRule.account_id)
        .where(
            or_(
                AlertRule.enabled & AlertRule.armed & (AlertRule.fires_at >= available),
                ~AlertRule.armed & (AlertRule.rearms_above < available),
                (AlertRule.kind == "run_out") & ~AlertRule.armed & (available > 0) & told,
                (AlertRule.kind == "debt") & AlertRule.armed & (account.debt > 0),
                (AlertRule.kind == "debt") & ~AlertRule.armed & (account.debt == 0),
            )
        )
    )


def _standing() -> Select[int]:
    """The alerts of the rule in question that stand."""
    return (
        select(CreditAlert.id)
        .where(
            CreditAlert.account_id == AlertRule.account_id,
            CreditAlert.rule_id == AlertRule.id,
            CreditAlert.resolved_at.is_(None),
        )
        .correlate(AlertRule)
    )


def _rule(account_id: int, kind: str) -> AlertRule:
    return next(rule for rule in rules_of(account_id) if rule.kind == kind)


def _crosses(rule: AlertRule, found: Marks, balance: ledger.Balance, there: Sequence[CreditAlert]) -> bool:
    """Whether the balance has just fallen to where the rule fires; where it recovered, its alerts are over."""
    available = balance.available
    if not rule.enabled:
        rule.armed = available > found.fires_at
        return False
    verdict = falling(available, found, armed=rule.armed)
    if verdict != "stays":
        rule.armed = verdict == "recovers"
    raising.resolve([alert for alert in there if _is_over(alert, verdict, available)])
    return verdict == "fires"


def _is_over(alert: CreditAlert, verdict: Verdict, available: Decimal) -> bool:
    """Whether what it tells is over, or told anew."""
    if verdict == "fires":
        return True
    if alert.subject == REFUSED:
        return came_in(alert.account_id, since=alert.details["number"])
    # Having run out is over with the first credit, though that arms nothing.
    return verdict == "recovers" or (alert.alert_type == "zero_balance" and available > 0)


def _facts(rule: AlertRule, balance: ledger.Balance, came: tuple[Decimal, bool] | None) -> dict[str, Any]:
    if rule.kind == "run_out":
        return {"reserved": str(balance.reserved), "rearms_above": str(rule.rearms_above)}
    facts: dict[str, Any] = {"available": str(balance.available), "level": str(rule.fires_at)}
    if rule.kind == "share" and came is not None:
        facts |= {"share": str(rule.threshold), "last_in": str(came[0]), "bought": came[1]}
    return facts


def _consider_debt(
    rule: AlertRule, balance: ledger.Balance, there: Sequence[CreditAlert], told: Collection[str]
) -> None:
    if rule.armed and balance.debt > 0:
        rule.armed = False
        raising.raised(rule, {"debt": str(balance.debt)}, told=told)
    elif not rule.armed and balance.debt <= NOTHING:
        rule.armed = True
        raising.resolve(there)
