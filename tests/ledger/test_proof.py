"""The proof of the books: silent while they are true, and every rule finds what it is there to find."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from creditapp import clock, ledger
from creditapp.db import db, is_postgres, transaction
from creditapp.ledger.proof import RULES
from tests.ledger import door
from tests.ledger.narrowed import NarrowedProof

pytestmark = pytest.mark.both_databases

# What goes wrong, told as SQL, and the rule that must find it; other rules may find it too.
SPOILED = {
    "a balance without a transaction": (
        "UPDATE accounts SET balance = balance + 1000000",
        "the balance is the sum of the amounts, and the debt of the debt changes",
    ),
    "a debt without a transaction": (
        "UPDATE accounts SET debt = 5",
        "the balance is the sum of the amounts, and the debt of the debt changes",
    ),
    "an account whose last row is another balance": (
        (
            "UPDATE credit_transactions SET balance_before = balance_before + 7, balance_after = balance_after + 7 "
            "WHERE number = 8"
        ),
        "the balance is the last balance after",
    ),
    "a number left out": (
        "UPDATE credit_transactions SET number = 50 WHERE number = 4",
        "each row begins where the one before ended, numbered without gaps",
    ),
    "a row that begins elsewhere": (
        (
            "UPDATE credit_transactions SET balance_before = balance_before + 1, balance_after = balance_after + 1 "
            "WHERE number = 3"
        ),
        "each row begins where the one before ended, numbered without gaps",
    ),
    "an account that counts more rows than there are": (
        "UPDATE accounts SET last_number = last_number + 1",
        "the last number is the number of rows",
    ),
    "a row that vanished": (
        "DELETE FROM credit_transactions WHERE number = 5",
        "the last number is the number of rows",
    ),
    "a row older than the one before": (
        "UPDATE credit_transactions SET processed_at = '2020-01-01 00:00:00.000000' WHERE number = 3",
        "time never runs backward within an account",
    ),
    "a consumption that was not charged": (
        "UPDATE accounts SET consumed = consumed + 1",
        "what was consumed is the sum of the charges",
    ),
    "a charge in the wrong place on the axis": (
        "UPDATE credit_transactions SET axis_from = axis_from + 1 WHERE number = 4",
        "charges lie on the consumption axis without gap or overlap",
    ),
    "a charge without a place on the axis": (
        "UPDATE credit_transactions SET axis_from = NULL WHERE number = 3",
        "charges lie on the consumption axis without gap or overlap",
    ),
    "a charge without its usage record": (
        "DELETE FROM usage_records WHERE credits_consumed = 3000000",
        "every consumption has one usage record of the same credits",
    ),
    "a usage record of other credits": (
        "UPDATE usage_records SET credits_consumed = credits_consumed + 1",
        "every consumption has one usage record of the same credits",
    ),
    "a usage record of another account": (
        "UPDATE usage_records SET account_id = account_id + 1",
        "every consumption has one usage record of the same credits",
    ),
    "a usage record of nothing": (
        "UPDATE usage_records SET credit_transaction_id = 999999 WHERE credits_consumed = 3000000",
        "no usage record is without its consumption",
    ),
    "a usage record of a purchase": (
        (
            "UPDATE usage_records SET credit_transaction_id = (SELECT id FROM credit_transactions WHERE number = 1) "
            "WHERE credits_consumed = 3000000"
        ),
        "no usage record is without its consumption",
    ),
    "a reservation without a hold": (
        "UPDATE accounts SET reserved = 1",
        "reserved is the sum of the open holds",
    ),
    "a released hold that keeps something": (
        "UPDATE credit_holds SET released = released - 1",
        "a closed hold keeps nothing, and none gave more than it had",
    ),
    "more given back than a charge took": (
        (
            "UPDATE credit_transactions SET amount = 9000000, balance_after = balance_before + 9000000 "
            "WHERE transaction_type = 'reversal'"
        ),
        "no charge is given back beyond what it took",
    ),
    "something given back of no charge": (
        "UPDATE credit_transactions SET reference_id = '999999' WHERE transaction_type = 'reversal'",
        "no charge is given back beyond what it took",
    ),
    "a refund of more than a purchase brought": (
        "UPDATE credit_transactions SET debt_change = 900000000 WHERE transaction_type = 'refund'",
        "no purchase is taken back beyond what it brought, or given back beyond what was taken",
    ),
    "a refund of no purchase": (
        "UPDATE credit_transactions SET reference_id = NULL WHERE transaction_type = 'refund'",
        "no purchase is taken back beyond what it brought, or given back beyond what was taken",
    ),
    "a purchase given back that was not taken": (
        (
            "UPDATE credit_transactions SET amount = 4000000, balance_after = balance_before + 4000000 "
            "WHERE transaction_type = 'refund'"
        ),
        "no purchase is taken back beyond what it brought, or given back beyond what was taken",
    ),
    "a correction that changes debt too": (
        "UPDATE credit_transactions SET transaction_type = 'adjustment', debt_change = 1 WHERE number = 6",
        "debt changes by what can make, repay or forgive it",
    ),
    "a lot that something returned to without a row": (
        "UPDATE credit_lots SET returned = returned + 1, amount = amount - 1 WHERE source = 'purchased'",
        "what lots were returned, lost and let expire is what the rows say",
    ),
    "a lot that something was taken from without a row": (
        "UPDATE credit_lots SET revoked = revoked + 1, remaining = remaining - 1 WHERE source = 'purchased'",
        "what lots were returned, lost and let expire is what the rows say",
    ),
    "a lot that expired without a row": (
        "UPDATE credit_lots SET expired = expired + 1, remaining = remaining - 1 WHERE source = 'purchased'",
        "what lots were returned, lost and let expire is what the rows say",
    ),
    "an account that forgot what it was given back": (
        "UPDATE accounts SET total_reversed = 0",
        "what was given back of charges is their reversals",
    ),
    "a purchase that makes debt": (
        "UPDATE credit_transactions SET debt_change = 1 WHERE transaction_type = 'purchase'",
        "debt changes by what can make, repay or forgive it",
    ),
    "a refund that forgives debt": (
        "UPDATE credit_transactions SET debt_change = -1 WHERE transaction_type = 'refund'",
        "debt changes by what can make, repay or forgive it",
    ),
    "an account that forgot a refund": (
        "UPDATE accounts SET total_purchased = total_purchased + 4000000",
        "what was purchased is the purchases less their refunds",
    ),
    "a lot that holds more than the balance": (
        "UPDATE credit_lots SET remaining = remaining + 1, amount = amount + 1 WHERE source = 'purchased'",
        "the lots hold the balance",
    ),
    "a lot that lost something": (
        "UPDATE credit_lots SET remaining = remaining - 1 WHERE source = 'purchased'",
        "each lot is what came in less what went out",
    ),
    "a lot drawn upon that does not know it": (
        "UPDATE credit_lot_ranges SET axis_to = axis_to + 1 WHERE axis_from = 0",
        "each lot is what came in less what went out",
    ),
    "a purchase that is another lot": (
        "UPDATE credit_lots SET amount = amount + 1, revoked = revoked + 1 WHERE source = 'purchased'",
        "every credit in is a lot of its own",
    ),
    "a purchase without a lot": (
        (
            "UPDATE credit_lots SET credit_transaction_id = (SELECT id FROM credit_transactions WHERE number = 3) "
            "WHERE source = 'purchased'"
        ),
        "every credit in is a lot of its own",
    ),
    "a stretch of the axis that nobody paid": (
        "DELETE FROM credit_lot_ranges WHERE axis_from = 0",
        "the ranges of the lots cover the settled axis once",
    ),
    "a stretch of the axis paid twice": (
        "UPDATE credit_lot_ranges SET axis_from = axis_from - 1 WHERE axis_from > 0",
        "the ranges of the lots cover the settled axis once",
    ),
    "an account settled further than its lots": (
        "UPDATE accounts SET settled = settled + 1",
        "the ranges of the lots cover the settled axis once",
    ),
    "an expiry that the account forgot": (
        "UPDATE accounts SET next_expiry_at = NULL",
        "the next expiry is the soonest of a lot with something left",
    ),
    "an expiry that the account invented": (
        "UPDATE credit_lots SET expires_at = NULL",
        "the next expiry is the soonest of a lot with something left",
    ),
    "a charge that its day does not count": (
        "UPDATE usage_buckets SET operations = operations - 1",
        "what was used each day is what the usage records say",
    ),
    "usage on another day": (
        "UPDATE usage_buckets SET used_on = '2020-01-01'",
        "what was used each day is what the usage records say",
    ),
    "a day that forgot what was given back": (
        "UPDATE usage_buckets SET reversed_credits = 0",
        "what was used each day is what the usage records say",
    ),
    "a watch level that nobody wants": (
        "UPDATE accounts SET watch_level = 5",
        "the watch level is the highest that anybody wants",
    ),
}


@pytest.fixture
def account(scratch: Flask) -> int:
    """True books, with every kind of row: lots half used, settled as far as the third charge is not."""
    with clock.at(door.NOON):
        account = door.open_account()
        door.grant(account, 2, transaction_type="bonus")
        door.grant(account, 100, priority=1, expires_at=door.NOON.replace(year=2030))
        door.spend(account, 3)
        five = door.spend(account, 5)
        purchase = ledger.entries(account, ledger.Filters(transaction_type="purchase"))[0].id
        with transaction():
            ledger.reverse(account, five.transaction_id, Decimal(1), key="reversal")
            ledger.claw_back(
                account, Decimal(4), purchase_id=purchase, key="refund", description="Refund", polar_order_id="o"
            )
            held = ledger.hold(account, Decimal(10))
            ledger.capture(account, held.id, Decimal(2))
            ledger.release(account, held.id)
        door.settle(account)
        door.spend(account, "0.5")
        return account


def spoil(statement: str) -> None:
    """Change rows behind the ledger's back, as only a broken database could."""
    with transaction():
        if is_postgres():
            db.session.execute(text("SET LOCAL session_replication_role = replica"))  # no trigger fires
        else:
            for (name,) in db.session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                db.session.execute(text(f"DROP TRIGGER {name}"))
        db.session.execute(text(statement))


