"""A running product with its people, and the shopper whose purchases stand at every stage."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from creditapp import demo
from tests.flows.house import PAYS, Visitor, eventually
from tests.polar_stand_in.program import person

PATIENCE_SECONDS = 20
SHOPPERS_PASSWORD = "a shopper's four words"
SLOW_SECONDS = 90


@dataclass
class Town:
    """The addresses of a running product, and the people who are signed in there already."""

    url: str
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def visitor(self, email: str = "", password: str = demo.PASSWORD) -> Visitor:
        """Somebody at a browser without script; signed in where an *email* is given, only once for each."""
        if email not in self._clients:
            self._clients[email] = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
            if email:
                Visitor(self._clients[email]).sign_in(email, password)
        return Visitor(self._clients[email])

    def cookies(self, email: str) -> list[dict[str, str]]:
        """What a browser carries in which this person is signed in."""
        jar = self.visitor(email).http.cookies.jar
        return [{"name": one.name, "value": one.value or "", "url": self.url} for one in jar]

    def newcomer(self, email: str, password: str) -> Visitor:
        """Somebody who signs up."""
        self._clients[email] = httpx.Client(base_url=self.url, timeout=PATIENCE_SECONDS)
        answer = Visitor(self._clients[email]).submits("/sign-up", "/sign-up", email=email, password=password)
        assert answer.status_code == 303, answer.text
        return Visitor(self._clients[email])

    def close(self) -> None:
        """Hang up."""
        for client in self._clients.values():
            client.close()


class Stage:
    """A shopper with one purchase at every stage; the addresses of their pages."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.email = f"shopper-{uuid.uuid4().hex[:8]}@example.com"
        self._shopper = town.newcomer(self.email, SHOPPERS_PASSWORD)
        self.hosted = self._opens("starter")
        self.polar = "{0.scheme}://{0.netloc}".format(urlsplit(self.hosted))
        self.waiting = self._back_from(self.hosted)

        self.added = self._pays(self._opens("professional"))
        assert eventually(lambda: "credits added" in self._shopper.sees(self.added), seconds=PATIENCE_SECONDS)
        self.purchase = self._link(self.added, r"/credits/\d+(?=/receipt)")

        self.control("webhooks", drop=True)
        self.adding = self._pays(self._opens("business"))
        self.slow = f"{self.adding}&since={int(time.time()) - SLOW_SECONDS}"
        self.control("webhooks")

    def control(self, verb: str, **body: Any) -> None:
        """Turn something at the stand-in for Polar."""
        httpx.post(f"{self.polar}/_control/{verb}", json=body, timeout=PATIENCE_SECONDS).raise_for_status()

    def first(self, email: str, page: str) -> str:
        """The first transaction that *page* shows to this person."""
        return self._link(page, r'(?<=class="plain" href=")/credits/\d+', self.town.visitor(email))

    def first_event(self) -> str:
        """The newest webhook that the operator sees."""
        return self._link("/operator/", r"/operator/webhooks/\d+", self.town.visitor(demo.OPERATOR.email))

    def opens_and_declines(self) -> str:
        """A fresh hosted checkout."""
        return self._opens("starter")

    def _opens(self, package: str) -> str:
        return self._shopper.presses_buy(package).headers["location"]

    def _pays(self, hosted: str) -> str:
        answer = httpx.post(hosted, data=person(PAYS, email=self.email), timeout=PATIENCE_SECONDS)
        parts = urlsplit(answer.headers["location"])
        return f"{parts.path}?{parts.query}"

    def _back_from(self, hosted: str) -> str:
        """The return page of a checkout that is not paid: the packages page does not name it, Polar does."""
        page = httpx.get(hosted, timeout=PATIENCE_SECONDS)
        policy = page.headers["content-security-policy"]
        assert self.town.url in policy
        return ""

    def _link(self, page: str, pattern: str, visitor: Visitor | None = None) -> str:
        text = (visitor or self._shopper).http.get(page).text
        found = re.search(pattern, text)
        assert found, f"{pattern} is not on {page}"
        return found.group()


Arrive = Callable[[Any, Stage], None]
