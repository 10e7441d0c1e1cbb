"""``flask db``: Alembic's commands, loaded when they are asked for, so that no serving process carries them."""

import click
from flask import g
from flask.cli import AppGroup, with_appcontext


class Migrations(AppGroup):
    """Flask-Migrate's group, late."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of its commands."""
        return self._real().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of its commands."""
        return self._real().get_command(ctx, cmd_name)

    @staticmethod
    def _real() -> click.Group:
        from flask_migrate.cli import db

        group: click.Group = db
        return group


@click.group("db", cls=Migrations)
@with_appcontext
def migrations() -> None:
    """The database's tables: upgrade, downgrade, check."""
    g.directory, g.x_arg = None, ()  # what Flask-Migrate's own group would set for its commands
