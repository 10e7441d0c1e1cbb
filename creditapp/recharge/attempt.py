"""An attempt to recharge, once decided: claim - ask - write, until it ends.

The order's id is committed before money moves; an answer that was lost is asked for by the same order, with the same
card, for at most twenty hours; there is never a second draft while the first is open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from creditapp import checkout, clock, ledger
from creditapp.db import db, of_app, row_id
from creditapp.gateway import Charged, PolarOrder
from creditapp.letters.render import credits
from creditapp.recharge import deciding, rules, telling
from creditapp.recharge.models import IN_FLIGHT, RechargeAttempt
from creditapp.recharge.plan import be_told, plan_of
from creditapp.recharge.statement import cap_of

# Who claimed an attempt and died does not keep it for long. Who comes back too early only asks, and an order that is
# finalized again with the same card is charged once.
CLAIM = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(hours=20)  # after that Stripe forgets which charge was the same
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=10)
SURELY_ANSWERED_AFTER = timedelta(minutes=2)  # no request to charge runs longer
NOT_KNOWN = "Polar could not say for 20 hours whether the card was charged. Our staff looks into it."
NOT_REACHED = "Polar could not be reached for 20 hours. Nothing was charged."
NOT_ENABLED = "Polar does not charge saved cards for this seller yet. Recharge with one click instead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What has to be asked of Polar next: ``draft``, ``finalize`` or ``ask``; with all that is needed for it."""

    kind: str
    attempt_id: int
    account_id: int
    customer_id: str | None
    product_id: str | None
    quantity: int
    amount_cents: int
    currency: str
    credits: Decimal
    package_name: str
    payment_method_id: str
    order_id: str | None


def claim(attempt_id: int) -> Step | None:
    """What to do next for an attempt whose time has come, claimed; None where it ended or another is at it.

    No charge is begun that is not wanted any more: the account is looked at again under its lock. A charge that may be
    under way already is only asked for.
    """
    account_id = db.session.scalar(select(RechargeAttempt.account_id).where(RechargeAttempt.id == attempt_id))
    if account_id is None:
        return None
    ledger.lock(account_id)
    query = select(RechargeAttempt).where(
        RechargeAttempt.id == attempt_id,
        RechargeAttempt.state.in_(IN_FLIGHT),
        RechargeAttempt.next_at <= clock.now(),
    )
    attempt = db.session.scalar(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))
    if attempt is None:
        return None
    now, wanted = clock.now(), _is_wanted(attempt)
    if attempt.charged_at is None and (reason := deciding.why_not_any_more(attempt)):
        _close(attempt, "canceled", reason)
        if deciding.consider(account_id, person=True) is None:  # nothing was charged: there is nothing to wait for
            telling.came_to_nothing(account_id)
        return None
    attempt.tries += 1
    match attempt.state:
        case "requested":
            kind, attempt.next_at = "draft", now + CLAIM
        case "drafted" if wanted:
            kind, attempt.state, attempt.next_at = "finalize", "charging", now + CLAIM
            attempt.charged_at = now
        case _:  # it was charging when its process died, or its answer was lost
            kind, attempt.state, attempt.next_at = "ask", "unknown", now + CLAIM
    db.session.flush()
    return Step(
        kind=kind,
        attempt_id=attempt.id,
        account_id=attempt.account_id,
        customer_id=attempt.polar_customer_id,
        product_id=attempt.package.polar_product_id if attempt.package else None,
        quantity=attempt.quantity,
        amount_cents=attempt.amount_cents,
        currency=attempt.currency,
        credits=attempt.credits,
        package_name=attempt.package.name if attempt.package else "",
        payment_method_id=attempt.payment_method_id or "",
        order_id=attempt.polar_order_id,
    )


def drafted(attempt_id: int, polar_order_id: str) -> None:
    """Write down the draft's id, before any money moves."""
    attempt = _locked(attempt_id)
    if attempt.state == "requested":
        attempt.polar_order_id, attempt.state, attempt.next_at = polar_order_id, "drafted", clock.now()
        attempt.tries = 0  # a step that went well is no failed try


