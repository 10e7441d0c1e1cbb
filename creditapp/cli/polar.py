"""``flask polar``: what we need there set up, packages read from it, and what its webhooks did not bring."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import ParamSpec

import click
from flask.cli import AppGroup

from creditapp import clock, packages, reconciliation, reconciling, webhooks
from creditapp.cli.words import in_words
from creditapp.config import PRODUCT_SETTINGS
from creditapp.db import release, transaction
from creditapp.errors import CreditAppError
from creditapp.gateway import Endpoint, PolarRefused
from creditapp.packages import CreditPackage
from creditapp.wiring import gateway, settings

polar = AppGroup("polar", help="Polar: set up, read, and reconciled with.")

Arguments = ParamSpec("Arguments")
WEBHOOKS = "/webhooks/polar/credits"
LONGEST_DAYS = 365


class SetupIncomplete(CreditAppError):
    """A part could not be set up; the sentence says what to do."""


def saying_why(command: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Where Polar refuses, say in its words why: whoever runs the command is the one to put it right."""

    @wraps(command)
    @in_words
    def spoken(*arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        try:
            command(*arguments, **named)
        except PolarRefused as error:
            message = f"Polar refused: {str(error.__cause__).strip() or error.sentence}"
            raise click.ClickException(message[:500]) from error

    return spoken


@polar.command("setup")
@saying_why
def setup() -> None:
    """Make what is missing at Polar: a product for every package, and the webhook endpoint. Safe to repeat."""
    with transaction():
        if not packages.everything():
            packages.seed(settings().product_ids)
    for package in packages.everything():
        click.echo(f"{package.name}: {_connect(package)}")
    endpoint = _endpoint(settings().app_url + WEBHOOKS)
    if endpoint.secret not in settings().polar_webhook_secret:
        click.echo("Put this into the environment, so that its webhooks are believed (several, comma-separated, work):")
        click.echo(f"POLAR_WEBHOOK_SECRET={endpoint.secret}")
    if not gateway().may_charge_saved_cards():
        click.echo(
            "Saved cards can't be charged yet: Polar has off-session charges switched off for this organization. "
            "Buying works all the same; docs/polar.md says how to switch them on."
        )


@polar.command("sync")
@saying_why
def sync() -> None:
    """Read packages from Polar's products whose metadata says package_type = credit_package."""
    skipped = seen = 0
    for page in gateway().products(package_type=packages.PACKAGE_TYPE):
        for product in page:
            with transaction():
                adopted = packages.adopt(product)
            seen += 1
            skipped += adopted.outcome == "skipped"
            why = f": {adopted.reason}" if adopted.reason else ""
            click.echo(f"{adopted.outcome:<10}{product.name} ({product.id}){why}")
    click.echo(f"{seen} products read, {skipped} of them skipped.")


@polar.command("reconcile")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    default=reconciliation.LOOK_BACK.days,
    show_default=True,
    help="How far back to look at orders.",
)
@saying_why
def reconcile(days: int) -> None:
    """Do what Polar's webhooks did not bring: credit paid orders, follow refunds and disputes. Safe to repeat."""
    found = reconciling.reconcile(clock.now() - timedelta(days=days))
    for order in found.credited:
        click.echo(f"credited    order {order.polar_order_id}: {order.credits:f} credits to account {order.account_id}")
    for order in found.corrected:
        click.echo(f"corrected   order {order.polar_order_id}: {order.taken_back:f} credits taken back in all")
    for order in found.uncredited:
        click.echo(f"uncredited  order {order.polar_order_id}: {order.reason}")
    click.echo(
        f"{found.orders} orders, {found.refunds} refunds and {found.disputes} disputes looked at: "
        f"{len(found.credited)} credited, {len(found.corrected)} corrected, {len(found.uncredited)} need a person."
    )


def _connect(package: CreditPackage) -> str:
    """Connect a package to its product at Polar; in words, how."""
    key, wanted = package.key, packages.as_product(package, packages.compare(packages.everything()))
    connected = package.polar_product_id
    release()
    if connected is not None and gateway().product(connected) is not None:
        return f"product {connected} is there"
    given = settings().product_ids.get(key)
    if given is not None and given == connected:
        message = f"{PRODUCT_SETTINGS[key]} names the product {given}, which Polar does not have. Correct or clear it."
        raise SetupIncomplete(message)
    there = [
        product
        for page in gateway().products(package_type=packages.PACKAGE_TYPE, package_key=key)
        for product in page
        if not product.archived
    ]
    product_id = there[0].id if there else gateway().make_product(**wanted)
    with transaction():
        packages.by_key(key).polar_product_id = product_id
    return f"product {product_id} was {'found' if there else 'made'}"


def _endpoint(url: str) -> Endpoint:
    """The endpoint at which our webhooks arrive, as it must be."""
    there = [one for one in gateway().endpoints() if one.url == url]
    if there:
        endpoint = there[0]
        if endpoint.enabled and set(webhooks.SUBSCRIPTION) <= set(endpoint.events):
            click.echo(f"Webhooks: {url} is told of everything needed")
            return endpoint
        click.echo(f"Webhooks: {url} was switched on, for everything needed")
        return gateway().mend_endpoint(endpoint.id, webhooks.SUBSCRIPTION)
    if not url.startswith("https://"):
        message = (
            f"The products are set up. Polar delivers webhooks to public https addresses only, and APP_URL is "
            f"{settings().app_url}: set APP_URL to the address of your server or tunnel, and run this again."
        )
        raise SetupIncomplete(message)
    endpoint = gateway().make_endpoint(url, webhooks.SUBSCRIPTION)
    click.echo(f"Webhooks: {url} was made")
    return endpoint
