"""``flask seed``: what every installation begins with."""

import click
from flask.cli import with_appcontext

from creditapp import demo, packages
from creditapp.cli.words import in_words
from creditapp.db import transaction
from creditapp.wiring import settings


@click.command("seed")
@click.option("--demo", "with_demo", is_flag=True, help="Also four people with weeks of believable history.")
@with_appcontext
@in_words
def seed(with_demo: bool) -> None:
    """Create the five packages and connect them to Polar's products; safe to repeat."""
    with transaction():
        made = packages.seed(settings().product_ids)
        unconnected = [package.name for package in made if package.polar_product_id is None]
    click.echo(f"{len(made)} packages are on the shelf.")
    if unconnected:
        click.echo(f"Not connected to Polar yet: {', '.join(unconnected)}. Set their product ids and run it again.")
    if with_demo:
        demo.people()
        click.echo(f"Demo people can sign in with the password {demo.PASSWORD!r}.")
