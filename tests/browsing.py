"""How tests knock at the doors: as a browser, and as a program with a key."""

import contextvars
import html
import re
from contextlib import nullcontext
from typing import Any

from flask import has_app_context
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from creditapp import clock
from creditapp.db import db

API = "/api/credits"
CSRF_FIELD = re.compile(r'<input[^>]*\bname="csrf_token"[^>]*>')


class Client(FlaskClient):
    """Sends each request from outside the test's own context, as a real one comes.

    Inside it Flask would share the test's session and the person it remembers. What the test read before, it reads
    again afterwards. The time that ``clock.at`` set holds for the request too.
    """

    def open(self, *arguments: Any, **named: Any) -> TestResponse:
        """Send a request and read the whole answer."""
        if has_app_context():  # a redirect that is followed comes here again, from outside
            db.session.rollback()
        moment = clock.given()
        request = super().open

        def from_outside() -> TestResponse:
            with clock.at(moment) if moment else nullcontext():
                return request(*arguments, **{"buffered": True, **named})

        return contextvars.Context().run(from_outside)


class Api:
    """A program that calls the JSON API with its key; paths begin after ``/api/credits``."""

    def __init__(self, client: FlaskClient, key: str | None) -> None:
        self._client, self._key = client, key

    def get(self, path: str, **named: Any) -> TestResponse:
        """GET *path*."""
        return self.call("GET", path, **named)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **named: Any) -> TestResponse:
        """POST *body* as JSON, under an idempotency *key* if there is one."""
        return self.call("POST", path, body, key=key, **named)

    def put(self, path: str, body: Any = None, *, key: str | None = None, **named: Any) -> TestResponse:
        """PUT *body* as JSON, under an idempotency *key* if there is one."""
        return self.call("PUT", path, body, key=key, **named)

    def call(self, method: str, path: str, body: Any = None, *, key: str | None = None, **named: Any) -> TestResponse:
        """Send one call."""
        headers = {**named.pop("headers", {})}
        if self._key is not None:
            headers.setdefault("Authorization", f"Bearer {self._key}")
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            named["json"] = body
        return self._client.open(API + path, method=method, headers=headers, **named)


def csrf_token(page: TestResponse) -> str:
    """The token in the first form of a page."""
    field = CSRF_FIELD.search(page.text)
    assert field, f"no form with a token on {page.request.path} ({page.status})"
    value = re.search(r'\bvalue="([^"]*)"', field.group())
    assert value
    return html.unescape(value.group(1))