def test_true_books_have_no_difference(account: int) -> None:
    assert door.differences() == []


def test_an_empty_database_has_no_difference(scratch: Flask) -> None:
    assert door.differences() == []


@pytest.mark.parametrize(("statement", "rule"), SPOILED.values(), ids=SPOILED.keys())
def test_the_proof_finds(account: int, statement: str, rule: str) -> None:
    spoil(statement)

    found = list(ledger.verify())

    of_the_rule = [difference for difference in found if difference.rule == rule]
    assert of_the_rule, [difference.rule for difference in found]
    assert all(difference.found != difference.expected for difference in of_the_rule)
    assert {difference.account_id for difference in of_the_rule} <= {account, account + 1}


def test_every_rule_of_the_proof_is_seen_to_find_something() -> None:
    assert {rule for _, rule in SPOILED.values()} == set(RULES)


def test_the_proof_names_the_account_and_both_numbers(account: int) -> None:
    other = door.open_account(holding=7)
    spoil(f"UPDATE accounts SET consumed = consumed + 9 WHERE id = {other}")

    differences = {(found.account_id, found.found, found.expected) for found in ledger.verify()}

    assert (other, "9", "0") in differences
    assert {account_id for account_id, *_ in differences} == {other}


def test_the_proof_narrowed_to_one_account_finds_the_same_and_nothing_of_others(account: int) -> None:
    other = door.open_account(holding=7)
    proofs = NarrowedProof(account), NarrowedProof(other)
    assert [proof.differences() for proof in proofs] == [[], []]

    spoil(f"UPDATE accounts SET consumed = consumed + 9 WHERE id = {other}")

    assert [proof.differences() for proof in proofs] == [[], door.differences()]
    for proof in proofs:
        proof.close()


def test_the_proof_changes_nothing(account: int) -> None:
    with door.nothing_written():
        assert door.differences() == []
