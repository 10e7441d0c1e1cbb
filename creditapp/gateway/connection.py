"""The connection to Polar.

Importing the SDK costs half a second and its first answers another, so it is loaded by ``Gateway.warm`` beside serving,
or on first use.
"""

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polar.v2026_10 import Polar

TIMEOUT_SECONDS = 10


class Connection:
    """One connection for a process. Safe to share between threads, not across a fork."""

    def __init__(self, server: str, token: str) -> None:
        self._server, self._token = server, token

    @cached_property
    def client(self) -> "Polar":
        """The SDK's client."""
        from polar.v2026_10 import Polar

        where: dict[str, Any] = (
            {"environment": self._server} if self._server in {"sandbox", "production"} else {"base_url": self._server}
        )
        return Polar(self._token, timeout=TIMEOUT_SECONDS, **where)
