"""Polar, through its SDK: what we ask of it, in our words."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from creditapp.gateway import facts
from creditapp.gateway.asking import asking
from creditapp.gateway.charging import Charging
from creditapp.gateway.facts import PolarDispute, PolarOrder, PolarPayment, PolarProduct, PolarRefund

HURRIED_SECONDS = 4  # while a person waits for the page
PAGE, PAGES_LIMIT = 100, 500
API_VERSION = "2026-10"

Told = TypeVar("Told")
Metadata = dict[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Polar delivers its webhooks."""

    id: str
    url: str
    events: tuple[str, ...]
    enabled: bool
    secret: str


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """A checkout at Polar that waits for its buyer."""

    id: str
    url: str
    expires_at: datetime


class Gateway(Charging):
    """What we ask of Polar."""

    def warm(self) -> None:
        """Load the SDK and compile what the first answers need."""
        from polar import PolarDeserializationError, deserialize
        from polar.v2026_10 import outputs

        self.client  # noqa: B018
        answers: tuple[Any, ...] = (outputs.Checkout, outputs.Customer, outputs.ListResourceCustomer)
        for answer in answers:
            try:
                deserialize({}, answer)
            except PolarDeserializationError:
                continue  # an empty answer is refused, but its reader is compiled now

    def customer(self, *, external_id: str, email: str, name: str) -> str | None:
        """The id of the customer whose external id is our account's, made where it does not exist yet.

        Polar keeps one customer for an email. Where one exists without an external id it becomes ours; where it
        carries another one, which Polar never changes, the answer is its id all the same, since Polar would pick it
        at the checkout anyway. None where Polar knows no way.
        """
        found: str | None = asking(lambda: self._customer(external_id, email, name))
        return found

    def open_checkout(
        self,
        *,
        product_id: str,
        customer_id: str | None,
        email: str,
        success_url: str,
        return_url: str,
        metadata: Metadata,
    ) -> OpenedCheckout:
        """A hosted checkout for one product: address required, no discount codes."""
        checkout = asking(
            lambda: self.client.checkouts.create(
                products=[product_id],
                success_url=success_url,
                return_url=return_url,
                metadata=metadata,
                allow_discount_codes=False,
                require_billing_address=True,
                customer_id=customer_id,
                customer_email=None if customer_id else email,
            )
        )
        return OpenedCheckout(checkout.id, checkout.url, datetime.fromisoformat(checkout.expires_at))

    def receipt_url(self, polar_order_id: str) -> str | None:
        """Where the receipt of a paid order lies for the next minutes; None while Polar is still making it."""
        receipt = asking(lambda: self.client.orders.receipt(polar_order_id), empty_is_none=True)
        return receipt.url if receipt else None

    def order(self, polar_order_id: str) -> PolarOrder | None:
        """One order; None where Polar has none of this id."""
        from polar.v2026_10 import errors

        def asked() -> PolarOrder | None:
            try:
                return facts.order(asdict(self.client.orders.get(polar_order_id)))
            except (errors.ResourceNotFound, errors.HTTPValidationError):
                return None

        found: PolarOrder | None = asking(asked)
        return found

    def orders_of_checkout(self, polar_checkout_id: str) -> list[PolarOrder]:
        """The orders that came of a checkout. Somebody waits for the answer, so that it is not waited for long."""

        def asked() -> list[PolarOrder]:
            found = self.client.orders.list(checkout_id=polar_checkout_id, request_timeout=HURRIED_SECONDS)
            return [facts.order(asdict(one)) for one in found.items]

        orders: list[PolarOrder] = asking(asked)
        return orders

    def orders_since(self, moment: datetime) -> Iterator[Sequence[PolarOrder]]:
        """Pages of orders made after *moment*, oldest first, so that new ones never shift the pages."""
        orders = self.client.orders
        return _pages(
            facts.order,
            lambda page: (
                orders.list(created_after=moment.isoformat(), sorting=["created_at"], page=page, limit=PAGE).items
            ),
        )

    def refunds(self) -> Iterator[Sequence[PolarRefund]]:
        """Pages of refunds, newest first."""
        return _pages(facts.refund, lambda page: self.client.refunds.list(page=page, limit=PAGE).items)

    def disputes(self) -> Iterator[Sequence[PolarDispute]]:
        """Pages of disputes, newest first: Polar sends no webhook about them."""
        return _pages(facts.dispute, lambda page: self.client.disputes.list(page=page, limit=PAGE).items)

    def failed_payment(self, polar_checkout_id: str) -> PolarPayment | None:
        """The latest payment of a checkout that failed; None where none did."""

        def asked() -> PolarPayment | None:
            found = self.client.payments.list(checkout_id=polar_checkout_id, status="failed", limit=1).items
            return facts.payment(asdict(found[0])) if found else None

        payment: PolarPayment | None = asking(asked)
        return payment

    def products(
        self, **metadata: str | int | bool | list[str] | list[int] | list[bool]
    ) -> Iterator[Sequence[PolarProduct]]:
        """Pages of products that carry this *metadata*, archived ones too."""
        return _pages(
            facts.product, lambda page: self.client.products.list(metadata=metadata, page=page, limit=PAGE).items
        )

    def product(self, product_id: str) -> PolarProduct | None:
        """One product; None where Polar has none of this id."""
        from polar.v2026_10 import errors

        def asked() -> PolarProduct | None:
            try:
                return facts.product(asdict(self.client.products.get(product_id)))
            except (errors.ResourceNotFound, errors.HTTPValidationError):
                return None

        found: PolarProduct | None = asking(asked)
        return found

    def make_product(
        self, *, name: str, description: str | None, price_cents: int, currency: str, metadata: Metadata
    ) -> str:
        """The id of a new product with one fixed price, bought once."""
        products: Any = self.client.products  # typed by an enumeration of all currencies
        made = asking(
            lambda: products.create(
                name=name,
                description=description,
                prices=[{"amount_type": "fixed", "price_amount": price_cents, "price_currency": currency}],
                metadata=metadata,
            )
        )
        return str(made.id)

    def endpoints(self) -> list[Endpoint]:
        """Where Polar delivers webhooks to."""
        found = asking(lambda: self.client.webhooks.list_webhook_endpoints(limit=PAGE).items)
        return [_endpoint(one) for one in found]

    def make_endpoint(self, url: str, events: Sequence[str]) -> Endpoint:
        """A new address for webhooks; Polar makes its secret."""
        webhooks: Any = self.client.webhooks  # typed by an enumeration of all events
        made = asking(
            lambda: webhooks.create_webhook_endpoint(
                url=url, format="raw", events=list(events), name="Prepaid credits", api_version=API_VERSION
            )
        )
        return _endpoint(made)

    def mend_endpoint(self, endpoint_id: str, events: Sequence[str]) -> Endpoint:
        """Have an address told of these events, and switched on."""
        webhooks: Any = self.client.webhooks
        mended = asking(
            lambda: webhooks.update_webhook_endpoint(
                endpoint_id, events=list(events), enabled=True, api_version=API_VERSION
            )
        )
        return _endpoint(mended)

    def may_charge_saved_cards(self) -> bool:
        """Whether Polar lets this organization charge a card without its owner (a preview feature)."""
        found = asking(lambda: self.client.organizations.list(limit=1).items)
        settings = found[0].feature_settings if found else None
        return bool(settings and settings.off_session_charges_enabled)

    def _customer(self, external_id: str, email: str, name: str) -> str | None:
        from polar.v2026_10 import errors

        try:
            return self.client.customers.create(email=email, external_id=external_id, name=name or None).id
        except errors.HTTPValidationError:
            pass  # the email or the external id is taken
        try:
            return self.client.customers.get_external(external_id).id
        except errors.ResourceNotFound:
            pass
        with_email = self.client.customers.list(email=email).items
        if not with_email:
            return None
        if with_email[0].external_id is None:
            return self.client.customers.update(with_email[0].id, external_id=external_id).id
        return with_email[0].id


def _pages(read: Callable[[dict[str, Any]], Told], ask_for: Callable[[int], Sequence[Any]]) -> Iterator[list[Told]]:
    for page in range(1, PAGES_LIMIT + 1):
        found = asking(lambda page=page: [read(asdict(one)) for one in ask_for(page)])
        if found:
            yield found
        if len(found) < PAGE:
            return


def _endpoint(told: Any) -> Endpoint:
    return Endpoint(told.id, told.url, tuple(told.events), told.enabled, told.secret)
