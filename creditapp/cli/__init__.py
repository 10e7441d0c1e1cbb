"""The door at the command line: ``flask <command>``. Bad input is one clear sentence and a non-zero exit."""

from flask import Flask


def register(app: Flask) -> None:
    """Hang the commands into *app*."""
    # Here and not above: `flask dev` is of this package too, and starts without loading the application.
    from creditapp.cli import backtest, credits, keys, migrations, polar, prices, seed, usage, users, webhooks

    groups = (
        credits.credits,
        keys.keys,
        migrations.migrations,
        polar.polar,
        prices.prices,
        usage.usage,
        users.users,
        webhooks.inbox,
    )
    usage.usage.add_command(backtest.backtest)
    for command in (*groups, seed.seed):
        app.cli.add_command(command)
