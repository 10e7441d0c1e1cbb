"""The door for people: pages and the fragments that keep them live, and the two addresses machines knock at."""

from flask import Flask

from creditapp.web import (
    alerts,
    auth,
    balance,
    estimator,
    exports,
    health,
    history,
    keys,
    metrics,
    movements,
    operator,
    overview,
    packages,
    prices,
    purchases,
    recharge,
    resets,
    security,
    sessions,
    settings,
    shell,
    statements,
    theme,
    transactions,
    unsubscribe,
    unusual,
    usage,
    webhooks,
    words,
)


def register(app: Flask) -> None:
    """Hang everything people see into *app*."""
    for part in (security, sessions, shell, words, movements, exports):
        part.register(app)
    for page in (
        auth,
        resets,
        overview,
        balance,
        packages,
        purchases,
        usage,
        history,
        transactions,
        statements,
        estimator,
        prices,
        keys,
        metrics,
        recharge,
        alerts,
        settings,
        exports,
        theme,
        operator,
        unusual,
        unsubscribe,
        health,
        webhooks,
    ):
        app.register_blueprint(page.bp)
