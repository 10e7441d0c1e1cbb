"""``flask users``: people."""

import click
from flask.cli import AppGroup

from creditapp import alerts, identity
from creditapp.cli.words import in_words
from creditapp.db import transaction
from creditapp.wiring import welcome

users = AppGroup("users", help="People who sign in.")


@users.command("create")
@click.argument("email")
@click.option("--password", help="Asked for where it is not given.")
@click.option("--operator", is_flag=True, help="A member of the seller's own staff.")
@in_words
def create(email: str, password: str | None, operator: bool) -> None:
    """Create a person with an account and its welcome credits."""
    password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with transaction():
        user = identity.sign_up(email, password, welcome(), operator=operator)
        account_id = identity.account_id_of(user)
        alerts.begin(account_id)
        name = user.email
    click.echo(f"{name} can sign in. Account {account_id}.")
