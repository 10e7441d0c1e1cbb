"""Money of the past, as Polar would have told of it: orders paid, refunded, and charged without the customer."""

from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from sqlalchemy import select

from creditapp import checkout, clock, gateway, packages, recharge
from creditapp.db import db
from creditapp.ledger.models import new_id


def buy(account_id: int, package_key: str, *, name: str) -> None:
    """A package is bought and paid."""
    checkout.fulfil(_order(account_id, packages.by_key(package_key), _order_id(name)))


def refund(account_id: int, cents: int | None, *, name: str) -> None:
    """So much of the last order's price goes back, all of it where nothing is said."""
    query = select(checkout.Order).where(checkout.Order.account_id == account_id).order_by(checkout.Order.id.desc())
    bought = db.session.scalars(query.limit(1)).one()
    assert bought.package is not None  # noqa: S101  (every order of a story has one)
    amount = bought.net_amount if cents is None else cents
    told = gateway.PolarRefund(
        id=str(uuid5(NAMESPACE_URL, f"demo-refund:{name}")),
        order_id=bought.polar_order_id,
        status="succeeded",
        amount=amount,
        currency=bought.currency,
        reason="customer_request",
        told_at=clock.now(),
    )
    checkout.refunded(told)
    checkout.follow(_order(account_id, bought.package, bought.polar_order_id, refunded=amount))


def recharged(account_id: int, wishes: recharge.Wishes, *, name: str) -> None:
    """A card was charged once by a plan such as *wishes*, which its owner switched off again."""
    package = packages.by_key(wishes.package)
    recharge.save(account_id, wishes)
    attempt = recharge.RechargeAttempt(
        id=new_id(),
        account_id=account_id,
        state="charging",
        reason="Charging the card.",
        package_id=package.id,
        credits=package.credits,
        amount_cents=package.price_cents,
        currency=package.currency,
        polar_order_id=_order_id(name),
        tries=1,
        at=clock.now(),
        charged_at=clock.now(),
    )
    db.session.add(attempt)
    db.session.flush()
    recharge.fulfil(_order(account_id, package, _order_id(name), attempt_id=attempt.id))
    recharge.switch(account_id, on=False)


def wishes(threshold: int) -> recharge.Wishes:
    """A Professional package, at most five of them a month."""
    package = packages.by_key(recharge.USUAL_PACKAGE)
    return recharge.Wishes(
        enabled=True,
        threshold=Decimal(threshold),
        package=package.key,
        quantity=1,
        target=None,
        monthly_cap_cents=package.price_cents * 5,
        notify="always",
    )


def _order(
    account_id: int, package: packages.CreditPackage, order_id: str, *, refunded: int = 0, attempt_id: int | None = None
) -> gateway.PolarOrder:
    price = package.price_cents
    return gateway.PolarOrder(
        id=order_id,
        status="paid" if not refunded else "refunded" if refunded == price else "partially_refunded",
        paid=True,
        product_id=package.polar_product_id,
        customer_id=None,
        external_customer_id=str(account_id),
        our_checkout_id=None,
        our_recharge_id=None if attempt_id is None else str(attempt_id),
        subtotal_amount=price,
        discount_amount=0,
        net_amount=price,
        tax_amount=0,
        total_amount=price,
        refunded_amount=refunded,
        currency=package.currency,
        invoice_number=None,
        modified_at=clock.now(),
        created_at=clock.now(),
    )


def _order_id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"demo-order:{name}"))
