"""Auto-recharge: low balance -> a charge without the customer, provably once.

Invariants: the account is locked before anything is decided; an account has at most one attempt in flight (the database
refuses a second); the order's id is committed before money moves; a lost answer is resolved by asking for the same
order and retrying with the same card; a decline switches it off; every decision stands in words.
"""

from creditapp.recharge.ahead import Ahead
from creditapp.recharge.attempt import (
    Step,
    claim,
    drafted,
    fulfil,
    may_be_charging,
    needs_set_up,
    not_enabled,
    postpone,
    settle,
    told,
    waiting,
)
from creditapp.recharge.deciding import card_saved, consider, due_accounts, in_flight
from creditapp.recharge.models import IN_FLIGHT, RechargeAttempt, RechargePlan
from creditapp.recharge.plan import (
    NOTIFY,
    USUAL_PACKAGE,
    USUAL_THRESHOLD,
    UnusableTerms,
    Wishes,
    plan_of,
    save,
    switch,
    usual_wishes,
    wishes_of,
)
from creditapp.recharge.statement import (
    FirstCharge,
    ahead,
    attempts,
    cap_of,
    spent_this_month,
    state_of,
    would_charge,
)

__all__ = [
    "IN_FLIGHT",
    "NOTIFY",
    "USUAL_PACKAGE",
    "USUAL_THRESHOLD",
    "Ahead",
    "FirstCharge",
    "RechargeAttempt",
    "RechargePlan",
    "Step",
    "UnusableTerms",
    "Wishes",
    "ahead",
    "attempts",
    "cap_of",
    "card_saved",
    "claim",
    "consider",
    "drafted",
    "due_accounts",
    "fulfil",
    "in_flight",
    "may_be_charging",
    "needs_set_up",
    "not_enabled",
    "plan_of",
    "postpone",
    "save",
    "settle",
    "spent_this_month",
    "state_of",
    "switch",
    "told",
    "usual_wishes",
    "waiting",
    "wishes_of",
    "would_charge",
]
