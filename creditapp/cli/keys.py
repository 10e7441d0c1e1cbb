"""``flask keys``: keys of programs."""

import click
from flask.cli import AppGroup

from creditapp import identity
from creditapp.cli.words import in_words
from creditapp.db import transaction
from creditapp.wiring import settings

keys = AppGroup("keys", help="Keys of programs that call the API.")


@keys.command("create")
@click.option("--account", metavar="EMAIL", help="The owner whose account the key acts for.")
@click.option("--service", is_flag=True, help="A key that may act for any account, with every scope.")
@click.option(
    "--scopes", default="read,consume", show_default=True, help="Comma-separated: " + ", ".join(identity.SCOPES)
)
@click.option("--name", default="command line", show_default=True, help="What the key is for.")
@in_words
def create(account: str | None, service: bool, scopes: str, name: str) -> None:
    """Create a key and print it, alone and only this once."""
    if (account is None) == (not service):
        message = "Say either --account EMAIL or --service."
        raise click.UsageError(message)
    wanted = identity.SCOPES if service else tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
    with transaction():
        account_id = identity.account_named(account) if account else None
        key = identity.create_key(account_id, name=name, scopes=wanted, live=settings().polar_server == "production")
    click.echo(key)
