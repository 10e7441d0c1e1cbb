"""Which orders are being charged at this moment: Polar lets only one request at an order (facts §1.5)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from creditapp.polar_stand_in.refusals import named


class InProgress:
    """The orders that a request is at work on; a killed process forgets them, as a lock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: set[str] = set()

    @contextmanager
    def alone(self, order_id: str) -> Iterator[None]:
        """Be the only one at this order; 409 when somebody else is."""
        with self._lock:
            if order_id in self._orders:
                detail = f"Payment for order {order_id} is already in progress"
                raise named(409, "PaymentAlreadyInProgress", detail)
            self._orders.add(order_id)
        try:
            yield
        finally:
            with self._lock:
                self._orders.discard(order_id)
