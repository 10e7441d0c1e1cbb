"""What the seller decides about debt and returns."""

from dataclasses import dataclass

from creditapp.db import of_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """``clawback_other_lots``: a refund may take other credits than those of its purchase, before it makes debt.

    ``forgive_shortfall``: what a refund can't take is written off instead of owed. ``spend_in_debt``: charges go on
    while there is debt. ``overrun_into_debt``: a capture may take more than there is. ``return_grace_days``: how long
    credits that return to an expired lot can be spent.
    """

    clawback_other_lots: bool = True
    forgive_shortfall: bool = False
    spend_in_debt: bool = False
    overrun_into_debt: bool = False
    return_grace_days: int = 7


def policy() -> Policy:
    """The policy of the running app."""
    given: Policy = of_app("ledger_policy")
    return given
