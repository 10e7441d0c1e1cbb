"""Auto-recharge, read: how it stands, what saving would do, and the log of every decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from creditapp import alerts, checkout, clock, packages
from creditapp.db import db
from creditapp.recharge import rules, telling
from creditapp.recharge.ahead import Ahead
from creditapp.recharge.deciding import sold, standing_of
from creditapp.recharge.models import IN_FLIGHT, RechargeAttempt, RechargePlan
from creditapp.recharge.months import zone_of
from creditapp.recharge.plan import Wishes, plan_of, terms_of


@dataclass(frozen=True, slots=True)
class FirstCharge:
    """What saving a plan would charge at once; nothing where ``quantity`` is 0."""

    quantity: int
    amount_cents: int
    currency: str
    reason: str


def state_of(plan: RechargePlan | None) -> tuple[str, str]:  # noqa: PLR0911 (a state a line)
    """``off no_card on needs_customer declined cap_reached unavailable``, and the reason in words."""
    if plan is None:
        return "off", "Auto-recharge is off."
    if plan.stopped == "declined":
        return "declined", f"{plan.stopped_reason} Auto-recharge is switched off."
    if not plan.enabled:
        return "off", "Auto-recharge is off."
    if checkout.card_of(plan.account_id) is None:
        return "no_card", "Save a card, and it begins to work."
    if plan.stopped is not None:
        return plan.stopped, plan.stopped_reason or "It needs you."
    now = clock.now()
    standing = replace(standing_of(plan.account_id, now), available=plan.threshold, debt=rules.NOTHING, in_flight=False)
    terms = replace(terms_of(plan), cooling_until=None)
    decision = rules.decide(terms, standing, sold(plan.package, now), now)
    if decision.why == "cap_reached":
        return "cap_reached", decision.reason
    if decision.blocked:
        return "unavailable", decision.reason
    return "on", "It recharges when the balance falls to the threshold."


def would_charge(account_id: int, wishes: Wishes) -> FirstCharge:
    """What saving these wishes would charge at once: switching on ends a cooldown, a change of a plan does not."""
    package, now, plan = packages.by_key(wishes.package), clock.now(), plan_of(account_id)
    stays_on = plan is not None and plan.enabled and plan.stopped is None
    terms = rules.Terms(
        enabled=wishes.enabled,
        threshold=wishes.threshold,
        quantity=wishes.quantity,
        target=wishes.target,
        monthly_cap_cents=wishes.monthly_cap_cents,
        has_card=checkout.card_of(account_id) is not None,
        cooling_until=plan.cooling_until if plan is not None and stays_on else None,
    )
    decision = rules.decide(terms, standing_of(account_id, now), sold(package, now), now)
    return FirstCharge(decision.quantity, decision.quantity * package.price_cents, package.currency, decision.reason)


def ahead(account_id: int) -> Ahead | None:
    """The plan as it will go on; None while it is off. A recharge under way is yet to come, and counted then."""
    plan, now = plan_of(account_id), clock.now()
    if plan is None or not plan.enabled:
        return None
    query = select(RechargeAttempt).where(
        RechargeAttempt.account_id == account_id, RechargeAttempt.state.in_(IN_FLIGHT)
    )
    terms, standing, under_way = terms_of(plan), standing_of(account_id, now), db.session.scalars(query).first()
    if under_way is not None:
        spent = standing.spent_this_month_cents - under_way.amount_cents
        terms = replace(terms, cooling_until=None)
        standing = replace(standing, in_flight=False, spent_this_month_cents=spent)
    zone = zone_of(account_id)
    return Ahead(
        terms=terms,
        standing=standing,
        sold=sold(plan.package, now),
        month=now.astimezone(zone).date().replace(day=1),
        zone=zone,
    )


def spent_this_month(account_id: int) -> int:
    """What automatic recharges cost, or may have cost, this month, in minor units."""
    return standing_of(account_id, clock.now()).spent_this_month_cents


def cap_of(account_id: int) -> alerts.Cap | None:
    """How far the month's limit is used up; None without one, and while recharging is off."""
    plan = plan_of(account_id)
    if plan is None:
        return None
    return telling.cap(plan, spent_this_month(account_id), reached=state_of(plan)[0] == "cap_reached")


def attempts(account_id: int, limit: int) -> Sequence[RechargeAttempt]:
    """The latest decisions, newest first: recharges, and why there was none."""
    query = select(RechargeAttempt).where(RechargeAttempt.account_id == account_id)
    return db.session.scalars(query.order_by(RechargeAttempt.at.desc()).limit(limit)).all()
