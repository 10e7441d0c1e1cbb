"""What an account's owner wants to be told: the rules an account begins with, and what becomes of them."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import select, update

from creditapp import clock, identity, ledger
from creditapp.alerts import raising
from creditapp.alerts.models import AlertRule, AlertWatch, CreditAlert
from creditapp.alerts.rules import KINDS, Marks, marks
from creditapp.db import LARGEST_ID, db, of_app
from creditapp.errors import InvalidInput, NotFound
from creditapp.letters.render import credits

RULES_LIMIT = 40
WATCHING = "alerts"  # the name under which the ledger is asked to tell
# Kind, threshold, whether it is on, whether a letter goes: what works without any set-up.
USUAL = (
    ("share", Decimal(20), True, True),
    ("run_out", Decimal(0), True, True),
    ("runway", Decimal(7), False, True),
    ("expiring", Decimal(30), True, False),
    ("expiring", Decimal(7), True, True),
    ("expiring", Decimal(1), True, True),
    ("spike", Decimal(3), True, True),
    ("daily_spend", Decimal(1_000), False, True),
    ("cap", Decimal(80), True, False),
    ("cap", Decimal(100), True, True),
    ("recharge_failed", Decimal(0), True, True),
    ("debt", Decimal(0), True, True),
)
USUAL_BALANCE = Decimal(500)  # where the seller calls no balance low
# What a letter's own link may stop. Debt is no news to be missed, and recharges move money.
STOPPABLE = frozenset(kind.alert_type for kind in KINDS.values() if kind.optional)


class UnusableThreshold(InvalidInput):
    """The number can't be accepted; the sentence says which can."""


def begin(account_id: int) -> None:
    """Give an account its rules: armed for what it was above before, be it only for a moment; once."""
    if has_rules(account_id):
        return
    account = ledger.lock(account_id)
    if has_rules(account_id):  # a twin was faster
        return
    low, came = Decimal(of_app("low_balance_threshold")), last_in(account_id)
    rules = [_new(account_id, "balance", low or USUAL_BALANCE, enabled=low > 0, mail=True)]
    rules += [_new(account_id, kind, number, enabled=on, mail=mail) for kind, number, on, mail in USUAL]
    db.session.add(AlertWatch(account_id=account_id))
    peak = ledger.highest(account_id, account.opened_at)
    for rule in rules:
        found = place(rule, came[0] if came else None)
        rule.armed = found is None or peak > found.fires_at
    be_told(account_id, rules)


def has_rules(account_id: int) -> bool:
    """Whether the account was given its rules."""
    return db.session.scalar(select(AlertWatch.account_id).where(AlertWatch.account_id == account_id)) is not None


def rules_of(account_id: int) -> Sequence[AlertRule]:
    """The account's rules in their order; the usual ones are made where it has none."""
    begin(account_id)
    query = select(AlertRule).where(AlertRule.account_id == account_id).order_by(AlertRule.id)
    return db.session.scalars(query.execution_options(populate_existing=True)).all()


def save(account_id: int, rule_id: int, *, enabled: bool, mail: bool, threshold: Decimal | None) -> AlertRule:
    """Change a rule. What is true of it already is no crossing: it tells of the next one.

    Raises NotFound, for another's rule too, and UnusableThreshold.
    """
    ledger.lock(account_id)
    rule = rule_named(account_id, rule_id)
    kind = KINDS[rule.kind]
    was_on, was_at = rule.enabled, rule.threshold
    if threshold is not None and kind.most:
        _check(rule.kind, threshold)
        rule.threshold = threshold
    rule.enabled, rule.mail = enabled or not kind.optional, mail or not kind.optional
    rule.updated_at = clock.now()
    if (rule.enabled, rule.threshold) != (was_on, was_at):
        raising.resolve(_standing_of(rule))
        rule.armed = not _holds_already(rule)
    be_told(account_id, rules_of(account_id))
    return rule


def add_for_key(account_id: int, api_key_id: int, threshold: Decimal) -> AlertRule:
    """Tell when this key of the account uses more than *threshold* a day. Raises NotFound and UnusableThreshold."""
    ledger.lock(account_id)
    if all(key.id != api_key_id for key in identity.keys_of(account_id)):
        message = "There is no such key."
        raise NotFound(message)
    _check("daily_spend", threshold)
    rules = rules_of(account_id)
    if len(rules) >= RULES_LIMIT:
        message = f"An account has at most {RULES_LIMIT} alerts. Remove one first."
        raise UnusableThreshold(message)
    same = next((rule for rule in rules if rule.kind == "daily_spend" and rule.api_key_id == api_key_id), None)
    if same is not None:
        return save(account_id, same.id, enabled=True, mail=same.mail, threshold=threshold)
    rule = _new(account_id, "daily_spend", threshold, enabled=True, mail=True)
    rule.api_key_id = api_key_id
    db.session.flush()
    return rule


