"""``flask webhooks``: the inbox, listed, and an event handled once more."""

import getpass

import click
from flask.cli import AppGroup

from creditapp import identity, jobs, webhooks
from creditapp.cli.words import in_words
from creditapp.db import row_id, transaction
from creditapp.webhooks import WebhookEvent

inbox = AppGroup("webhooks", help="What Polar told us: listed, and handled once more.")

USUAL, MOST = 20, 1_000


@inbox.command("list")
@click.option("--state", type=click.Choice(webhooks.EVENT_STATES), help="Only events in this state.")
@click.option("--limit", type=click.IntRange(1, MOST), default=USUAL, show_default=True, help="How many.")
@in_words
def show(state: str | None, limit: int) -> None:
    """List events, newest first: id, webhook-id, type, state, and why."""
    events = webhooks.page(limit, state=state)
    for event in events:
        click.echo(_line(event))
    if not events:
        click.echo("No event is in this state." if state else "Polar has told us nothing yet.")


@inbox.command("replay")
@click.argument("event_id", metavar="ID")
@in_words
def replay(event_id: str) -> None:
    """Handle an event once more, by its id here or its webhook-id. What it did before it does not do again."""
    number = row_id(event_id)
    with transaction():
        event = webhooks.event(number) if number is not None else webhooks.event_named(event_id)
        webhooks.replay(event.id)
        identity.audit.record(
            f"command line ({getpass.getuser()})", "replay", reason="flask webhooks replay", event_id=event.id
        )
    jobs.handle_webhook(event.id)
    click.echo(_line(webhooks.event(event.id)))


def _line(event: WebhookEvent) -> str:
    when = f"{event.received_at:%Y-%m-%d %H:%M:%S}"
    why = f"  {event.reason}" if event.reason else ""
    return f"{event.id:>8}  {when}  {event.webhook_id}  {event.event_type or 'unreadable':<18}  {event.state}{why}"
