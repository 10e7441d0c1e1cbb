"""``flask keys``: keys of programs."""

import click
from flask.cli import AppGroup

from creditapp import clock, identity
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
        key = identity.create_key(account_id, name=name, scopes=wanted, live=settings().live)
    click.echo(key)


@keys.command("list")
@click.option("--account", metavar="EMAIL", required=True, help="The owner whose account's keys to list.")
@in_words
def show(account: str) -> None:
    """List an account's keys: id, prefix, scopes, last use, state."""
    now = clock.now()
    for key in identity.keys_of(identity.account_named(account)):
        state = "works" if key.works(now) else "revoked" if key.revoked_at else "expired"
        used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
        click.echo(f"{key.id:>6}  {key.prefix}…  {','.join(key.scopes):<30}  {used:<16}  {state}  {key.name}")


@keys.command("revoke")
@click.argument("key_id", type=int, metavar="ID")
@click.option("--account", metavar="EMAIL", required=True, help="The owner whose account the key acts for.")
@in_words
def revoke(key_id: int, account: str) -> None:
    """End a key, at once and for good."""
    with transaction():
        key = identity.revoke_key(identity.account_named(account), key_id)
        click.echo(f"The key {key.prefix}… ({key.name}) is revoked.")


@keys.command("rotate")
@click.argument("key_id", type=int, metavar="ID")
@click.option("--account", metavar="EMAIL", required=True, help="The owner whose account the key acts for.")
@in_words
def rotate(key_id: int, account: str) -> None:
    """Print a second secret for the same program; the first works for another 24 hours."""
    with transaction():
        key = identity.rotate_key(identity.account_named(account), key_id, live=settings().live)
    click.echo(key)
