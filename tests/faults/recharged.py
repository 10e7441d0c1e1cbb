"""Customers with a saved card and a plan to recharge; and what must be true of their money in the end."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select, update

from creditapp import checkout, clock, ledger, packages, recharge
from creditapp.db import db, transaction
from creditapp.ledger import CreditTransaction
from creditapp.recharge import RechargeAttempt
from creditapp.webhooks import WebhookEvent
from tests.dev.conftest import eventually
from tests.faults.polar import PAYS, Polar
from tests.faults.product import WELCOME, Product
from tests.faults.report import Report, Spread

PACKAGE = "starter"
CARD_SECONDS = 60.0
QUIET_SECONDS = 60.0  # so long after the last harm nothing may be in flight any more
LONGEST_WAIT_SECONDS = 300.0  # how long it is looked on, to say how late it was
HURRY_SECONDS = 2.0  # longer than a step that nobody kills


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with 100 credits, a saved card and a plan; and the key of its program."""

    account_id: int
    api_key: str


def customers(product: Product, polar: Polar, count: int, *, threshold: int) -> list[Customer]:
    """New customers who recharge with one Starter at the *threshold*."""
    made = [Customer(account_id, product.key_for(account_id)) for account_id in product.accounts(count)]
    for customer in made:
        polar.control("card", customer=str(customer.account_id), card_number=PAYS)
    if not eventually(lambda: _have_cards(product, made), CARD_SECONDS):
        message = f"the webhooks of saved cards did not arrive within {CARD_SECONDS:.0f} s"
        raise TimeoutError(message)
    with product.database.app_context():
        for customer in made:
            with transaction():
                recharge.save(customer.account_id, _wishes(threshold))
    return made


def quiet(product: Product, polar: Polar, everybody: Sequence[Customer], report: Report, *, hurried: bool) -> None:
    """Wait until nothing is in flight any more; *hurried*: no claim and no pause is waited for."""
    begun = time.monotonic()
    give_up = begun + (QUIET_SECONDS if hurried else LONGEST_WAIT_SECONDS)
    look = HURRY_SECONDS if hurried else LONGEST_WAIT_SECONDS
    while not (is_quiet := eventually(lambda: _is_quiet(product, polar, everybody), look)):
        if time.monotonic() > give_up:
            break
        _turn_time_forward(product, everybody)
    seconds = time.monotonic() - begun
    with product.database.app_context():
        found = attempts(everybody)
    left = Counter(attempt.state for attempt in found if attempt.state in recharge.IN_FLIGHT)
    took = Spread([(one.ended_at - one.at).total_seconds() for one in found if one.state == "paid" and one.ended_at])
    how = "time was turned forward" if hurried else f"promised: {QUIET_SECONDS:.0f} s"
    report.figure("from wish to credit", str(took))
    report.figure("nothing in flight", f"{seconds:.0f} s after the last harm ({how})")
    report.promise(
        bool(is_quiet) and seconds <= QUIET_SECONDS,
        f"nothing is in flight {QUIET_SECONDS:.0f} s after the last harm (it took {seconds:.0f} s; left: {dict(left)})",
    )


def one_each(product: Product, polar: Polar, everybody: Sequence[Customer], report: Report, *, spent: int) -> None:
    """Exactly one charge each, and everybody has the credits that were bought, less what was *spent*."""
    ids = {str(customer.account_id): customer.account_id for customer in everybody}
    charges = [charge for charge in polar.charges() if charge["customer"] in ids]
    times = Counter(ids[charge["customer"]] for charge in charges)
    charged = {(ids[charge["customer"]], charge["order"]) for charge in charges}
    with product.database.app_context():
        package = packages.by_key(PACKAGE)
        price, credits = package.price_cents, package.credits
        bought = {customer.account_id: _bought(customer.account_id) for customer in everybody}
        balances = [ledger.balance(customer.account_id) for customer in everybody]
    credited = [(account_id, order) for account_id, rows in bought.items() for order, _ in rows]
    left, nothing = WELCOME.credits - spent + credits, Decimal(0)
    exact = sum((one.balance, one.debt, one.reserved) == (left, nothing, nothing) for one in balances)
    lost = len(everybody) - len(times)
    doubled = sorted(account_id for account_id, count in times.items() if count > 1)

    sums = f"{len(charges):,} for {len(everybody):,} accounts: {lost} lost, {len(doubled)} doubled"
    report.figure("charges at Polar", sums)
    report.figure("credited", f"{len(credited):,} purchases; exact balances {exact:,} of {len(everybody):,}")
    report.promise(lost == 0, "every account is recharged")
    report.promise(not doubled, f"no account is charged twice (accounts {doubled})")
    report.promise(all(charge["amount"] == price for charge in charges), "every charge is the price of one package")
    report.promise(sorted(credited) == sorted(charged), "what is credited is what was charged, order by order")
    report.promise(
        all(amount == credits for rows in bought.values() for _, amount in rows), "every order brings its credits"
    )
    report.promise(exact == len(everybody), "every balance is what was given, bought and spent")


def attempts(everybody: Sequence[Customer]) -> list[RechargeAttempt]:
    """Every decision about them; in a context."""
    wanted = {customer.account_id for customer in everybody}
    found = db.session.scalars(select(RechargeAttempt).order_by(RechargeAttempt.at))
    mine = [attempt for attempt in found if attempt.account_id in wanted]
    db.session.expunge_all()
    return mine


def _is_quiet(product: Product, polar: Polar, everybody: Sequence[Customer]) -> bool:
    """Whether everybody was recharged, nothing is in flight or waits in the inbox, and Polar has told all."""
    with product.database.app_context():
        states = Counter(attempt.state for attempt in attempts(everybody))
        waiting = db.session.scalar(select(WebhookEvent.id).where(WebhookEvent.state == "received").limit(1))
    in_flight = sum(states[state] for state in recharge.IN_FLIGHT)
    return not in_flight and states["paid"] >= len(everybody) and waiting is None and polar.has_told_all


def _turn_time_forward(product: Product, everybody: Sequence[Customer]) -> None:
    """What a killed process claimed, and what rests after a lost answer, is due now."""
    wanted = [customer.account_id for customer in everybody]
    open_ones = update(RechargeAttempt).where(
        RechargeAttempt.account_id.in_(wanted), RechargeAttempt.state.in_(recharge.IN_FLIGHT)
    )
    with product.database.app_context(), transaction():
        db.session.execute(open_ones.values(next_at=clock.now()))


def _bought(account_id: int) -> list[tuple[str, Decimal]]:
    rows = select(CreditTransaction.polar_order_id, CreditTransaction.amount).where(
        CreditTransaction.account_id == account_id, CreditTransaction.transaction_type == "purchase"
    )
    return [(str(order), amount) for order, amount in db.session.execute(rows)]


def _have_cards(product: Product, everybody: Sequence[Customer]) -> bool:
    with product.database.app_context():
        return all(checkout.card_of(customer.account_id) is not None for customer in everybody)


def _wishes(threshold: int) -> recharge.Wishes:
    return recharge.Wishes(
        enabled=True,
        threshold=Decimal(threshold),
        package=PACKAGE,
        quantity=1,
        target=None,
        monthly_cap_cents=None,
        notify="failure",
    )
