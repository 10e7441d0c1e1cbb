"""How Polar is asked: whatever goes wrong becomes one of two errors.

The SDK makes no second try and lets a few errors through that are not its own (polar-sdk 1.0.2, polar/base.py).
"""

import logging
from json import JSONDecodeError
from typing import Any

from creditapp.errors import CreditAppError
from creditapp.gateway.facts import WrongShape

log = logging.getLogger(__name__)


class PolarUnavailable(CreditAppError):
    """Polar did not answer, or not as it should; nothing was charged and the same can be tried again."""

    code, status, title = "polar_unavailable", 503, "The payment provider can't be reached"


class PolarRefused(CreditAppError):
    """Polar answered no; trying the same again will not help."""

    code, status, title = "polar_refused", 502, "The payment provider refused"


def asking(question: Any, *, empty_is_none: bool = False) -> Any:
    """Ask; what goes wrong is PolarUnavailable or PolarRefused."""
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
    except (PolarError, ValueError, WrongShape) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> PolarUnavailable:
    log.warning("polar unavailable: %s: %s", type(error).__name__, error)
    return PolarUnavailable("Polar did not answer as it should. Nothing was charged; try again in a minute.")
