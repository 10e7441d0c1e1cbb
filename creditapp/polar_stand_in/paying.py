"""The moment when money moves: a checkout is paid, declined, or waits for the card's owner (facts §2.2, §4).

Everything here runs inside one writing transaction of the caller, so two posts of the same page can never both charge.
"""

from dataclasses import dataclass

from creditapp.polar_stand_in import checkouts, customers, payments, processor, shapes, tax
from creditapp.polar_stand_in.cards import Card
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.orders import new_order, settle
from creditapp.polar_stand_in.store import Document, Transaction


class ExternalIdTaken(Exception):
    """The checkout's external id belongs to a customer with another e-mail: CheckoutCustomerExternalIdMismatch."""


@dataclass(frozen=True)
class Payer:
    """What the person filled in."""

    email: str
    name: str
    address: Document


def decline(t: Transaction, checkout: Document, card: Card, *, reason: str = payments.GENERIC_DECLINE) -> None:
    """Nothing was charged: a failed payment with its reason, and one ``checkout.updated`` with status open."""
    payments.note(
        t,
        card,
        amount=checkout["total_amount"],
        currency=checkout["currency"],
        customer_id=checkout["customer_id"],
        checkout_id=checkout["id"],
        declined=reason,
    )
    checkouts.change(t, checkout, status="open", _awaiting=None)


def await_owner(t: Transaction, checkout: Document, payer: Payer, card: Card) -> None:
    """The bank wants to hear from the card's owner: confirmed, and nothing charged yet."""
    awaiting = {"card": card.number, "email": payer.email, "name": payer.name, "address": payer.address}
    _confirm(t, checkout, payer, awaiting=awaiting, intent="requires_action")


def pay(t: Transaction, checkout: Document, payer: Payer, card: Card | None) -> Document:
    """Charge *card* (none for a free product), make the paid order, and say so in Polar's sequence. Gives the order.

    The card is not saved: a one-time purchase never does (facts §0, 2). Raises ExternalIdTaken.
    """
    # 1. confirmed
    _confirm(t, checkout, payer, intent="succeeded")
    # 2. the customer
    customer = _customer(t, checkout, payer)
    # 3. the order, born paid, and the charge beside it
    order = new_order(
        t,
        customer=customer,
        product=t.get("product", checkout["product_id"]) or {},
        price=checkout["_price"],
        amount=checkout["net_amount"],
        tax_amount=checkout["tax_amount"],
        metadata=checkout["metadata"],
        checkout_id=checkout["id"],
    )
    if card is not None and order["total_amount"]:
        processor.charge(t, order, customer, card)
    settle(t, order, born=True)
    # 4. succeeded
    checkouts.change(t, checkout, status="succeeded", customer_id=customer["id"])
    return order


def _confirm(
    t: Transaction, checkout: Document, payer: Payer, *, intent: str, awaiting: Document | None = None
) -> None:
    """Take what the person filled in; the checkout is confirmed, said once."""
    said = checkout["status"] == "confirmed"
    stub = new_id().replace("-", "")
    processor = {
        "publishable_key": "pk_test_stub",
        "customer_id": f"cus_{stub[:24]}",
        "intent_client_secret": f"pi_{stub[:24]}_secret_{stub[:16]}",
        "intent_status": intent,
    }
    linked, tax_amount = checkout["customer_id"] is not None, tax.on(t, checkout["net_amount"], payer.address)
    checkout.update(
        status="confirmed",
        modified_at=stamp(t),
        customer_name=payer.name or checkout["customer_name"],
        customer_email=checkout["customer_email"] if linked else payer.email,  # a linked customer's e-mail stays
        customer_billing_address=payer.address,
        tax_amount=tax_amount,
        tax_behavior="exclusive",
        total_amount=checkout["net_amount"] + tax_amount,
        payment_processor_metadata=processor,
        _awaiting=awaiting,
    )
    t.put("checkout", checkout)
    if not said:
        t.emit("checkout.updated", shapes.checkout(t, checkout))


def _customer(t: Transaction, checkout: Document, payer: Payer) -> Document:
    """Who buys: the linked customer, else the one with this e-mail (its external id stays), else a new one."""
    found = customers.living(t, checkout["customer_id"]) or t.one("customer", _email=payer.email.lower())
    external_id = checkout["external_customer_id"]
    if found is None and external_id and t.one("customer", external_id=external_id):
        raise ExternalIdTaken
    fresh = found is None
    customer = found or customers.new_customer(t, email=payer.email, external_id=external_id)
    name = customer["name"] or payer.name or None
    customers.change(
        t,
        customer,
        name=name,
        billing_name=customer["billing_name"] or payer.name or name,
        billing_address=payer.address,
        locale=customer["locale"] or checkout["locale"],
        metadata={**customer["metadata"], **checkout["customer_metadata"]},
    )
    checkout["customer_id"] = customer["id"]
    customers.announce(t, "customer.created" if fresh else "customer.updated", customer)
    return customer