def told(attempt_id: int, order: PolarOrder | None) -> None:
    """What Polar says of the order whose answer was lost: paid, still a draft, or on its way."""
    if order is not None and order.paid:
        fulfil(order)
        return
    attempt = _locked(attempt_id)
    if attempt.state != "unknown":
        return
    if _is_too_late(attempt):
        return
    is_draft = order is not None and order.status == "draft"
    if is_draft and _is_wanted(attempt):
        # The first request may still be running: then Polar answers that it is, and charges once all the same.
        attempt.state, attempt.next_at = "drafted", clock.now() + FIRST_PAUSE
        attempt.reason = "The answer was lost; the same order and card are tried again."
    elif is_draft and attempt.charged_at is not None and clock.now() - attempt.charged_at > SURELY_ANSWERED_AFTER:
        attempt.charged_at = None  # nothing was
        _close(attempt, "canceled", deciding.SWITCHED_OFF)
        telling.came_to_nothing(attempt.account_id)
    else:
        postpone(attempt_id, "Polar has not settled the payment yet.")


def postpone(attempt_id: int, reason: str) -> None:
    """Try again later, as it stands."""
    attempt = _locked(attempt_id)
    if attempt.state in IN_FLIGHT and not _is_too_late(attempt):
        if attempt.state == "charging":
            attempt.state = "unknown"
        attempt.reason, attempt.next_at = reason, clock.now() + pause_after(attempt.tries)


def settle(attempt_id: int, charged: Charged, *, why: str | None = None) -> None:
    """Write down how the charge went; *why* is the bank's own reason where it is known."""
    match charged.kind:
        case "paid" if charged.order is not None:
            fulfil(charged.order)
        case "declined":
            _end(attempt_id, "declined", why or charged.reason, stop="declined", letter="recharge_failed")
        case "action_required":
            _end(attempt_id, "needs_customer", charged.reason, stop="needs_customer", letter="recharge_needs_you")
        case "no_card" | "refused":
            _end(attempt_id, "needs_customer", charged.reason, stop="needs_customer", letter="recharge_needs_you")
        case "not_enabled":
            not_enabled(attempt_id)
        case "busy":
            attempt = _locked(attempt_id)
            if attempt.state == "charging":
                attempt.state, attempt.next_at = "drafted", clock.now() + pause_after(attempt.tries)
        case _:
            postpone(attempt_id, charged.reason)


def not_enabled(attempt_id: int) -> None:
    """End an attempt where Polar does not let this seller charge saved cards: a person recharges with one click."""
    _end(attempt_id, "needs_operator", NOT_ENABLED, stop="unavailable", letter="recharge_needs_you")


def needs_set_up(attempt_id: int, reason: str) -> None:
    """End an attempt before anything was drafted: the card or the address is missing."""
    _end(attempt_id, "needs_customer", reason, stop="needs_customer", letter="recharge_needs_you")


def fulfil(order: PolarOrder) -> checkout.Order:
    """Credit a paid order, and end the attempt it belongs to: the one way in for orders of any origin."""
    attempt = _attempt_of(order)
    sale = _sale(attempt) if attempt else None
    credited = checkout.fulfil(order, sale)
    if attempt is not None and order.paid:
        _paid(attempt.id, credited)
    return credited


def waiting(limit: int, *, longer_than: timedelta) -> Sequence[int]:
    """Attempts in flight whose time has come and that no worker took within *longer_than*."""
    query = (
        select(RechargeAttempt.id)
        .where(RechargeAttempt.state.in_(IN_FLIGHT), RechargeAttempt.next_at <= clock.now() - longer_than)
        .order_by(RechargeAttempt.next_at)
        .limit(limit)
    )
    return db.session.scalars(query).all()


def pause_after(tries: int) -> timedelta:
    """How long an attempt rests after so many tries: 5 s, doubled each time, at most 10 minutes."""
    return min(FIRST_PAUSE * int(2 ** min(tries - 1, 12)), LONGEST_PAUSE)


