"""Alerts on their page: what there is to know, seen and put away; and what one wants to be told, as sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_limiter import RequestLimit
from werkzeug.wrappers import Response as AnyResponse

from creditapp import alerts, identity, ledger
from creditapp.db import row_id, transaction
from creditapp.errors import NotFound
from creditapp.letters.render import credits
from creditapp.web import sessions, words
from creditapp.web.forms import typed, ungrouped
from creditapp.web.sessions import login_required
from creditapp.web.shell import standing_alerts
from creditapp.wiring import limiter

bp = Blueprint("alerts", __name__, url_prefix="/credits/alerts")

REFUSED = 422
PAGE = 25
TESTS = "6 per 10 minutes"
# What stands before and behind the number of a rule: "Tell me when …".
SENTENCES: Mapping[str, tuple[str, str]] = {
    "balance": ("available credits fall to", "or below"),
    "share": ("available credits fall to", "% of what came in last, or below"),
    "run_out": ("no credits are left, or too few for a charge", ""),
    "runway": ("credits last no longer than", "days at my pace"),
    "expiring": ("credits expire within", "days"),
    "spike": ("use in a day, of the account or of one key, is more than", "times the usual"),
    "daily_spend": ("more is used in a day than", "credits"),
    "cap": ("automatic recharges reach", "% of the monthly limit"),
    "recharge_failed": ("an automatic recharge fails or stops", ""),
    "debt": ("the account owes credits", ""),
}
STATES = {"acknowledged": "Seen", "dismissed": "Dismissed", "resolved": "Over"}

Page = str | AnyResponse | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Choice:
    """A rule as it stands in its form: *number* as it was typed, and what is wrong with it."""

    rule: alerts.AlertRule
    kind: str
    before: str
    after: str
    number: str
    key: str | None
    takes_number: bool
    optional: bool
    enabled: bool
    mail: bool
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """What was typed and can't be accepted; *rule_id* is None in the form for one more."""

    rule_id: int | None
    sentence: str


def _account() -> str:
    return str(sessions.account_id())


