"""Alembic's entry: migrate the app's database with the app's own engine."""

from alembic import context
from flask import current_app

import creditapp.checkout.models
import creditapp.identity.models
import creditapp.ledger.answers
import creditapp.ledger.buckets
import creditapp.ledger.models
import creditapp.ledger.watching
import creditapp.letters.models
import creditapp.packages.models
import creditapp.pricing.models
import creditapp.recharge.models
import creditapp.reconciliation.models
import creditapp.webhooks.models  # noqa: F401
from creditapp.db import Model, db

OPTIONS = {"target_metadata": Model.metadata, "render_as_batch": True, "compare_type": True}


def run_offline() -> None:
    url = db.engine.url.render_as_string(hide_password=False)
    context.configure(url=url, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    with db.engine.connect().execution_options(writing=True) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.commit()
        arguments = current_app.extensions["migrate"].configure_args
        context.configure(connection=connection, **{**arguments, **OPTIONS})
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
