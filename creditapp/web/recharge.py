"""Auto-recharge on its page: how it stands, what is wanted, the card, and the log of every decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from creditapp import charging, checkout, ledger, packages, recharge, usage
from creditapp.db import transaction
from creditapp.errors import InvalidInput, NotFound
from creditapp.gateway import PolarRefused, PolarUnavailable
from creditapp.letters.render import credits, money
from creditapp.web import sessions
from creditapp.web.forms import typed, ungrouped
from creditapp.web.sessions import fresh_required, login_required

bp = Blueprint("recharge", __name__, url_prefix="/credits")

REFUSED = 422
ATTEMPTS = 25
TWO_DAYS = 2
QUANTITIES = 5
CENTS = Decimal(100)
TICKED = frozenset({"on", "true", "1", "yes"})
TONES = {"on": "ok", "declined": "bad", "needs_customer": "warn", "cap_reached": "warn", "unavailable": "warn"}

Page = str | AnyResponse | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields, as it was typed."""

    enabled: bool
    threshold: str
    package: str
    mode: str
    quantity: str
    target: str
    monthly_cap: str
    notify: str
    charge_now: bool

    def wishes(self) -> recharge.Wishes:
        """The fields as they are meant. Raises recharge.UnusableTerms, naming the field."""
        by_target = self.mode == "target"
        return recharge.Wishes(
            enabled=self.enabled,
            threshold=_number("threshold", self.threshold, "Enter a whole number of credits, 0 or more."),
            package=self.package,
            quantity=None if by_target else _whole("quantity", self.quantity or "1"),
            target=_number("target", self.target, "Enter a number of credits.") if by_target else None,
            monthly_cap_cents=_cents(self.monthly_cap) if self.monthly_cap else None,
            notify=self.notify or "always",
        )


@bp.get("/settings/auto_recharge")
@login_required
def index() -> str:
    """How it stands; who comes back from saving a card is shown it at once."""
    if request.args.get("card"):
        charging.learn_card(sessions.account_id())
    return _page()


@bp.post("/settings/auto_recharge")
@fresh_required
def save() -> Page:
    """Write down what is wanted; where that charges at once, only with the box ticked."""
    form, account_id = _typed(), sessions.account_id()
    try:
        wishes = form.wishes()
        charge = _agreed(account_id, wishes, form)
        with transaction():
            switched_on = recharge.save(account_id, wishes)
            recharge.consider(account_id, person=switched_on)
    except recharge.UnusableTerms as error:
        return _page(form, {error.field: error.sentence}), REFUSED
    except (InvalidInput, NotFound) as error:
        return _page(form, {"package": error.sentence}), REFUSED
    flash(f"Saved. {money(charge.amount_cents, charge.currency)} is being charged now." if charge else "Saved.", "ok")
    return redirect(url_for("recharge.index"), 303)


@bp.post("/auto_recharge_toggle")
@fresh_required
def toggle() -> Page:
    """On to off, off to on; where on would charge at once, the page says so first."""
    account_id = sessions.account_id()
    plan = recharge.plan_of(account_id)
    on = plan is None or not plan.enabled
    if on and not _ticked("charge_now"):
        wishes = recharge.wishes_of(plan, enabled=True) if plan else recharge.usual_wishes()
        charge = _would_charge(account_id, wishes)
        if charge is not None:
            flash(f"{_warning(charge)} Tick the box below and save.", "warn")
            return redirect(url_for("recharge.index", on=1), 303)
    with transaction():
        recharge.switch(account_id, on=on)
        recharge.consider(account_id, person=on)
    flash("Auto-recharge is on." if on else _off(account_id), "ok")
    return redirect(url_for("recharge.index"), 303)


@bp.post("/recharge_now")
@fresh_required
def try_again() -> AnyResponse:
    """Switch it on again after it stopped, and charge at once where credits are low."""
    account_id = sessions.account_id()
    with transaction():
        recharge.switch(account_id, on=True)
        begun = recharge.consider(account_id, person=True)
    flash("Charging the card now." if begun else "Auto-recharge is on again.", "ok")
    return redirect(url_for("recharge.index"), 303)


@bp.post("/settings/card")
@fresh_required
def card() -> Page:
    """To Polar's customer portal, where a card is saved or changed."""
    try:
        address = charging.card_portal(sessions.account_id(), back=url_for("recharge.index", card="saved"))
    except (PolarUnavailable, PolarRefused) as error:
        flash(error.sentence, "bad")
        return redirect(url_for("recharge.index"), 303)
    return redirect(address, 303)


