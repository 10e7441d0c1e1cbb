"""A day with every kind of secret, and a search for each of them in everything that was written down about it."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.deliveries import ADDRESS, signed
from tests.dev.conftest import eventually
from tests.faults.calling import call, consume
from tests.faults.product import Product
from tests.faults.report import Report
from tests.flows.house import Visitor
from tests.polar_stand_in.program import person

OWN_SETTINGS = ("SECRET_KEY", "POLAR_ACCESS_TOKEN", "POLAR_WEBHOOK_SECRET")
CARD = "4000 0000 0000 0341"  # it pays here, and unlike the usual one is in no greeting
FORGER = "whsec_" + "Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2VkIGZvcmc="
PATIENCE_SECONDS = 20.0
CREDITED_SECONDS = 20.0
# A shorter one could stand in a log by chance.
SHORTEST = 8


def secrets_in_logs(product: Product, _size: object, _seed: int) -> Report:
    """Sign up, sign in, buy, spend and be refused; then search every log for what only its owner may know."""
    report = Report(f"Secrets in logs: {product.kind}")
    used = {name: str(product.settings[name]) for name in OWN_SETTINGS}
    used["the key of a forger"] = FORGER
    with httpx.Client(base_url=f"http://127.0.0.1:{product.port}", timeout=PATIENCE_SECONDS) as http:
        used |= _a_person_buys(product, http, report)
    used |= _a_program_spends(product, report)
    _a_forger_is_refused(product, report)
    product.kill("web")  # what dies may have last words
    report.promise(bool(eventually(product.is_ready, PATIENCE_SECONDS)), "the web is back")

    logs = _everything_written(product)
    report.figure("secrets used", ", ".join(sorted(used)))
    report.figure("searched", f"{len(logs)} files, {sum(map(len, logs.values())):,} characters")
    short = [name for name, secret in used.items() if len(secret) < SHORTEST]
    report.promise(not short, f"every secret is long enough to be searched for: {short}")
    report.promise({"web.log", "worker.log", "clock.log", "polar.log"} <= set(logs), f"every part has a log: {[*logs]}")
    found = [f"{name} in {file}" for name, secret in used.items() for file, text in logs.items() if secret in text]
    report.promise(not found, f"no secret is in a log: {found}")
    return report


def _a_person_buys(product: Product, http: httpx.Client, report: Report) -> dict[str, str]:
    email, password, wrong = f"{uuid.uuid4()}@example.com", f"right {uuid.uuid4()}", f"wrong {uuid.uuid4()}"
    visitor = Visitor(http)
    with _cookies_of(http) as cookies:
        signed_up = visitor.submits("/sign-up", "/sign-up", email=email, password=password)
        visitor.submits("/credits", "/sign-out")
        refused = visitor.submits("/sign-in", "/sign-in", email=email, password=wrong)
        signed_in = visitor.submits("/sign-in", "/sign-in", email=email, password=password)
        bought = visitor.presses_buy("starter")
    page = bought.headers.get("location", "")
    paid = httpx.post(page, data=person(CARD, email=email), timeout=PATIENCE_SECONDS)
    back = http.get(paid.headers.get("location", ""))
    report.promise(signed_up.status_code == signed_in.status_code == 303, "a person signs up and in")
    report.promise(refused.status_code in {401, 422}, f"a wrong password is refused ({refused.status_code})")
    report.promise(bought.status_code == paid.status_code == 303, "a person pays at the checkout")
    report.promise(back.status_code == 200, "the buyer returns")
    widget = lambda: 'data-credits="1100"' in http.get("/credits/balance").text  # noqa: E731
    report.promise(bool(eventually(widget, CREDITED_SECONDS)), "the credits arrive")
    return {
        "password": password,
        "wrong password": wrong,
        "client secret of a checkout": page.rstrip("/").rpartition("/")[2],
        "card number": CARD.replace(" ", ""),
        "card number, in groups": CARD,
        **{f"cookie {number}": value for number, value in enumerate(sorted(cookies), 1)},
    }


def _a_program_spends(product: Product, report: Report) -> dict[str, str]:
    account_id = product.accounts(1)[0]
    key = product.key_for(account_id)
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    service_key = product.instance.flask("keys", "create", "--service").stdout.strip()
    charged, refused = consume(product.port, key), consume(product.port, wrong)
    unreadable = call(
        product.port, "POST", "/api/credits/consume", body=b"{", headers={"Authorization": f"Bearer {key}"}
    )
    headers = {"Authorization": f"Bearer {service_key}"}
    balance = call(product.port, "GET", f"/api/credits/balance?account={account_id}", headers=headers)
    report.promise((charged.status, refused.status, balance.status) == (201, 401, 200), "a program spends with its key")
    report.promise(400 <= unreadable.status < 500, "what is not JSON is refused")
    return {"API key": key, "wrong API key": wrong, "service key": service_key}


def _a_forger_is_refused(product: Product, report: Report) -> None:
    body = b'{"type":"order.paid","data":{}}'
    forged = call(product.port, "POST", ADDRESS, body=body, headers=signed(body, FORGER))
    genuine = call(product.port, "POST", ADDRESS, body=body, headers=signed(body, product.webhook_secret))
    report.promise((forged.status, genuine.status) == (403, 202), "a forged webhook is refused, a genuine one is not")


@contextlib.contextmanager
def _cookies_of(http: httpx.Client) -> Iterator[set[str]]:
    """Every value of every cookie that the product gives to this client inside the block."""
    seen: set[str] = set()

    def note(answer: httpx.Response) -> None:
        for header in answer.headers.get_list("set-cookie"):
            value = re.match(r"[^=]+=([^;]*)", header)
            if value and len(value[1]) >= SHORTEST:
                seen.add(value[1])

    http.event_hooks["response"].append(note)
    yield seen
    http.event_hooks["response"].remove(note)


def _everything_written(product: Product) -> dict[str, str]:
    """Every log in the data folder, what ``flask dev`` said, and what the second web said where there was one."""
    files: list[Path] = [
        *(product.instance.data / "log").iterdir(),
        product.instance.output,
        *product.folder.glob("*.log"),
    ]
    return {file.name: file.read_text(errors="replace") for file in files}
