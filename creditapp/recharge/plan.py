"""What the owner of an account wants: saved, switched, and armed again."""

from dataclasses import dataclass
from decimal import Decimal

from creditapp import checkout, clock, ledger, packages
from creditapp.db import db
from creditapp.errors import InvalidInput
from creditapp.letters.render import money
from creditapp.recharge import telling
from creditapp.recharge.models import RechargePlan
from creditapp.recharge.rules import MOST_PACKAGES, Terms

USUAL_THRESHOLD, USUAL_PACKAGE = Decimal(500), "professional"
USUAL_TIMES = 5  # at most so many packages a month
LARGEST_CAP_CENTS = 100_000_000
NOTIFY = ("always", "failure")


class UnusableTerms(InvalidInput):
    """A field can't be accepted; ``field`` names it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence, field=field)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person or a program asks for; exactly one of ``quantity`` and ``target``."""

    enabled: bool
    threshold: Decimal
    package: str
    quantity: int | None
    target: Decimal | None
    monthly_cap_cents: int | None
    notify: str


def plan_of(account_id: int) -> RechargePlan | None:
    """The account's plan; None where nobody ever made one."""
    return db.session.get(RechargePlan, account_id, populate_existing=True)


def save(account_id: int, wishes: Wishes) -> bool:
    """Write the wishes down; whether that switched it on, which ends a cooldown and forgets what stopped it before.

    Raises NotFound and UnusableTerms.
    """
    ledger.lock(account_id)
    package = packages.by_key(wishes.package)
    _check(wishes, package)
    plan = _plan(account_id)
    switched_on = _switch(plan, on=wishes.enabled)
    plan.enabled, plan.threshold, plan.package_id = wishes.enabled, wishes.threshold, package.id
    plan.quantity, plan.target = wishes.quantity, wishes.target
    plan.monthly_cap_cents, plan.notify, plan.updated_at = wishes.monthly_cap_cents, wishes.notify, clock.now()
    be_told(plan)
    return switched_on


def switch(account_id: int, *, on: bool) -> None:
    """Switch it on or off, its terms as they are; on ends a cooldown and forgets what stopped it before."""
    ledger.lock(account_id)
    plan = _plan(account_id)
    _switch(plan, on=on)
    plan.enabled, plan.updated_at = on, clock.now()
    be_told(plan)


def rearm(account_id: int) -> None:
    """A new card was saved: declines of the old one count no more, and what they switched off is on again."""
    plan = plan_of(account_id)
    if plan is not None:
        plan.failures = 0
    if plan is not None and plan.stopped is not None:
        plan.enabled, plan.updated_at = True, clock.now()
        _rearm(plan)
        be_told(plan)


def be_told(plan: RechargePlan) -> None:
    """Let charges tell when they bring the account to the threshold, and nothing of them while the plan is off."""
    db.session.flush()
    ledger.watch(plan.account_id, plan.threshold if plan.enabled else None, by="recharge")


def usual_wishes() -> Wishes:
    """What a plan begins with."""
    package = packages.by_key(USUAL_PACKAGE)
    return Wishes(
        enabled=True,
        threshold=USUAL_THRESHOLD,
        package=package.key,
        quantity=1,
        target=None,
        monthly_cap_cents=USUAL_TIMES * package.price_cents,
        notify="always",
    )


def wishes_of(plan: RechargePlan, *, enabled: bool) -> Wishes:
    """The plan as somebody would ask for it, on or off."""
    return Wishes(
        enabled=enabled,
        threshold=plan.threshold,
        package=plan.package.key,
        quantity=plan.quantity,
        target=plan.target,
        monthly_cap_cents=plan.monthly_cap_cents,
        notify=plan.notify,
    )


def terms_of(plan: RechargePlan) -> Terms:
    """The plan as the rules look at it."""
    return Terms(
        enabled=plan.enabled,
        threshold=plan.threshold,
        quantity=plan.quantity,
        target=plan.target,
        monthly_cap_cents=plan.monthly_cap_cents,
        has_card=checkout.card_of(plan.account_id) is not None,
        stopped_reason=plan.stopped_reason if plan.stopped else None,
        cooling_until=plan.cooling_until,
    )


def _plan(account_id: int) -> RechargePlan:
    """The account's plan, made off and with the usual terms where there is none."""
    plan = plan_of(account_id)
    if plan is None:
        now, package = clock.now(), packages.by_key(USUAL_PACKAGE)
        plan = RechargePlan(
            account_id=account_id,
            enabled=False,
            threshold=USUAL_THRESHOLD,
            package_id=package.id,
            quantity=1,
            monthly_cap_cents=USUAL_TIMES * package.price_cents,
            notify="always",
            failures=0,
            created_at=now,
            updated_at=now,
        )
        db.session.add(plan)
        db.session.flush()
    return plan


def _switch(plan: RechargePlan, *, on: bool) -> bool:
    """Whether it is switched on by this. What its owner switches off, no new card switches on again."""
    switched_on = on and (not plan.enabled or plan.stopped is not None)
    if switched_on:
        _rearm(plan)
    elif not on:
        plan.stopped = plan.stopped_reason = None
        telling.over(plan.account_id)
    return switched_on


def _rearm(plan: RechargePlan) -> None:
    plan.failures, plan.stopped, plan.stopped_reason, plan.cooling_until = 0, None, None, None
    telling.over(plan.account_id)


def _check(wishes: Wishes, package: packages.CreditPackage) -> None:
    if not 0 <= wishes.threshold <= ledger.LARGEST_AMOUNT:
        raise UnusableTerms("threshold", f"Enter 0 to {ledger.LARGEST_AMOUNT:,} credits.")
    if (wishes.quantity is None) == (wishes.target is None):
        raise UnusableTerms("quantity", "Say either how many packages, or up to which balance.")
    if wishes.quantity is not None and not 1 <= wishes.quantity <= MOST_PACKAGES:
        raise UnusableTerms("quantity", f"Choose 1 to {MOST_PACKAGES} packages.")
    if wishes.target is not None and not wishes.threshold < wishes.target <= ledger.LARGEST_AMOUNT:
        raise UnusableTerms("target", "Enter more credits than the threshold.")
    if package.limited:
        raise UnusableTerms("package", f"{package.name} is a limited offer. Choose a package that is always sold.")
    cap, least = wishes.monthly_cap_cents, package.price_cents * (wishes.quantity or 1)
    if cap is not None and not least <= cap <= LARGEST_CAP_CENTS:
        price = money(least, package.currency)
        raise UnusableTerms("monthly_cap", f"The monthly limit must allow at least one purchase ({price}).")
    if wishes.notify not in NOTIFY:
        raise UnusableTerms("notify", f"notify is one of {', '.join(NOTIFY)}.")
