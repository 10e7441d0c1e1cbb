"""Balances, and the only code that changes them.

Invariants: every movement is one credit transaction, numbered without gaps and never changed or deleted; the
balance is the sum of the amounts and the last ``balance_after``; nothing is ever negative; a key moves credits
once, for ever. A charge touches the account row and no lot; lots are settled by whatever changes them, exactly as
if every charge had been allotted at once. ``proof.verify`` checks all of it.
"""

from creditapp.ledger.errors import IdempotencyMismatch, InsufficientCredits, InvalidAmount
from creditapp.ledger.journal import (
    LARGEST_AMOUNT,
    adjust,
    check_amount,
    expire,
    fingerprint,
    grant,
    lock,
    open_account,
    settle,
)
from creditapp.ledger.models import (
    TRANSACTION_TYPES,
    Account,
    CreditLot,
    CreditTransaction,
    LotRange,
    UsageRecord,
    new_id,
)
from creditapp.ledger.peak import highest
from creditapp.ledger.policy import Policy, policy
from creditapp.ledger.proof import Difference, verify
from creditapp.ledger.returns import AlreadyReversed, NotAConsumption, claw_back, give_back, reverse, write_off
from creditapp.ledger.spending import Charge, Spent, spend
from creditapp.ledger.statement import (
    Balance,
    Filters,
    LotLeft,
    Totals,
    balance,
    due_accounts,
    entries,
    entries_after,
    entry,
    every_entry,
    lot_of,
    lots_left,
    payers,
    totals,
    usage_of,
    uses_key,
)

__all__ = [
    "LARGEST_AMOUNT",
    "TRANSACTION_TYPES",
    "Account",
    "AlreadyReversed",
    "Balance",
    "Charge",
    "CreditLot",
    "CreditTransaction",
    "Difference",
    "Filters",
    "IdempotencyMismatch",
    "InsufficientCredits",
    "InvalidAmount",
    "LotLeft",
    "LotRange",
    "NotAConsumption",
    "Policy",
    "Spent",
    "Totals",
    "UsageRecord",
    "adjust",
    "balance",
    "check_amount",
    "claw_back",
    "due_accounts",
    "entries",
    "entries_after",
    "entry",
    "every_entry",
    "expire",
    "fingerprint",
    "give_back",
    "grant",
    "highest",
    "lock",
    "lot_of",
    "lots_left",
    "new_id",
    "open_account",
    "payers",
    "policy",
    "reverse",
    "settle",
    "spend",
    "totals",
    "usage_of",
    "uses_key",
    "verify",
    "write_off",
]