def may_be_charging(account_id: int) -> bool:
    """Whether Polar was asked to charge, and it is not known yet how that went."""
    query = select(RechargeAttempt.id).where(
        RechargeAttempt.account_id == account_id,
        RechargeAttempt.state.in_(IN_FLIGHT),
        RechargeAttempt.charged_at.is_not(None),
    )
    return db.session.scalar(query) is not None


def _locked(attempt_id: int) -> RechargeAttempt:
    """The attempt as it is now; its account is locked first, as everywhere."""
    ledger.lock(db.session.get_one(RechargeAttempt, attempt_id).account_id)
    return db.session.get_one(RechargeAttempt, attempt_id, with_for_update=True, populate_existing=True)


def _is_too_late(attempt: RechargeAttempt) -> bool:
    """Whether an attempt is beyond the time in which the same charge is surely recognised; then a person looks."""
    if clock.now() - attempt.at < GIVE_UP_AFTER:
        return False
    if attempt.charged_at is not None:
        _close(attempt, "needs_operator", NOT_KNOWN)
    else:
        _close(attempt, "canceled", NOT_REACHED)
    telling.came_to_nothing(attempt.account_id)
    return True


def _is_wanted(attempt: RechargeAttempt) -> bool:
    plan = plan_of(attempt.account_id)
    return plan is not None and plan.enabled


def _close(attempt: RechargeAttempt, state: str, reason: str) -> None:
    attempt.state, attempt.reason, attempt.next_at, attempt.ended_at = state, reason, None, clock.now()
    db.session.flush()


def _attempt_of(order: PolarOrder) -> RechargeAttempt | None:
    """The attempt whose id the order carries, unless that one has another order."""
    attempt_id = row_id(order.our_recharge_id or "")
    attempt = db.session.get(RechargeAttempt, attempt_id) if attempt_id is not None else None
    return attempt if attempt is not None and attempt.polar_order_id in (None, order.id) else None


def _sale(attempt: RechargeAttempt) -> checkout.Sale:
    return checkout.Sale(attempt.account_id, attempt.quantity, attempt.credits, attempt.amount_cents)


def _paid(attempt_id: int, order: checkout.Order) -> None:
    attempt = _locked(attempt_id)
    if attempt.state == "paid":
        return
    attempt.polar_order_id = order.polar_order_id
    if order.state != "credited":
        _close(attempt, "needs_operator", f"The card was charged, but the credits need a hand: {order.reason}")
        telling.came_to_nothing(attempt.account_id)
        return
    _close(attempt, "paid", f"Recharged {credits(order.credits)} credits.")
    plan = plan_of(attempt.account_id)
    if plan is not None:
        plan.failures, plan.stopped, plan.stopped_reason = 0, None, None
        # Who switched it on again meanwhile ended the cooldown of this very charge.
        plan.cooling_until = max(attempt.at + rules.COOLDOWN, plan.cooling_until or attempt.at)
        db.session.flush()
        telling.went_well(plan, attempt, cap_of(plan.account_id))


def _end(attempt_id: int, state: str, reason: str, *, stop: str, letter: str) -> None:
    """End an attempt that did not charge, with the reason, and stop the plan; a person is told at once.

    After fewer declines than the seller allows the plan stays on: the next automatic try waits for the cooldown.
    """
    attempt = _locked(attempt_id)
    if attempt.state not in IN_FLIGHT:
        return
    _close(attempt, state, reason)
    attempt.charged_at = None  # nothing was
    plan = plan_of(attempt.account_id)
    assert plan is not None  # noqa: S101  (an attempt has a plan)
    if state == "declined":
        plan.failures += 1
        plan.enabled = plan.failures < of_app("most_recharge_failures")
        be_told(plan)
    if state == "declined" and plan.enabled:
        why, said = "declined_once", f"{reason} It is tried again in an hour."
    else:
        plan.stopped, plan.stopped_reason = stop, reason
        why, said = stop, reason
    telling.failed(plan, attempt, why, said, letter=letter)
