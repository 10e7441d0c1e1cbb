"""Saved cards, and charging one without its owner: a draft order, then finalized (docs/polar.md, Polar's orders API).

Every answer of ``finalize_order`` is one of ``Charged``'s kinds; what can't be told apart from "it may have happened"
is ``lost``, and then the same order is asked for, never another one made.
"""

import logging
from dataclasses import asdict, dataclass
from typing import Any

from creditapp.gateway import facts
from creditapp.gateway.asking import asking
from creditapp.gateway.connection import Connection
from creditapp.gateway.facts import PolarOrder

log = logging.getLogger(__name__)

LOST = "Polar's answer was lost; it is asked for."
CHARGE_SECONDS = 60  # the SDK's own five would give up while the bank still thinks
CARDS = 100
NEEDS_STATE = frozenset({"US", "CA"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A saved card. ``expires`` as 12/2029."""

    id: str
    brand: str
    last4: str
    expires: str
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """What a charge without its owner needs to be there: saved cards, and an address for the tax."""

    cards: tuple[Card, ...]
    has_address: bool

    def card(self, card_id: str | None) -> Card | None:
        """The card of this id."""
        return next((card for card in self.cards if card.id == card_id), None)

    @property
    def default(self) -> Card | None:
        """The customer's own choice, else the only one there is."""
        chosen = next((card for card in self.cards if card.is_default), None)
        return chosen or (self.cards[0] if len(self.cards) == 1 else None)


@dataclass(frozen=True, slots=True)
class Charged:
    """How a charge went.

    ``paid`` (with the order) · ``declined`` · ``action_required`` (the cardholder must confirm) · ``no_card`` ·
    ``not_enabled`` (Polar does not let this organization charge saved cards) · ``refused`` (the order can't be paid
    so) · ``not_draft`` and ``in_progress`` (somebody is or was at it: ask for the order) · ``lost`` (no answer, or none
    that can be read) · ``busy`` (nothing was tried).
    """

    kind: str
    reason: str
    order: PolarOrder | None = None


class Charging(Connection):
    """The part of the gateway that charges saved cards."""

    def payer(self, customer_id: str) -> Payer:
        """The customer's saved cards and whether the billing address is complete."""

        def asked() -> Payer:
            methods = self.client.customers.list_payment_methods(customer_id, limit=CARDS).items
            cards = [_card(asdict(one)) for one in methods]
            address = asdict(self.client.customers.get(customer_id)).get("billing_address") or {}
            return Payer(cards=tuple(card for card in cards if card), has_address=_is_complete(address))

        found: Payer = asking(asked)
        return found

    def portal_url(self, customer_id: str, *, return_url: str) -> str:
        """Where the customer saves and changes cards at Polar, for the next hour."""
        made = asking(lambda: self.client.customer_sessions.create(customer_id=customer_id, return_url=return_url))
        return str(made.customer_portal_url)

    def draft_order(
        self,
        *,
        customer_id: str,
        product_id: str,
        amount: int,
        currency: str,
        description: str,
        metadata: dict[str, str | int | float | bool],
    ) -> str:
        """The id of a new draft order; no money moves."""
        orders: Any = self.client.orders  # typed by an enumeration of all currencies
        made = asking(
            lambda: orders.create(
                customer_id=customer_id,
                product_id=product_id,
                amount=amount,
                currency=currency,
                description=description,
                metadata=metadata,
            )
        )
        return str(made.id)

    def order_of_recharge(self, recharge_id: str) -> PolarOrder | None:
        """The order whose metadata carries this recharge; None where its draft was never made."""

        def asked() -> PolarOrder | None:
            found = self.client.orders.list(metadata={"recharge_id": recharge_id}, limit=1).items
            return facts.order(asdict(found[0])) if found else None

        order: PolarOrder | None = asking(asked)
        return order

    def finalize_order(self, polar_order_id: str, *, payment_method_id: str) -> Charged:  # noqa: PLR0911 (an end a line)
        """Charge exactly this card for a draft order. Raises nothing: every end is an answer."""
        from polar import PolarClientError
        from polar.base import PolarRateLimitError
        from polar.v2026_10 import errors

        try:
            order = self.client.orders.finalize(
                polar_order_id, payment_method_id=payment_method_id, request_timeout=CHARGE_SECONDS
            )
            told = facts.order(asdict(order))
        except errors.OrdersFinalize402Error as error:
            return _not_paid(error.error.error, error.error.detail)
        except errors.OrdersFinalize403Error as error:
            return Charged("not_enabled", error.error.detail)
        except errors.OrderNotDraft:
            return Charged("not_draft", "The order is no draft any more.")
        except (errors.ResourceNotFound, errors.HTTPValidationError):
            log.warning("Polar refused to charge order %s", polar_order_id, exc_info=True)
            return Charged("refused", "Polar can't charge this card. It may have been removed.")
        except PolarRateLimitError:
            return Charged("busy", "Polar was busy; nothing was tried.")
        except PolarClientError as error:
            return _by_status(error)
        except Exception:  # whatever else happened, the charge may have been made
            log.warning("the answer to the charge of order %s was lost", polar_order_id, exc_info=True)
            return Charged("lost", LOST)
        return Charged("paid", "Paid.", told) if told.paid else Charged("lost", f"The order is {told.status}.", told)

    def why_declined(self, polar_order_id: str) -> str | None:
        """The bank's reason for the latest declined payment of an order; None where Polar has none yet."""

        def asked() -> str | None:
            found = self.client.payments.list(order_id=polar_order_id, status="failed", limit=1).items
            return facts.payment(asdict(found[0])).message if found else None

        reason: str | None = asking(asked)
        return reason


def _not_paid(error: str, detail: str) -> Charged:
    if error == "PaymentActionRequired":
        return Charged("action_required", "The bank wants the cardholder to confirm the payment.")
    if "missing_payment_method" in detail:
        return Charged("no_card", "Polar has no card for this customer any more.")
    return Charged("declined", "The card was declined.")


def _by_status(error: Any) -> Charged:
    match getattr(error, "status_code", None):
        case 409:
            return Charged("in_progress", "A payment of this order is in progress.")
        case 403:
            return Charged("not_enabled", "Polar does not let this organization charge saved cards.")
        case 401:
            log.error("Polar does not accept POLAR_ACCESS_TOKEN; nothing was charged")
            return Charged("busy", "Polar did not let us in; nothing was tried.")
        case _:
            log.warning("Polar answered %s to a charge", getattr(error, "status_code", "something else"))
            return Charged("lost", LOST)


def _card(method: dict[str, Any]) -> Card | None:
    details = method.get("method_metadata") or {}
    if method.get("type") != "card" or not isinstance(details, dict):
        return None
    return Card(
        id=str(method["id"]),
        brand=str(details.get("brand") or "card")[:32],
        last4=str(details.get("last4") or "")[:4],
        expires=f"{details.get('exp_month') or 0:02d}/{details.get('exp_year') or 0}"[:7],
        is_default=method.get("is_default") is True,
    )


def _is_complete(address: dict[str, Any]) -> bool:
    needed = ["country", "line1", "city", "postal_code"]
    if address.get("country") in NEEDS_STATE:
        needed.append("state")
    return all(address.get(name) for name in needed)
