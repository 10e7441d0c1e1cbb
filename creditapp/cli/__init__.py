"""The door at the command line: ``flask <command>``. Bad input is one clear sentence and a non-zero exit."""

from flask import Flask

from creditapp.cli import credits, keys, seed, users


def register(app: Flask) -> None:
    """Hang the commands into *app*."""
    for command in (credits.credits, keys.keys, seed.seed, users.users):
        app.cli.add_command(command)