def _wait(breached: RequestLimit) -> Response:
    seconds, wait = words.wait_until(breached.reset_at)
    answer = make_response(_page(problem=f"Those were many test letters. Wait {wait}, then try again."), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


@bp.get("")
@login_required
def index() -> str:
    """What stands, what was before, and the rules."""
    return _page()


@bp.post("/<int:alert_id>/acknowledge")
@login_required
def acknowledge(alert_id: int) -> Page:
    """Somebody saw it."""
    with transaction():
        alert = alerts.acknowledge(sessions.account_id(), alert_id)
    return _marked(alert)


@bp.post("/<int:alert_id>/dismiss")
@login_required
def dismiss(alert_id: int) -> Page:
    """Nobody wants to hear of it any more."""
    with transaction():
        alert = alerts.dismiss(sessions.account_id(), alert_id)
    return _marked(alert)


@bp.post("/rules/<int:rule_id>")
@login_required
def save(rule_id: int) -> Page:
    """Change what one is told, when and by what."""
    number = typed("threshold")
    try:
        with transaction():
            rule = alerts.rule_named(sessions.account_id(), rule_id)
            takes = bool(alerts.KINDS[rule.kind].most)
            alerts.save(
                sessions.account_id(),
                rule_id,
                enabled=bool(typed("enabled")),
                mail=bool(typed("mail")),
                threshold=_number(number) if takes else None,
            )
    except alerts.UnusableThreshold as error:
        return _page(refused=Refused(rule_id, error.sentence)), REFUSED
    flash("Saved.", "ok")
    return redirect(url_for("alerts.index") + f"#rule-{rule_id}", 303)


@bp.post("/rules/<int:rule_id>/test")
@login_required
@limiter.limit(TESTS, key_func=_account, on_breach=_wait)
def test(rule_id: int) -> Page:
    """A letter as the rule would send it, marked as a test."""
    account_id = sessions.account_id()
    with transaction():
        alerts.send_test(account_id, rule_id)
    flash(f"A test letter is on its way to {identity.owner_of(account_id).email}.", "ok")
    return redirect(url_for("alerts.index") + f"#rule-{rule_id}", 303)


@bp.post("/rules")
@login_required
def add() -> Page:
    """Watch what one key uses in a day."""
    try:
        with transaction():
            key_id = row_id(typed("api_key_id"))
            rule_id = alerts.add_for_key(sessions.account_id(), key_id or 0, _number(typed("threshold"))).id
    except alerts.UnusableThreshold as error:
        return _page(refused=Refused(None, error.sentence)), REFUSED
    except NotFound:
        return _page(refused=Refused(None, "Choose one of your keys.")), REFUSED
    flash("Added.", "ok")
    return redirect(url_for("alerts.index") + f"#rule-{rule_id}", 303)


@bp.post("/rules/<int:rule_id>/remove")
@login_required
def remove(rule_id: int) -> Page:
    """Watch a key no more."""
    with transaction():
        alerts.remove(sessions.account_id(), rule_id)
    flash("Removed.", "ok")
    return redirect(url_for("alerts.index") + "#rules", 303)


def _marked(alert: alerts.CreditAlert) -> Page:
    """The alert as it stands now: alone for htmx, on its page for anybody else."""
    if request.headers.get("HX-Request"):
        return render_template("alerts/_alert.html", alert=alert, said=_said(alert), **_words(), out_of_band=True)
    return redirect(url_for("alerts.index") + f"#alert-{alert.id}", 303)


def _page(*, refused: Refused | None = None, problem: str | None = None) -> str:
    account_id, before = sessions.account_id(), row_id(request.args.get("before", ""))
    if not alerts.has_rules(account_id):
        with transaction():
            alerts.begin(account_id)
    rules = sorted(alerts.rules_of(account_id), key=lambda rule: list(SENTENCES).index(rule.kind))
    found = alerts.page(account_id, PAGE + 1, before=before)
    keys = {key.id: key.name for key in identity.keys_of(account_id)}
    return render_template(
        "alerts/index.html",
        shown=[(alert, _said(alert)) for alert in found[:PAGE]],
        older_before=found[PAGE - 1].id if len(found) > PAGE else None,
        paged=before is not None,
        open=sum(1 for alert in standing_alerts() if alert.open),
        choices=[_choice(rule, keys, refused) for rule in rules],
        keys=keys,
        adding=refused if refused and refused.rule_id is None else None,
        added={"threshold": typed("threshold"), "api_key_id": typed("api_key_id")},
        refused=refused,
        problem=problem,
        mail_to=identity.owner_of(account_id).email,
        **_words(),
    )


def _words() -> dict[str, Mapping[str, str]]:
    return {"names": alerts.NAMES, "tones": alerts.TONES, "states": STATES}


def _said(alert: alerts.CreditAlert) -> alerts.Words:
    return alerts.words_of(alert.alert_type, alert.details)


def _choice(rule: alerts.AlertRule, keys: Mapping[int, str], refused: Refused | None) -> Choice:
    kind, typed_here = alerts.KINDS[rule.kind], refused is not None and refused.rule_id == rule.id
    before, after = SENTENCES[rule.kind]
    if after.startswith("days") and rule.threshold == 1:
        after = after.replace("days", "day", 1)
    key = None if rule.api_key_id is None else keys.get(rule.api_key_id, "that is gone")
    return Choice(
        rule=rule,
        kind=alerts.NAMES[kind.alert_type],
        before=before,
        after=after,
        number=typed("threshold") if typed_here else credits(rule.threshold).replace(",", ""),
        key=key,
        takes_number=bool(kind.most),
        optional=kind.optional,
        enabled=bool(typed("enabled")) if typed_here else rule.enabled,
        mail=bool(typed("mail")) if typed_here else rule.mail,
        error=refused.sentence if refused is not None and typed_here else None,
    )


def _number(text: str) -> Decimal:
    try:
        amount = Decimal(ungrouped(text))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount > ledger.LARGEST_AMOUNT or amount != round(amount, 6):
        message = "Enter a number."
        raise alerts.UnusableThreshold(message)
    return amount
