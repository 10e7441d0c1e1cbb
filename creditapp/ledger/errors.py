"""What the ledger refuses, and the facts a caller can act on."""

from decimal import Decimal

from creditapp.errors import CreditAppError, InvalidInput


class InsufficientCredits(CreditAppError):
    """The account can't pay; nothing was written. ``watched``: somebody wants to hear of so few credits."""

    code, status, title = "insufficient_credits", 402, "Not enough credits"

    def __init__(
        self, *, required: Decimal, balance: Decimal, reserved: Decimal, debt: Decimal, watched: bool = False
    ) -> None:
        self.watched = watched
        self.required = required
        self.available = balance - reserved
        self.reserved = reserved
        self.debt = debt
        self.limit = "debt" if debt and self.available >= required else "balance"
        self.shortfall = max(required - self.available, Decimal(0)) + debt
        owed = f" {debt:,} are owed from before and are repaid first." if debt else ""
        super().__init__(f"{required:,} credits are needed and {self.available:,} are available.{owed}")


class IdempotencyMismatch(CreditAppError):
    """The key was used before, for another request."""

    code, status, title = "idempotency_mismatch", 422, "This idempotency key was used for another request"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"The idempotency key {key!r} was used before for another request. Use a new key for a new request."
        )


class KeyRevoked(CreditAppError):
    """The program's key was revoked or expired since it was looked up."""

    code, status, title = "unauthorized", 401, "A valid API key is needed"

    def __init__(self) -> None:
        super().__init__("The API key was revoked or has expired.")


class InvalidAmount(InvalidInput):
    """Not an amount that can move: zero, negative, too fine or too large."""

    code = "invalid_amount"
