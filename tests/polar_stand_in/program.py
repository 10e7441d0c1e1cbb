"""The running stand-in, a person at its pages, and a shop that receives its webhooks."""

import base64
import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
from polar.v2026_10 import Polar

TOKEN = "polar_oat_test"  # a made-up token
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
START_SECONDS = 15
PATIENCE_SECONDS = 10

Json = dict[str, Any]
Found = TypeVar("Found")


def eventually(probe: Callable[[], Found], *, seconds: float = PATIENCE_SECONDS) -> Found:
    """The first true answer of *probe*, or its last one when the patience is over."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while not (answer := probe()) and time.monotonic() < end:
        pause.wait(0.02)
    return answer


def person(card: str = "4242 4242 4242 4242", **fields: str) -> dict[str, str]:
    """What a person types on a hosted page."""
    return {
        "card_number": card,
        "email": "ada@example.com",
        "name": "Ada Buyer",
        "country": "US",
        "line1": "20 W 34th St",
        "city": "New York",
        "postal_code": "10001",
        "state": "NY",
        **fields,
    }


class Letter:
    """One webhook as it arrived."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self.headers, self.body = headers, body
        self.id = headers["webhook-id"]
        self.json: Json = json.loads(body)
        self.type: str = self.json["type"]
        self.data: Json = self.json["data"]


class Shop:
    """A tiny server that receives webhooks and answers what it is told to answer."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.answer: Callable[[Letter, int], int] = lambda _letter, _count: 202
        self._arrived = threading.Condition()
        shop = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                letter = Letter({name.lower(): value for name, value in self.headers.items()}, body)
                with shop._arrived:
                    shop.letters.append(letter)
                    count = len([seen for seen in shop.letters if seen.id == letter.id])
                    shop._arrived.notify_all()
                status = shop.answer(letter, count)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/polar/credits"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def about(self, *ids: str) -> list[Letter]:
        """What arrived about these objects, in the order of arrival."""
        return [letter for letter in list(self.letters) if letter.data["id"] in ids]

    def wait_for(
        self, fits: Callable[[Letter], bool], *, count: int = 1, seconds: float = PATIENCE_SECONDS
    ) -> list[Letter]:
        """At least *count* fitting letters."""

        def found() -> list[Letter]:
            return [letter for letter in self.letters if fits(letter)]

        with self._arrived:
            enough = self._arrived.wait_for(lambda: len(found()) >= count, timeout=seconds)
            assert enough, f"{len(found())} of {count} arrived; there are {[letter.type for letter in self.letters]}"
            return found()


class StandIn:
    """The program, started on a free port of this machine."""

    def __init__(self, folder: Path, webhook_url: str, *, secret: str = SECRET) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._webhook_url = folder, webhook_url
        self.secret_file = folder / "webhook-secret"
        self.secret_file.write_text(secret + "\n")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self._clients = contextlib.ExitStack()
        self.polar: Any = self._clients.enter_context(Polar(TOKEN, base_url=self.base))
        known = {"Authorization": f"Bearer {TOKEN}"}
        self.http = self._clients.enter_context(httpx.Client(base_url=self.base, headers=known))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "StandIn":
        command = [
            sys.executable,
            "-m",
            "creditapp.polar_stand_in",
            "--port",
            str(self.port),
            "--data",
            str(self.folder),
        ]
        command += [
            "--webhook-url",
            self._webhook_url,
            "--webhook-secret-file",
            str(self.secret_file),
            "--token",
            TOKEN,
        ]
        self.log = self.folder / "log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        assert eventually(self._answers, seconds=START_SECONDS), self.log.read_text()
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def end(self, sig: int = signal.SIGTERM) -> int:
        """Send the signal and wait; the exit code."""
        assert self._process is not None
        self._process.send_signal(sig)
        return self._process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGKILL)
        self._clients.close()

    def control(self, verb: str, **body: Any) -> Json:
        answer = self.http.post(f"/_control/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        given: Json = answer.json()
        return given

    def charges(self, order_ids: set[str] | None = None) -> list[Json]:
        items: list[Json] = self.http.get("/_control/charges").json()["items"]
        return items if order_ids is None else [item for item in items if item["order"] in order_ids]

    def deliveries(self, *subjects: str) -> list[Json]:
        items: list[Json] = self.http.get("/_control/deliveries").json()["items"]
        return [item for item in items if item["subject"] in subjects]

    def sell(self, name: str = "Professional", cents: int = 4000) -> Any:
        price = {"amount_type": "fixed", "price_amount": cents, "price_currency": "usd"}
        return self.polar.products.create(name=name, prices=[price], metadata={"credits": 5000})

    def open_checkout(self, **fields: Any) -> Any:
        product = fields.pop("product", None) or self.sell()
        fields.setdefault("success_url", "http://127.0.0.1:5000/credits/checkouts/7?c={CHECKOUT_ID}")
        return self.polar.checkouts.create(products=[product.id], **fields)

    def post(self, url: str, fields: dict[str, str]) -> httpx.Response:
        """A person's browser sends a form: no token, redirects not followed."""
        return httpx.post(url, data=fields, timeout=PATIENCE_SECONDS)

    def orders_of(self, checkout: Any) -> list[Any]:
        orders: list[Any] = self.polar.orders.list(checkout_id=checkout.id).items
        return orders

    def buy(self, **fields: Any) -> tuple[Any, Any]:
        """A checkout that was paid, and its order."""
        email = fields.pop("email", "ada@example.com")
        checkout = self.open_checkout(**fields)
        assert self.post(checkout.url, person(email=email)).status_code == 303
        return checkout, self.orders_of(checkout)[0]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/_control/charges").status_code == 200
        except (httpx.TransportError, http.client.HTTPException):
            return False
