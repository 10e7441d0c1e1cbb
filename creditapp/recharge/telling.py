"""What people are told of recharges: letters, and an alert that stands until what stopped them is out of the way."""

from creditapp import alerts, checkout, clock, identity, ledger, letters
from creditapp.letters.render import credits
from creditapp.recharge.models import RechargeAttempt, RechargePlan
from creditapp.recharge.months import next_month
from creditapp.recharge.rules import Decision

FAILED = "recharge_failed"


def blocked(plan: RechargePlan, decision: Decision, spent_cents: int) -> None:
    """A recharge was wanted and may not be: what a person can do something about is told."""
    if decision.why == "cap_reached":
        alerts.consider_cap(plan.account_id, cap(plan, spent_cents, reached=True))
    elif decision.why in {"no_card", "unavailable"}:
        alerts.raise_alert(plan.account_id, FAILED, {"why": decision.why, "reason": decision.reason})


def failed(plan: RechargePlan, attempt: RechargeAttempt, why: str, reason: str, *, letter: str) -> None:
    """An attempt did not charge: a letter of its own tells of it, which says more than that of the alert.

    *why*: ``declined declined_once needs_customer unavailable``.
    """
    alerts.raise_alert(plan.account_id, FAILED, {"why": why, "reason": reason}, told={"auto_recharge_failed"})
    _write(letter, attempt, plan)


def came_to_nothing(account_id: int) -> None:
    """An attempt ended, no letter tells of it, and none is under way: that credits are low is told now."""
    alerts.catch_up(account_id, "low_balance")


def over(account_id: int) -> None:
    """What kept recharges from going well is out of the way."""
    alerts.clear(account_id, FAILED)


def went_well(plan: RechargePlan, attempt: RechargeAttempt, cap_now: alerts.Cap | None) -> None:
    """A recharge was paid; where it was too small to leave the threshold, that is told once, and not every hour."""
    if ledger.balance(plan.account_id).available > plan.threshold:
        over(plan.account_id)
    else:
        reason = (
            f"After a recharge no more than {credits(plan.threshold)} credits were available still, where the next one "
            "begins. At most one an hour is made."
        )
        alerts.raise_alert(plan.account_id, FAILED, {"why": "not_enough", "reason": reason})
    alerts.consider_cap(plan.account_id, cap_now)
    if plan.notify == "always":
        _write("recharge_succeeded", attempt, plan)


def cap(plan: RechargePlan, spent_cents: int, *, reached: bool) -> alerts.Cap | None:
    """How far the month's limit of the plan is used up; None without a limit, and while it is off."""
    if not plan.enabled or plan.monthly_cap_cents is None:
        return None
    return alerts.Cap(
        spent_cents=spent_cents,
        cap_cents=plan.monthly_cap_cents,
        currency=plan.package.currency,
        again_on=next_month(clock.now(), plan.account_id),
        reached=reached,
    )


def _write(kind: str, attempt: RechargeAttempt, plan: RechargePlan) -> None:
    """Put a letter about the attempt in the out-tray, once."""
    card = checkout.card_of(attempt.account_id)
    letters.write(
        kind,
        key=f"{kind}:{attempt.id}",
        account_id=attempt.account_id,
        recipient=identity.owner_of(attempt.account_id).email,
        facts={
            "package": plan.package.name,
            "package_key": plan.package.key,
            "credits": str(attempt.credits),
            "amount_cents": attempt.amount_cents,
            "currency": attempt.currency,
            "reason": attempt.reason,
            "card": card.words if card else "your card",
            "balance": str(ledger.balance(attempt.account_id).available),
            "switched_off": not plan.enabled,
        },
    )
