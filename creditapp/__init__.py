"""Prepaid credits that a business can trust.

Customers buy credit packages through Polar, spend credits per operation and see every credit move.

Begin with ``ledger`` (balances, and the only code that changes them), then ``checkout.fulfil`` (how credits enter for
money), ``webhooks.inbox`` (what Polar tells us) and ``app.create_app`` (how the house is put together). The floors
and two walks through them are drawn in docs/architecture.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from creditapp.embedded import Credits as Credits


def __getattr__(name: str) -> Any:
    """``Credits``, loaded when it is asked for: most parts of the product never do."""
    if name == "Credits":
        from creditapp.embedded import Credits

        return Credits
    raise AttributeError(name)
