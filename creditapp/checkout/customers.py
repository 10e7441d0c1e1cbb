"""Who an account is at Polar, as Polar tells it."""

from sqlalchemy import select

from creditapp import clock, ledger
from creditapp.checkout.models import PolarCustomer
from creditapp.checkout.orders import NEVER
from creditapp.db import db, row_id
from creditapp.gateway import PolarCustomer as ToldCustomer


def known_customer(account_id: int) -> str | None:
    """The id at Polar of the account's customer; None where none is known, or it was deleted there."""
    known = db.session.get(PolarCustomer, account_id)
    return known.polar_customer_id if known and known.deleted_at is None else None


def remember_customer(account_id: int, polar_customer_id: str) -> None:
    """Keep who the account is at Polar; a customer that is known as another account's stays that account's."""
    _row(account_id, polar_customer_id)


def customer_told(told: ToldCustomer) -> str | None:
    """Copy name, billing email and card of a customer of ours; the reason where there is nothing to copy.

    The newest news counts. Who signs in, and with which email, is never Polar's to change.
    """
    account_id = _account_of(told)
    if account_id is None:
        return f"No account is known for this customer (external id {told.external_id or 'none'})."
    ledger.lock(account_id)
    row = _row(account_id, told.id)
    if row is None or row.polar_customer_id != told.id:
        return "The account is known under another customer at Polar."
    if told.told_at < (row.told_at or NEVER):
        return "Newer news of this customer came before."
    row.name, row.billing_email = told.name, told.email
    row.default_payment_method_id, row.told_at = told.default_payment_method_id, told.told_at
    return None


def customer_deleted(told: ToldCustomer) -> str | None:
    """Forget the card and the details of a deleted customer; its account, its credits and its books stay."""
    row = db.session.scalar(select(PolarCustomer).where(PolarCustomer.polar_customer_id == told.id))
    if row is None:
        return "No account is known for this customer."
    row.deleted_at = clock.now()
    row.name = row.billing_email = row.default_payment_method_id = None
    return None


def _row(account_id: int, polar_customer_id: str) -> PolarCustomer | None:
    """The account's row, made where there is none; None where the customer is another account's."""
    row = db.session.get(PolarCustomer, account_id, populate_existing=True)
    if row is not None and (row.polar_customer_id == polar_customer_id or row.deleted_at is None):
        return row
    of_another = select(PolarCustomer.account_id).where(PolarCustomer.polar_customer_id == polar_customer_id)
    if db.session.scalar(of_another) is not None:
        return None
    if row is None:
        row = PolarCustomer(account_id=account_id, created_at=clock.now())
        db.session.add(row)
    row.polar_customer_id, row.deleted_at, row.told_at = polar_customer_id, None, None
    db.session.flush()
    return row


def _account_of(told: ToldCustomer) -> int | None:
    known = select(PolarCustomer.account_id).where(PolarCustomer.polar_customer_id == told.id)
    account_id = db.session.scalar(known)
    if account_id is not None:
        return account_id
    external_id = row_id(told.external_id or "")
    return db.session.scalar(select(ledger.Account.id).where(ledger.Account.id == external_id))
