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
        failed(plan.account_id, decision.why, decision.reason)


def failed(account_id: int, why: str, reason: str) -> None:
    """A recharge failed, can't begin, or was too small.

    *why*: ``declined declined_once needs_customer no_card unavailable not_enough``.
    """
    alerts.raise_alert(account_id, FAILED, {"why": why, "reason": reason})


def over(account_id: int) -> None:
    """What kept recharges from going well is out of the way."""
    alerts.clear(account_id, FAILED)


def went_well(plan: RechargePlan, attempt: RechargeAttempt, cap_now: alerts.Cap | None) -> None:
    """A recharge was paid; where it was too small to leave the threshold, that is told."""
    over(plan.account_id)
    available = ledger.balance(plan.account_id).available
    if available <= plan.threshold:
        failed(
            plan.account_id,
            "not_enough",
            f"{credits(attempt.credits)} credits were recharged, and {credits(available)} available are no more than "
            f"{credits(plan.threshold)} still. At most one recharge an hour: choose a larger package.",
        )
    alerts.consider_cap(plan.account_id, cap_now)
    if plan.notify == "always":
        write("recharge_succeeded", attempt, plan)


def write(kind: str, attempt: RechargeAttempt, plan: RechargePlan) -> None:
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
