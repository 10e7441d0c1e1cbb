"""Who an account is at Polar, as Polar tells it."""

from dataclasses import dataclass

from sqlalchemy import select

from creditapp import clock, ledger
from creditapp.checkout.models import PolarCustomer
from creditapp.checkout.orders import NEVER
from creditapp.db import db, row_id
from creditapp.gateway import Card, Payer
from creditapp.gateway import PolarCustomer as ToldCustomer


@dataclass(frozen=True, slots=True)
class SavedCard:
    """The card that a recharge is charged to; brand and digits are empty where only its id is known."""

    id: str
    brand: str
    last4: str
    expires: str

    @property
    def words(self) -> str:
        """The card as people name it."""
        return f"{self.brand.capitalize()} ending in {self.last4}" if self.last4 else "the saved card"


def card_of(account_id: int) -> SavedCard | None:
    """The card that the account's customer chose at Polar; None where none is known."""
    row = db.session.get(PolarCustomer, account_id)
    if row is None or row.default_payment_method_id is None:
        return None
    return SavedCard(
        row.default_payment_method_id, row.card_brand or "card", row.card_last4 or "", row.card_expires or ""
    )


def cards_told(account_id: int, payer: Payer) -> bool:
    """Copy the customer's own choice of card, as Polar lists the cards; whether it is a new one."""
    row = db.session.get(PolarCustomer, account_id, populate_existing=True)
    card = payer.default
    if row is None:
        return False
    new = card is not None and card.id != row.default_payment_method_id
    row.default_payment_method_id = card.id if card else None
    _describe(row, card)
    return new


def known_customer(account_id: int) -> str | None:
    """The id at Polar of the account's customer; None where none is known, or it was deleted there."""
    known = db.session.get(PolarCustomer, account_id)
    return known.polar_customer_id if known and known.deleted_at is None else None


def remember_customer(account_id: int, polar_customer_id: str) -> None:
    """Keep who the account is at Polar; a customer that is known as another account's stays that account's."""
    _row(account_id, polar_customer_id)


def customer_told(told: ToldCustomer, payer: Payer | None = None) -> str | None:
    """Copy name, billing email and card of a customer of ours, the card as *payer* describes it where that is known.

    The reason where there is nothing to copy.

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
    if payer is not None or told.default_payment_method_id != row.default_payment_method_id:
        _describe(row, payer.card(told.default_payment_method_id) if payer else None)
    row.default_payment_method_id, row.told_at = told.default_payment_method_id, told.told_at
    return None


def account_of_customer(polar_customer_id: str) -> int | None:
    """The account whose customer this is; None where it is nobody's."""
    return db.session.scalar(
        select(PolarCustomer.account_id).where(PolarCustomer.polar_customer_id == polar_customer_id)
    )


def has_new_card(told: ToldCustomer) -> bool:
    """Whether a customer of ours is told with another default card than is known."""
    account_id = _account_of(told)
    if account_id is None:
        return False
    row = db.session.get(PolarCustomer, account_id, populate_existing=True)
    return told.default_payment_method_id != (row.default_payment_method_id if row else None)


def customer_deleted(told: ToldCustomer) -> str | None:
    """Forget the card and the details of a deleted customer; its account, its credits and its books stay."""
    row = db.session.scalar(select(PolarCustomer).where(PolarCustomer.polar_customer_id == told.id))
    if row is None:
        return "No account is known for this customer."
    row.deleted_at = clock.now()
    row.name = row.billing_email = row.default_payment_method_id = None
    _describe(row, None)
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


def _describe(row: PolarCustomer, card: Card | None) -> None:
    row.card_brand = card.brand if card else None
    row.card_last4 = card.last4 if card else None
    row.card_expires = card.expires if card else None


def _account_of(told: ToldCustomer) -> int | None:
    account_id = account_of_customer(told.id)
    if account_id is not None:
        return account_id
    external_id = row_id(told.external_id or "")
    return db.session.scalar(select(ledger.Account.id).where(ledger.Account.id == external_id))
