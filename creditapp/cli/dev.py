"""``flask dev``: everything on this machine, until Ctrl-C. What it refuses, it refuses before the application loads."""

from pathlib import Path

import click

from creditapp import demo
from creditapp.config import data_folder
from creditapp.dev import CannotStart, Supervisor, Wishes

PORT = click.IntRange(1, 65_535)
MOST_WORKERS = 16


@click.command("dev")
@click.option("--port", type=PORT, default=5000, show_default=True, help="Of the web.")
@click.option("--polar-port", type=PORT, default=5050, show_default=True, help="Of the stand-in for Polar.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for every file it writes.  [default: $CREDITAPP_DATA, else instance/]",
)
@click.option("--workers", type=click.IntRange(1, MOST_WORKERS), default=1, show_default=True, help="How many.")
@click.option("--reset", is_flag=True, help="First delete what an earlier run left in the data folder.")
def dev(port: int, polar_port: int, data: Path | None, workers: int, reset: bool) -> None:
    """Start everything on this machine: database, queue, web, workers, clock, a stand-in for Polar, demo data."""
    wishes = Wishes((data or data_folder()).absolute(), port, polar_port, workers, reset)
    try:
        Supervisor(wishes, greeting).run()
    except CannotStart as error:
        raise click.ClickException(error.sentence) from error


def greeting(wishes: Wishes, has_stand_in: bool) -> str:
    """What to open, who can sign in, what to try."""
    lines = ["", f"  The product   http://127.0.0.1:{wishes.port}"]
    if has_stand_in:
        lines.append(f"  Polar         http://127.0.0.1:{wishes.polar_port} (a stand-in; no money moves)")
    lines += [
        f"  Files         {wishes.data} (letters in mail/, logs in log/)",
        "",
        f"Sign in with the password {demo.PASSWORD} as",
        *(f"  {person.email:<28}{person.words}" for person in demo.PEOPLE),
        "",
    ]
    if has_stand_in:
        lines += [
            "Try this: sign in as low-credits@example.com and buy the Professional package with the card",
            "4242 4242 4242 4242. The card 4000 0000 0000 0002 is declined.",
        ]
    return "\n".join([*lines, "Ctrl-C stops everything.", ""])