def remove(account_id: int, rule_id: int) -> None:
    """Forget a rule that somebody added. Raises NotFound, for those too with which every account begins."""
    ledger.lock(account_id)
    rule = rule_named(account_id, rule_id)
    if rule.api_key_id is None:
        message = "This alert can be switched off, but not removed."
        raise NotFound(message)
    raising.resolve(_standing_of(rule))
    alerts = update(CreditAlert).where(CreditAlert.rule_id == rule.id).values(rule_id=None)
    db.session.execute(alerts.execution_options(synchronize_session=False))
    db.session.delete(rule)
    db.session.flush()


def rule_named(account_id: int, rule_id: int) -> AlertRule:
    """A rule of the account. Raises NotFound, for another's too."""
    rule = db.session.get(AlertRule, min(rule_id, LARGEST_ID), populate_existing=True)
    if rule is None or rule.account_id != account_id:
        message = "There is no such alert."
        raise NotFound(message)
    return rule


def stop_letters(account_id: int, alert_type: str) -> None:
    """No more letters of this type; its alerts still stand in the inbox. Raises NotFound for what can't be stopped."""
    if alert_type not in STOPPABLE:
        message = "These letters can't be stopped."
        raise NotFound(message)
    ledger.lock(account_id)
    for rule in rules_of(account_id):
        if KINDS[rule.kind].alert_type == alert_type:
            rule.mail, rule.updated_at = False, clock.now()
    db.session.flush()


def place(rule: AlertRule, last_in: Decimal | None) -> Marks | None:
    """Where a rule about the balance fires, kept with it so that the clock can look for it; None for any other."""
    found = marks(rule.kind, rule.threshold, last_in)
    rule.fires_at, rule.rearms_above = (found.fires_at, found.rearms_above) if found else (None, None)
    return found


def be_told(account_id: int, rules: Sequence[AlertRule]) -> None:
    """Let charges tell when they bring the account to the next thing that its owner wants to hear of."""
    db.session.flush()
    levels = [rule.fires_at for rule in rules if rule.enabled and rule.armed and rule.fires_at is not None]
    ledger.watch(account_id, max(levels, default=None), by=WATCHING)


def last_in(account_id: int) -> tuple[Decimal, bool] | None:
    """How many credits came in last, and whether they were bought; a gift counts where nothing was bought."""
    entry = ledger.CreditTransaction
    for transaction_type in ("purchase", "bonus"):
        query = select(entry.amount).where(
            entry.account_id == account_id,
            entry.transaction_type == transaction_type,
            entry.transaction_type != "consumption",  # in the words of the partial index
        )
        amount = db.session.scalar(query.order_by(entry.number.desc()).limit(1))
        if amount is not None:
            return amount, transaction_type == "purchase"
    return None


def came_in(account_id: int, *, since: int) -> bool:
    """Whether credits were added after the transaction of this number; what was only given back does not count."""
    entry = ledger.CreditTransaction
    query = select(entry.id).where(
        entry.account_id == account_id,
        entry.number > since,
        entry.amount > 0,
        entry.transaction_type.in_(("purchase", "bonus", "adjustment")),
        entry.transaction_type != "consumption",  # in the words of the partial index
    )
    return db.session.scalar(query.limit(1)) is not None


def _new(account_id: int, kind: str, threshold: Decimal, *, enabled: bool, mail: bool) -> AlertRule:
    now = clock.now()
    rule = AlertRule(
        account_id=account_id,
        kind=kind,
        threshold=threshold,
        enabled=enabled,
        mail=mail,
        armed=True,
        created_at=now,
        updated_at=now,
    )
    db.session.add(rule)
    return rule


def _standing_of(rule: AlertRule) -> Sequence[CreditAlert]:
    return [alert for alert in raising.standing(rule.account_id) if alert.rule_id == rule.id]


def _holds_already(rule: AlertRule) -> bool:
    came = last_in(rule.account_id)
    found = place(rule, came[0] if came else None)
    return found is not None and ledger.balance(rule.account_id).available <= found.fires_at


def _check(kind: str, threshold: Decimal) -> None:
    allowed = KINDS[kind]
    if not allowed.least <= threshold <= allowed.most or (allowed.whole and threshold != int(threshold)):
        whole = "a whole number" if allowed.whole else "a number"
        message = f"Enter {whole} from {credits(allowed.least)} to {credits(allowed.most)}."
        raise UnusableThreshold(message)
