"""A running product with its people, and a shopper whose purchases stand at every stage."""

import re
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from creditapp import demo
from tests.flows.house import Visitor, eventually
from tests.polar_stand_in.program import person

PATIENCE_SECONDS = 20
SHOPPERS_PASSWORD = "the four words of a shopper"
LONGER_THAN_USUAL_SECONDS = 90


class Town:
    """The address of a running product, the folder of its data, and the people who are signed in there."""

    def __init__(self, url: str, data: Path) -> None:
        self.url, self.data = url, data
        self._clients: dict[str, httpx.Client] = {}

    def visitor(self, email: str, password: str = demo.PASSWORD) -> Visitor:
        """Somebody at a browser without window or script, signed in once and for all."""
        if email not in self._clients:
            Visitor(self._client(email)).sign_in(email, password)
        return Visitor(self._clients[email])

    def newcomer(self, email: str, password: str) -> Visitor:
        """Somebody who signs up, and is signed in from then on."""
        answer = Visitor(self._client(email)).submits("/sign-up", "/sign-up", email=email, password=password)
        assert answer.status_code == 303, answer.text
        return Visitor(self._clients[email])

    def cookies(self, email: str) -> list[dict[str, str]]:
        """What a browser carries in which this person is signed in."""
        jar = self.visitor(email).http.cookies.jar
        return [{"name": one.name, "value": one.value or "", "url": self.url} for one in jar]

    def close(self) -> None:
        """Hang up."""
        for client in self._clients.values():
            client.close()

    def _client(self, email: str) -> httpx.Client:
        self._clients[email] = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
        return self._clients[email]


class Stage:
    """The paths of a shopper's pages: ``added`` (what was bought and credited), ``refunded``, ``adding``, ``slow`` …

    ``polar`` is the address of the stand-in, ``hosted`` a checkout that waits there for its buyer.
    """

    def __init__(self, town: Town) -> None:
        self.town = town
        self.email = f"shopper-{uuid.uuid4().hex[:8]}@example.com"
        self._shopper = town.newcomer(self.email, SHOPPERS_PASSWORD)
        self.hosted = self.opens("starter")
        self.polar = "{0.scheme}://{0.netloc}".format(urlsplit(self.hosted))

        self.added = self._pays(self.opens("professional"))
        assert eventually(lambda: "credits added" in self._shopper.sees(self.added), seconds=PATIENCE_SECONDS)
        self.purchase = self._link(self._shopper, self.added, r"/credits/\d+(?=/receipt)")

        self.refunded = self._pays(self.opens("business"))
        assert eventually(lambda: "credits added" in self._shopper.sees(self.refunded), seconds=PATIENCE_SECONDS)
        bought = self._link(self._shopper, self.refunded, r"/credits/\d+(?=/receipt)")
        order = self._link(self._shopper, bought, r'(?<=data-copy=")[^"]+(?=" aria-label="Copy order id")')
        self.control("refund", order=order, amount=10_500, status="succeeded")
        assert eventually(lambda: "was refunded" in self._shopper.sees(self.refunded), seconds=PATIENCE_SECONDS)

        self.control("webhooks", drop=True)
        self.adding = self._pays(self.opens("business"))
        self.slow = f"{self.adding}&since={int(time.time()) - LONGER_THAN_USUAL_SECONDS}"
        self.waiting = self.adding.partition("?")[0]
        self.control("webhooks")

        self.fails_once()
        assert self._shopper.presses_buy("starter").status_code == 503
        self.failed = f"/credits/checkouts/{self._failed_checkout()}"

    def control(self, verb: str, **body: Any) -> None:
        """Turn something at the stand-in for Polar."""
        httpx.post(f"{self.polar}/_control/{verb}", json=body, timeout=PATIENCE_SECONDS).raise_for_status()

    def fails_once(self) -> None:
        """The next checkout is not opened."""
        self.control("fail_next", path="/v1/checkouts", status=500)

    def opens(self, package: str) -> str:
        """A fresh checkout at Polar; its address."""
        return self._shopper.presses_buy(package).headers["location"]

    def transaction(self, email: str, kind: str) -> str:
        """The newest transaction of this kind that the person sees."""
        return self._link(self.town.visitor(email), f"/credits/history?type={kind}", r'(?<=class="plain" href=")[^"]+')

    def statement(self, email: str) -> str:
        """The statement of the month before this one."""
        _latest, before, *_ = re.findall(
            r"/credits/statements/[-\d]+", self.town.visitor(email).http.get("/credits/statements").text
        )
        return before

    def event(self) -> str:
        """The newest webhook that the operator sees."""
        return self._link(self.town.visitor(demo.OPERATOR.email), "/operator/", r"/operator/webhooks/\d+")

    def _pays(self, hosted: str) -> str:
        answer = httpx.post(hosted, data=person(email=self.email), timeout=PATIENCE_SECONDS)
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"

    def _failed_checkout(self) -> int:
        """No page names it: its buyer was told at once."""
        with closing(sqlite3.connect(self.town.data / "credits.sqlite")) as database:
            [(found,)] = database.execute(
                "SELECT id FROM checkouts WHERE state = 'failed' ORDER BY requested_at DESC LIMIT 1"
            )
        return int(found)

    def _link(self, visitor: Visitor, page: str, pattern: str) -> str:
        found = re.search(pattern, visitor.http.get(page).text)
        assert found, f"{pattern} is not on {page}"
        return found.group()
