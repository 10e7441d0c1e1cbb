"""The house from outside: a web server at its door, a program and a person who knock, Polar across the street."""

import html
import threading
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import httpx
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browsing import API, CSRF_FIELD
from tests.polar_stand_in.program import Json, StandIn, eventually, person

WEBHOOKS = "/webhooks/polar/credits"
PATIENCE_SECONDS = 20
PAYS, DECLINES, ASKS = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0027 6000 3184"


class QuietHandler(WSGIRequestHandler):
    """No line a request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class Door:
    """A web server on a free port, for whichever app lives behind it now; while none does, it takes what comes."""

    def __init__(self) -> None:
        self._app: WSGIApplication | None = None
        self._inside = 0
        self._changed = threading.Condition()
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=QuietHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def open_for(self, app: WSGIApplication) -> None:
        """From now on *app* answers."""
        with self._changed:
            self._app = app

    def shut(self) -> None:
        """Nobody lives here any more; returns when everybody has left."""
        with self._changed:
            self._app = None
            assert self._changed.wait_for(lambda: self._inside == 0, PATIENCE_SECONDS), "a request never ended"

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._thread.join(PATIENCE_SECONDS)
        self._server.server_close()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._changed:
            app = self._app
            self._inside += 1
        try:
            if app is None:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response("202 Accepted", [("Content-Length", "0")])
                return []
            answer = app(environ, start_response)
            try:
                return list(answer)
            finally:
                if hasattr(answer, "close"):
                    answer.close()
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()


class Polar(StandIn):
    """The stand-in, and what its customers do there. Tests look only at what their own people did."""

    def pays(self, url: str, card: str = PAYS, **fields: str) -> httpx.Response:
        """A person fills in the hosted page and presses its button."""
        return self.post(url, person(card, **fields))

    def orders_for(self, checkout_id: str) -> list[Json]:
        """The orders at Polar that came of this checkout of ours."""
        return [one for one in self._list("/v1/orders/") if one["metadata"].get("checkout_id") == checkout_id]

    def orders_of_link(self, link: Any) -> list[Json]:
        """The orders at Polar that came of a checkout which did not start with us."""
        return [one for one in self._list("/v1/orders/") if one["checkout_id"] == link.id]

    def checkouts_for(self, account: int) -> list[Json]:
        """The checkouts that were opened at Polar for this account."""
        return [one for one in self._list("/v1/checkouts/") if one["metadata"].get("account_id") == str(account)]

    def charges_of(self, account: int) -> list[Json]:
        """The charges really made to this account's customer."""
        return [charge for charge in self.charges() if charge["customer"] == str(account)]

    def orders_of(self, account: int) -> list[Json]:
        """The orders at Polar of this account's customer, drafts among them."""
        return [one for one in self._list("/v1/orders/") if one["metadata"].get("account_id") == str(account)]

    def forgets_the_cards_of(self, account: int) -> None:
        """Their owner removes every saved card in the portal."""
        url = self.polar.customer_sessions.create(external_customer_id=str(account)).customer_portal_url
        for card in self._list(f"/v1/customers/external/{account}/payment-methods"):
            self.post(url, {"remove": card["id"]})

    def has_told(self, order_id: str) -> bool:
        """Whether every webhook about this order was delivered."""
        about = self.deliveries(order_id)
        paid = [one for one in about if one["type"] == "order.paid"]
        return bool(paid) and all(one["state"] == "delivered" for one in about)

    @property
    def has_told_all(self) -> bool:
        """Whether no webhook is still to be delivered."""
        items = self.http.get("/_control/deliveries").json()["items"]
        return all(one["state"] != "waiting" for one in items)

    def _list(self, path: str) -> list[Json]:
        items: list[Json] = self.http.get(path, params={"limit": 100}).json()["items"]
        return items


class Program:
    """A program with its key, somewhere on the net."""

    def __init__(self, http: httpx.Client, key: str) -> None:
        self._http, self._headers = http, {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> Any:
        """What a GET answers, as JSON."""
        answer = self._http.get(API + path, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> httpx.Response:
        """POST *body*, under an idempotency *key* if there is one."""
        headers = {**self._headers, "Idempotency-Key": key} if key else self._headers
        return self._http.post(API + path, json=body, headers=headers)

    def put(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """PUT *body*."""
        return self._http.put(API + path, json=body, headers=self._headers)

    def buys(self, package: str, *, key: str | None = None) -> Any:
        """The checkout that is opened for a package."""
        answer = self.post("/purchase", {"package": package}, key=key)
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def available(self) -> Any:
        """What can be spent."""
        return self.get("/balance")["available"]

    @property
    def purchases(self) -> list[Any]:
        """The account's purchases in its ledger, newest first."""
        items: list[Any] = self.get("/transactions?type=purchase")["items"]
        return items


class Visitor:
    """A person at a browser without script."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def sign_in(self, email: str, password: str) -> "Visitor":
        """Through the form."""
        assert self.submits("/sign-in", "/sign-in", email=email, password=password).status_code == 303
        return self

    def sees(self, address: str, status: int = 200) -> str:
        """The words of a page."""
        answer = self.http.get(address)
        assert answer.status_code == status, f"{answer.status_code} {answer.headers.get('location', '')}"
        return words(answer.text)

    def submits(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open *page*, and send a form of it to *action*."""
        field = CSRF_FIELD.search(self.http.get(page).text)
        assert field, f"no form on {page}"
        token = html.unescape(field.group().partition('value="')[2].partition('"')[0])
        return self.http.post(action, data={**fields, "csrf_token": token})

    def presses_buy(self, package: str) -> httpx.Response:
        """The button of a package."""
        return self.submits("/credits/packages", "/credits/purchase", package=package)


def words(page: str) -> str:
    """What a page says, without its tags."""
    kept, inside = [], False
    for character in page:
        if character in "<>":
            inside = character == "<"
            kept.append(" ")
        elif not inside:
            kept.append(character)
    return " ".join(html.unescape("".join(kept)).split())


def letters_in(folder: Path) -> list[EmailMessage]:
    """The letters that were sent, as a mail program reads them."""
    files = sorted((folder / "mail").glob("*.eml"))
    return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


__all__ = [
    "ASKS",
    "DECLINES",
    "PATIENCE_SECONDS",
    "PAYS",
    "WEBHOOKS",
    "Door",
    "Polar",
    "Program",
    "Visitor",
    "eventually",
    "letters_in",
    "words",
]
