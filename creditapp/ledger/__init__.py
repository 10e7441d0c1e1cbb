"""Balances, and the only code that changes them.

Invariants: every movement is one credit transaction, numbered without gaps and never changed or deleted; the balance
is the sum of the amounts and the last ``balance_after``, the debt the sum of the debt changes; nothing is ever
negative; what open holds reserve is never spent, taken back or expired; a key does one thing, for ever. A charge
touches the account row and no lot; lots are settled by whatever changes them, exactly as if every charge had been
allotted at once. ``proof.verify`` checks all of it.
"""

from creditapp.ledger.answers import IdempotentAnswer, answer_under, is_used_elsewhere, remember_answer
from creditapp.ledger.bounds import number_before
from creditapp.ledger.buckets import UsageBucket, change_time_zone, counted_otherwise
from creditapp.ledger.buckets import rebuild as rebuild_usage
from creditapp.ledger.crowd import Crowd
from creditapp.ledger.errors import IdempotencyMismatch, InsufficientCredits, InvalidAmount, KeyRevoked
from creditapp.ledger.grants import adjust, expire, grant, open_account
from creditapp.ledger.holds import (
    Captured,
    HoldClosed,
    capture,
    due_holds,
    extend,
    hold,
    hold_of,
    release,
    state_of,
)
from creditapp.ledger.journal import LARGEST_AMOUNT, check_amount, fingerprint, lock
from creditapp.ledger.models import (
    TRANSACTION_TYPES,
    Account,
    CreditLot,
    CreditTransaction,
    Hold,
    LotRange,
    UsageRecord,
    new_id,
)
from creditapp.ledger.peak import highest
from creditapp.ledger.policy import Policy, policy
from creditapp.ledger.proof import Difference, verify
from creditapp.ledger.returns import AlreadyReversed, NotAConsumption, claw_back, give_back, reverse, write_off
from creditapp.ledger.spending import Charge, Spent, spend, spend_all, spend_each, together
from creditapp.ledger.standing import EXPIRING_WITHIN, Balance, balance, lot_of, lots_left, payers
from creditapp.ledger.statement import (
    Filters,
    Totals,
    account_ids,
    due_accounts,
    entries,
    entries_after,
    entry,
    opened_at,
    returns_of,
    totals,
    usage_of,
    uses_key,
)
from creditapp.ledger.tally import Moved, Stood, Tally, stood_before, tally
from creditapp.ledger.timeline import LotLeft
from creditapp.ledger.watching import WatchLevel, watch

__all__ = [
    "EXPIRING_WITHIN",
    "LARGEST_AMOUNT",
    "TRANSACTION_TYPES",
    "Account",
    "AlreadyReversed",
    "Balance",
    "Captured",
    "Charge",
    "CreditLot",
    "CreditTransaction",
    "Crowd",
    "Difference",
    "Filters",
    "Hold",
    "HoldClosed",
    "IdempotencyMismatch",
    "IdempotentAnswer",
    "InsufficientCredits",
    "InvalidAmount",
    "KeyRevoked",
    "LotLeft",
    "LotRange",
    "Moved",
    "NotAConsumption",
    "Policy",
    "Spent",
    "Stood",
    "Tally",
    "Totals",
    "UsageBucket",
    "UsageRecord",
    "WatchLevel",
    "account_ids",
    "adjust",
    "answer_under",
    "balance",
    "capture",
    "change_time_zone",
    "check_amount",
    "claw_back",
    "counted_otherwise",
    "due_accounts",
    "due_holds",
    "entries",
    "entries_after",
    "entry",
    "expire",
    "extend",
    "fingerprint",
    "give_back",
    "grant",
    "highest",
    "hold",
    "hold_of",
    "is_used_elsewhere",
    "lock",
    "lot_of",
    "lots_left",
    "new_id",
    "number_before",
    "open_account",
    "opened_at",
    "payers",
    "policy",
    "rebuild_usage",
    "release",
    "remember_answer",
    "returns_of",
    "reverse",
    "spend",
    "spend_all",
    "spend_each",
    "state_of",
    "stood_before",
    "tally",
    "together",
    "totals",
    "usage_of",
    "uses_key",
    "verify",
    "watch",
    "write_off",
]
