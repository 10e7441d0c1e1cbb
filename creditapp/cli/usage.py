"""``flask usage``: what was used, counted anew; ``backtest`` stands in a file of its own."""

from collections.abc import Iterator
from functools import partial

import click
from flask.cli import AppGroup

from creditapp import identity, ledger
from creditapp import usage as usages
from creditapp.cli.words import in_words
from creditapp.db import retrying, transaction

usage = AppGroup("usage", help="What was used.")

ACCOUNTS_AT_ONCE = 500


@usage.command("rebuild")
@click.argument("email", required=False)
@in_words
def rebuild(email: str | None) -> None:
    """Count by day what the account of EMAIL used, or what everybody did, anew from the usage records.

    Each account is one transaction, so that it can be stopped and begun again at any time; the charges of an account
    wait while it is counted.
    """
    counted = 0
    for account_id in [identity.account_named(email)] if email else everybody():
        retrying(partial(_rebuild, account_id))
        counted += 1
    click.echo(f"Usage counted anew for {counted:,} account{'' if counted == 1 else 's'}.")


def everybody() -> Iterator[int]:
    """Every account, one page at a time."""
    last = 0
    while page := ledger.account_ids(ACCOUNTS_AT_ONCE, after=last):
        yield from page
        last = page[-1]


def _rebuild(account_id: int) -> None:
    with transaction():
        usages.rebuild(account_id)
