"""The balance that a page polls every five seconds, while it does not change; beside the smallest program in Flask."""

import re

import httpx

from creditapp import identity
from creditapp.db import transaction
from tests.bench import client
from tests.bench.house import House
from tests.browsing import CSRF_FIELD

CONNECTIONS = 16
EMAIL, PASSWORD = "operator@example.com", "four plain words together"
VALUE = re.compile(r'\bvalue="([^"]+)"')


def signed_in(house: House, port: int) -> str:
    """The cookie of a person who has signed in on the served program."""
    with transaction():
        identity.sign_up(EMAIL, PASSWORD, identity.Welcome(100, None))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as browser:
        field = CSRF_FIELD.search(browser.get("/sign-in").text)
        token = VALUE.search(field[0]) if field else None
        assert token
        form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1]}
        answer = browser.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


class Poll:
    """Somebody who watches the balance."""

    def __init__(self, house: House, port: int) -> None:
        headers = {"Cookie": signed_in(house, port), "HX-Request": "true"}
        seen = httpx.get(f"http://127.0.0.1:{port}/credits/balance", headers=headers)
        headers["If-None-Match"] = seen.headers["etag"]
        self._port = port
        self._request = client.written("GET", "/credits/balance", *(f"{n}: {v}" for n, v in headers.items()))

    def per_second(self, seconds: float) -> float:
        """Polls a second that found nothing new."""
        return _per_second(self._port, self._request, 304, seconds)


def hello_per_second(port: int, seconds: float) -> float:
    """What the smallest program does on the same server."""
    return _per_second(port, client.written("GET", "/"), 200, seconds)


def _per_second(port: int, request: bytes, status: int, seconds: float) -> float:
    return client.drive(port, lambda: request, status=status, connections=CONNECTIONS, seconds=seconds).per_second
