"""Whether an account is recharged now: decided under its lock, and written down in words."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select

from creditapp import checkout, clock, jobqueue, ledger, packages
from creditapp.db import db
from creditapp.recharge import rules, telling
from creditapp.recharge.models import IN_FLIGHT, RechargeAttempt, RechargePlan
from creditapp.recharge.months import month_start
from creditapp.recharge.plan import plan_of, rearm, terms_of

SAID_AGAIN_AFTER = timedelta(hours=1)
SWITCHED_OFF = "It was switched off before the card was charged."
TERMS_CHANGED = "The terms or the price were changed before the card was charged; it is decided anew."
COUNTED = (*IN_FLIGHT, "paid")  # money that is, or may be, spent


def consider(account_id: int, *, person: bool = False) -> RechargeAttempt | None:
    """Decide whether the account is recharged now, and write the decision down; the attempt where one begins.

    1. Lock the account and read everything anew: two charges that cross the threshold at once meet here.
    2. A *person* who asks for it ends the cooldown; an automatic try waits for it.
    3. Where a recharge is wanted but blocked, its reason is written down; never silence.
    """
    plan = plan_of(account_id)
    if plan is None or not plan.enabled:
        return None
    ledger.lock(account_id)
    plan = plan_of(account_id)
    assert plan is not None  # noqa: S101  (it was there a moment ago, and is never deleted)
    now = clock.now()
    if person:
        plan.cooling_until = None
    plan.considered_at = now
    package = plan.package
    standing = standing_of(account_id, now)
    decision = rules.decide(terms_of(plan), standing, sold(package, now), now)
    if decision.blocked:
        _say(account_id, decision, now)
        telling.blocked(plan, decision, standing.spent_this_month_cents)
    if not decision.charge:
        return None
    card = checkout.card_of(account_id)
    attempt = RechargeAttempt(
        account_id=account_id,
        state="requested",
        reason=decision.reason,
        package_id=package.id,
        quantity=decision.quantity,
        credits=package.credits * decision.quantity,
        amount_cents=package.price_cents * decision.quantity,
        currency=package.currency,
        payment_method_id=card.id if card else None,
        polar_customer_id=checkout.known_customer(account_id),
        tries=0,
        next_at=now,
        at=now,
    )
    plan.cooling_until = now + rules.COOLDOWN
    db.session.add(attempt)
    db.session.flush()
    jobqueue.ring_after_commit("recharge", attempt.id)
    return attempt


def why_not_any_more(attempt: RechargeAttempt) -> str | None:
    """Why an attempt of which nothing was charged is not wanted as it was begun; the account's lock is held.

    Its owner may have changed the terms, and credits may have come from elsewhere, since it was decided.
    """
    plan, now = plan_of(attempt.account_id), clock.now()
    if plan is None or not plan.enabled:
        return SWITCHED_OFF
    standing = standing_of(attempt.account_id, now)
    before_it = replace(
        standing, in_flight=False, spent_this_month_cents=standing.spent_this_month_cents - attempt.amount_cents
    )
    # A missing card is found where it would be charged, and told there.
    terms = replace(terms_of(plan), has_card=True, cooling_until=None)
    decision = rules.decide(terms, before_it, sold(plan.package, now), now)
    if not decision.charge:
        return f"Not charged any more: {decision.reason}"
    same = attempt.package_id == plan.package_id and attempt.amount_cents == attempt.quantity * plan.package.price_cents
    enough = attempt.quantity == decision.quantity or (plan.target is not None and attempt.quantity < decision.quantity)
    return None if same and enough else TERMS_CHANGED


def card_saved(account_id: int) -> None:
    """A new card: what a decline switched off is on again, and charged at once where credits are low."""
    ledger.lock(account_id)
    rearm(account_id)
    telling.over(account_id)
    consider(account_id, person=True)


def due_accounts(limit: int, *, not_since: timedelta) -> Sequence[int]:
    """Accounts at or below their threshold where something happened, or a cooldown ended, since they were looked at.

    Nothing of the kind: again after *not_since*, since a card or a package may have changed. Those come first that have
    waited longest, so that many which are blocked keep none from its turn.
    """
    account = ledger.Account
    query = (
        select(RechargePlan.account_id)
        .join(account, account.id == RechargePlan.account_id)
        .where(
            RechargePlan.enabled,
            account.balance - account.reserved <= RechargePlan.threshold,
            RechargePlan.considered_at.is_(None)
            | (RechargePlan.considered_at < account.updated_at)
            | (RechargePlan.considered_at <= clock.now() - not_since)
            | ((RechargePlan.cooling_until <= clock.now()) & (RechargePlan.considered_at < RechargePlan.cooling_until)),
        )
        .order_by(RechargePlan.considered_at.nulls_first())
        .limit(limit)
    )
    return db.session.scalars(query).all()


def in_flight(account_id: int) -> bool:
    """Whether a recharge of the account is under way."""
    query = select(RechargeAttempt.id).where(
        RechargeAttempt.account_id == account_id, RechargeAttempt.state.in_(IN_FLIGHT)
    )
    return db.session.scalar(query) is not None


def standing_of(account_id: int, now: datetime) -> rules.Standing:
    """How the account stands, as the rules look at it."""
    balance = ledger.balance(account_id)
    since = month_start(now, account_id)
    spent = select(func.coalesce(func.sum(RechargeAttempt.amount_cents), 0)).where(
        RechargeAttempt.account_id == account_id,
        RechargeAttempt.state.in_(COUNTED)
        | ((RechargeAttempt.state == "needs_operator") & RechargeAttempt.charged_at.is_not(None)),
        RechargeAttempt.at >= since,
    )
    return rules.Standing(
        available=balance.available,
        debt=balance.debt,
        in_flight=in_flight(account_id),
        spent_this_month_cents=int(db.session.scalar(spent) or 0),
    )


def sold(package: packages.CreditPackage, now: datetime) -> rules.Sold:
    """What is bought, as the rules look at it."""
    return rules.Sold(
        name=package.name,
        credits=package.credits,
        price_cents=package.price_cents,
        unavailable=packages.why_not(package, 0, now),
    )


def _say(account_id: int, decision: rules.Decision, now: datetime) -> None:
    """Log why a wanted recharge did not begin; the same reason not again within the hour."""
    query = select(RechargeAttempt).where(RechargeAttempt.account_id == account_id).order_by(RechargeAttempt.at.desc())
    last = db.session.scalars(query.limit(1)).first()
    same = last is not None and last.state == "skipped" and last.reason == decision.reason
    if same and last is not None and last.at > now - SAID_AGAIN_AFTER:
        return
    db.session.add(
        RechargeAttempt(account_id=account_id, state="skipped", reason=decision.reason, at=now, ended_at=now)
    )
