"""``flask credits``: balances, seen, corrected and proved."""

import getpass
import json
import secrets
import sys
from datetime import timedelta
from decimal import Decimal

import click
from flask.cli import AppGroup

from creditapp import alerts, checkout, clock, identity, ledger
from creditapp.cli.words import AMOUNT, in_words
from creditapp.db import transaction
from creditapp.letters.render import credits as in_credits

credits = AppGroup("credits", help="Balances: seen, corrected, proved.")

LATEST = 10
LONGEST_EXPIRY_DAYS = 36_500


@credits.command("show")
@click.argument("email")
@in_words
def show(email: str) -> None:
    """Show an account's balance, what it consists of, and its latest transactions."""
    account_id = identity.account_named(email)
    found = ledger.balance(account_id)
    click.echo(f"Account {account_id}")
    for word in ("balance", "available", "reserved", "debt", "total_purchased", "total_consumed", "expiring"):
        click.echo(f"  {word.replace('_', ' '):<16}{in_credits(getattr(found, word)):>20}")
    click.echo("Spent in this order")
    for lot in ledger.lots_left(account_id):
        until = f"until {lot.expires_at:%Y-%m-%d %H:%M} UTC" if lot.expires_at else "does not expire"
        click.echo(f"  {lot.source:<16}{in_credits(lot.remaining):>20}  {until}")
    click.echo("Latest transactions")
    for transaction_ in ledger.entries(account_id, limit=LATEST):
        words = transaction_.description or transaction_.operation_type or ""
        click.echo(
            f"  {transaction_.number:>8}  {transaction_.processed_at:%Y-%m-%d %H:%M:%S}  "
            f"{transaction_.transaction_type:<12}{in_credits(transaction_.amount):>16}  {words}"
        )


@credits.command("grant")
@click.argument("email")
@click.argument("amount", type=AMOUNT)
@click.option("--reason", required=True, help="Why; kept for good.")
@click.option("--expires-in", "days", type=click.IntRange(1, LONGEST_EXPIRY_DAYS), help="Days; without it they stay.")
@in_words
def grant(email: str, amount: Decimal, reason: str, days: int | None) -> None:
    """Give an account AMOUNT credits as a bonus."""
    if not reason.strip():
        message = "Give a reason: it is kept for good."
        raise click.UsageError(message)
    account_id = identity.account_named(email)
    with transaction():
        granted = ledger.grant(
            account_id,
            amount,
            transaction_type="bonus",
            key=f"operator:{secrets.token_hex(8)}",
            description=reason.strip(),
            expires_at=clock.now() + timedelta(days=days) if days else None,
        )
        identity.audit.record(
            f"command line ({getpass.getuser()})",
            "grant",
            account_id=account_id,
            reason=reason.strip(),
            transaction_id=granted.id,
            amount=str(amount),
        )
        alerts.consider(account_id)
        balance = granted.balance_after
    click.echo(f"{in_credits(amount)} credits granted. The balance is {in_credits(balance)}.")


@credits.command("verify")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with every difference.")
@in_words
def verify(as_json: bool) -> None:
    """Check the books against themselves; exit 1 where they differ."""
    found = 0
    differences = []
    for proof in (ledger.verify, checkout.verify):
        for difference in proof():
            found += 1
            if as_json:
                differences.append(
                    {
                        "rule": difference.rule,
                        "account": str(difference.account_id),
                        "found": difference.found,
                        "expected": difference.expected,
                    }
                )
            else:
                click.echo(
                    f"Account {difference.account_id}: {difference.rule}. "
                    f"Found {difference.found}, expected {difference.expected}."
                )
    if as_json:
        click.echo(json.dumps({"differences": differences}))
    elif not found:
        click.echo("The books tie out.")
    if found:
        if not as_json:
            click.echo(f"{found} differences. Amounts are in millionths of a credit.", err=True)
        sys.exit(1)
