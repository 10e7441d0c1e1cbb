"""Auto-recharge: low balance -> a charge without the customer, provably once.

Invariants: the account is locked before anything is decided; an account has at most one attempt in flight (the database
refuses a second); the order's id is committed before money moves; a lost answer is resolved by asking for the same
order and retrying with the same card; a decline switches it off; every decision stands in words.
"""

from creditapp.recharge.attempt import (
    Step,
    card_saved,
    claim,
    consider,
    drafted,
    due_accounts,
    fulfil,
    in_flight,
    needs_set_up,
    not_enabled,
    postpone,
    settle,
    told,
    waiting,
)
from creditapp.recharge.models import FINAL, IN_FLIGHT, RechargeAttempt, RechargePlan
from creditapp.recharge.plan import NOTIFY, UnusableTerms, Wishes, plan_of, save, switch, terms_of
from creditapp.recharge.statement import Forecast, attempts, may_concern, state_of, would_charge

__all__ = [
    "FINAL",
    "IN_FLIGHT",
    "NOTIFY",
    "Forecast",
    "RechargeAttempt",
    "RechargePlan",
    "Step",
    "UnusableTerms",
    "Wishes",
    "attempts",
    "card_saved",
    "claim",
    "consider",
    "drafted",
    "due_accounts",
    "fulfil",
    "in_flight",
    "may_concern",
    "needs_set_up",
    "not_enabled",
    "plan_of",
    "postpone",
    "save",
    "settle",
    "state_of",
    "switch",
    "terms_of",
    "told",
    "waiting",
    "would_charge",
]
