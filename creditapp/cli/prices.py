"""``flask prices``: what operations cost, and from when they cost something else."""

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from creditapp import identity, pricing
from creditapp.cli.words import in_words
from creditapp.db import transaction
from creditapp.letters.render import credits as in_credits

prices = AppGroup("prices", help="What operations cost: the rate card that holds, and the next one.")

LARGEST_FILE = 1024 * 1024  # bytes; a card of two hundred operations is a tenth of it


class MomentType(click.ParamType[datetime]):
    """A moment that names its zone."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, or a sentence."""
        try:
            moment = datetime.fromisoformat(str(value))
            in_utc = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a time such as 2027-01-01T00:00Z.", param, ctx)
        if moment.tzinfo is None:
            self.fail(
                f"{value!r} does not name its zone. Write 2027-01-01T00:00Z or 2027-01-01T00:00+01:00.", param, ctx
            )
        return in_utc


@prices.command("show")
@click.option("--json", "as_json", is_flag=True, help="The rate card as JSON: change it, and publish it.")
@in_words
def show(as_json: bool) -> None:
    """Show the rate card that holds now, and what is coming."""
    found = pricing.holding()
    if as_json:
        click.echo(json.dumps(found.card.model_dump(mode="json", exclude_defaults=True), indent=2, ensure_ascii=False))
        return
    click.echo(f"Rate card {found.card.version}, since {_moment(found.holds_from)}")
    for rate in found.card.operations:
        click.echo(f"  {rate.key:<40}{in_credits(rate.credits):>12}  {rate.name}")
    for later in pricing.coming():
        click.echo(f"Rate card {later.card.version} holds from {_moment(later.holds_from)}")


@prices.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "holds_from", type=MomentType(), required=True, help="From when it holds: 2027-01-01T00:00Z.")
@click.option("--reason", required=True, help="Why; kept for good.")
@in_words
def publish(file: Path, holds_from: datetime, reason: str) -> None:
    """Publish the rate card in FILE. It is never changed afterwards, only followed by another."""
    if not reason.strip():
        message = "Give a reason: it is kept for good."
        raise click.UsageError(message)
    card = pricing.read_card(_json(file))
    with transaction():
        pricing.publish(card, holds_from=holds_from)
        identity.audit.record(
            f"command line ({getpass.getuser()})",
            "publish_prices",
            reason=reason.strip(),
            version=card.version,
            holds_from=holds_from.isoformat(),
        )
    click.echo(f"Rate card {card.version} holds from {_moment(holds_from)}.")


def _json(file: Path) -> object:
    if file.stat().st_size > LARGEST_FILE:
        message = f"{file} is larger than 1 MB: no rate card is."
        raise pricing.BadRateCard(message)
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        message = f"{file} can't be read as JSON: {error}."
        raise pricing.BadRateCard(message) from None


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "the beginning"
