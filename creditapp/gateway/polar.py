"""Polar, through its SDK: what we ask of it, in our words.

Importing the SDK costs half a second and its first answers another, so it is loaded by ``warm`` beside serving, or
on first use. It makes no second try, waits five seconds unless told otherwise, and lets a few errors through that are
not its own (polar-sdk 1.0.2, polar/base.py).
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any

from creditapp.errors import CreditAppError

if TYPE_CHECKING:
    from polar.v2026_10 import Polar

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10


class PolarUnavailable(CreditAppError):
    """Polar did not answer, or not as it should; nothing was charged and the same can be tried again."""

    code, status, title = "polar_unavailable", 503, "The payment provider can't be reached"


class PolarRefused(CreditAppError):
    """Polar answered no; trying the same again will not help."""

    code, status, title = "polar_refused", 502, "The payment provider refused"


@dataclass(frozen=True, slots=True)
class OpenedCheckout:
    """A checkout at Polar that waits for its buyer."""

    id: str
    url: str
    expires_at: datetime


class Gateway:
    """One connection to Polar for a process. Safe to share between threads, not across a fork."""

    def __init__(self, server: str, token: str) -> None:
        self._server, self._token = server, token

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

    @cached_property
    def client(self) -> "Polar":
        """The SDK's client."""
        from polar.v2026_10 import Polar

        where: dict[str, Any] = (
            {"environment": self._server} if self._server in {"sandbox", "production"} else {"base_url": self._server}
        )
        return Polar(self._token, timeout=TIMEOUT_SECONDS, **where)

    def customer(self, *, external_id: str, email: str, name: str) -> str | None:
        """The id of the customer whose external id is our account's, made where it does not exist yet.

        Polar keeps one customer for an email. Where one exists without an external id it becomes ours; where it
        carries another one, which Polar never changes, the answer is its id all the same, since Polar would pick it
        at the checkout anyway. None where Polar knows no way.
        """
        found: str | None = _asking(lambda: self._customer(external_id, email, name))
        return found

    def open_checkout(
        self,
        *,
        product_id: str,
        customer_id: str | None,
        email: str,
        success_url: str,
        return_url: str,
        metadata: dict[str, str | int | float | bool],
    ) -> OpenedCheckout:
        """A hosted checkout for one product: address required, no discount codes."""
        checkout = _asking(
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
        receipt = _asking(lambda: self.client.orders.receipt(polar_order_id), empty_is_none=True)
        return receipt.url if receipt else None

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


def _asking(question: Any, *, empty_is_none: bool = False) -> Any:
    """Ask, and turn whatever goes wrong into one of our two errors; the SDK leaks a few that are not its own."""
    from polar import PolarClientError, PolarError
    from polar.base import PolarRateLimitError

    try:
        return question()
    except PolarRateLimitError as error:
        message = "The payment provider is busy. Nothing was charged; try again in a minute."
        raise PolarUnavailable(message, retry_after=error.retry_after or 60) from error
    except PolarClientError as error:
        log.warning("polar refused: %s", error)
        message = "Polar did not accept this request. Nothing was charged; our staff can see the reason."
        raise PolarRefused(message) from error
    except JSONDecodeError as error:
        if empty_is_none and not error.doc:
            return None
        raise _unavailable(error) from error
    except (PolarError, ValueError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> PolarUnavailable:
    log.warning("polar unavailable: %s: %s", type(error).__name__, error)
    return PolarUnavailable("Polar did not answer as it should. Nothing was charged; try again in a minute.")