def _off(account_id: int) -> str:
    if recharge.may_be_charging(account_id):
        return "Auto-recharge is off. The recharge that has already begun may still be charged; see below."
    return "Auto-recharge is off. Nothing is charged any more."


def _page(form: Form | None = None, errors: Mapping[str, str] | None = None) -> str:
    account_id = sessions.account_id()
    plan, saved_card = recharge.plan_of(account_id), checkout.card_of(account_id)
    state, reason = recharge.state_of(plan)
    form = form or _standing_form(plan)
    used = usage.used_since(account_id, TWO_DAYS)
    sold = [one for one in packages.everything() if one.active and not one.limited]
    return render_template(
        "recharge/index.html",
        plan=plan,
        card=saved_card,
        state=state,
        tone=TONES.get(state, ""),
        reason=reason,
        spent_cents=recharge.spent_this_month(account_id),
        form=form,
        errors=errors or {},
        packages=sold,
        chosen=next((one for one in sold if one.key == form.package), None),
        quantities=range(1, QUANTITIES + 1),
        attempts=recharge.attempts(account_id, ATTEMPTS),
        two_days=used,
        charge=_charge_of(account_id, form),
        available=ledger.balance(account_id).available,
    )


def _charge_of(account_id: int, form: Form) -> recharge.FirstCharge | None:
    """What saving the form as it stands would charge at once; None where nothing, or where it can't be read."""
    try:
        return _would_charge(account_id, form.wishes())
    except (InvalidInput, NotFound):
        return None


def _would_charge(account_id: int, wishes: recharge.Wishes) -> recharge.FirstCharge | None:
    found = recharge.would_charge(account_id, wishes)
    return found if found.quantity else None


def _agreed(account_id: int, wishes: recharge.Wishes, form: Form) -> recharge.FirstCharge | None:
    """What is charged at once, as the person agreed to. Raises recharge.UnusableTerms where they did not."""
    charge = _would_charge(account_id, wishes)
    if charge is not None and not form.charge_now:
        raise recharge.UnusableTerms("charge_now", f"{_warning(charge)} Tick the box, or lower the threshold.")
    return charge


def _warning(charge: recharge.FirstCharge) -> str:
    amount = money(charge.amount_cents, charge.currency)
    return f"Your balance is already at or below this threshold: saving will charge {amount} now."


def _standing_form(plan: recharge.RechargePlan | None) -> Form:
    usual = next((one for one in packages.everything() if one.key == recharge.USUAL_PACKAGE), None)
    cap = plan.monthly_cap_cents if plan else usual.price_cents * QUANTITIES if usual else None
    return Form(
        enabled=bool(request.args.get("on")) or (plan.enabled if plan else True),
        threshold=credits(plan.threshold if plan else recharge.USUAL_THRESHOLD).replace(",", ""),
        package=plan.package.key if plan else recharge.USUAL_PACKAGE,
        mode="target" if plan and plan.target is not None else "package",
        quantity=str(plan.quantity or 1) if plan else "1",
        target=credits(plan.target).replace(",", "") if plan and plan.target is not None else "",
        monthly_cap=f"{cap / CENTS:.2f}" if cap else "",
        notify=plan.notify if plan else "always",
        charge_now=False,
    )


def _typed() -> Form:
    return Form(
        enabled=_ticked("enabled"),
        threshold=typed("threshold"),
        package=typed("package"),
        mode=typed("mode") or ("target" if typed("target") else "package"),
        quantity=typed("quantity"),
        target=typed("target"),
        monthly_cap=typed("monthly_cap"),
        notify=typed("notify"),
        charge_now=_ticked("charge_now"),
    )


def _ticked(name: str) -> bool:
    return typed(name).lower() in TICKED


def _number(field: str, text: str, sentence: str) -> Decimal:
    try:
        amount = Decimal(ungrouped(text))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount > ledger.LARGEST_AMOUNT or amount != round(amount, 6):
        raise recharge.UnusableTerms(field, sentence)
    return amount


def _whole(field: str, text: str) -> int:
    number = _number(field, text, "Enter a whole number.")
    if number != int(number):
        raise recharge.UnusableTerms(field, "Enter a whole number.")
    return int(number)


def _cents(text: str) -> int:
    amount: Any = _number("monthly_cap", text.lstrip("$ "), "Enter an amount such as 200.00.") * CENTS
    if amount != int(amount):
        raise recharge.UnusableTerms("monthly_cap", "Enter an amount with at most two decimals.")
    return int(amount)
