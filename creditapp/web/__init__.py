"""The door for people: pages and the fragments that keep them live, and the two addresses machines knock at."""

from flask import Flask

from creditapp.web import health, pages, security, sessions, webhooks


def register(app: Flask) -> None:
    """Hang everything people see into *app*."""
    security.register(app)
    sessions.register(app)
    app.register_blueprint(health.bp)
    app.register_blueprint(webhooks.bp)
    pages.register(app)
