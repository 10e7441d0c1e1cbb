"""What holds for every page, those to come too: who gets in, what every answer carries, what every form needs."""

import re
import tempfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from creditapp import alerts, checkout, clock, identity, ledger, packages, webhooks
from creditapp.db import db, transaction
from tests.browsing import Client, csrf_token
from tests.conftest import PASSWORD
from tests.databases import SQLITE, Databases, app_on
from tests.deliveries import ADDRESS as WEBHOOK
from tests.web.tree import tree

# For everybody; machines have keys and signatures of their own.
PUBLIC_PAGES = {
    "static",
    "auth.sign_in",
    "auth.sign_up",
    "resets.forgot",
    "resets.choose",
    "prices.index",
    "unsubscribe.ask",
    "health.healthz",
    "health.readyz",
    "metrics.metrics",
    "api_docs.openapi",
    "api_docs.index",
}
PUBLIC_FORMS = {"auth.begin_session", "auth.create_account", "resets.ask", "resets.set_password", "theme.choose"}
# One address, under which everybody finds what is their own.
EVERYBODYS = {"static", "statements.show"}
FOR_MACHINES = {"webhooks.polar", "unsubscribe.stop"}  # the second for mail programs, too
HTTPS = {"base_url": "https://credits.example.com", "headers": {"Referer": "https://credits.example.com/"}}
ELSEWHERE = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "evil.example",
]


def _rules() -> list[Rule]:
    """Every rule of the app for people."""
    with tempfile.TemporaryDirectory() as folder:
        app = app_on("sqlite://", Path(folder))
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in FOR_MACHINES and not rule.endpoint.startswith("api.")
    ]


def _named(rule: Rule) -> str:
    return f"{rule.endpoint} {rule.rule}"


def _taking(method: str) -> list[Rule]:
    return [rule for rule in RULES if method in (rule.methods or ())]


RULES = _rules()
STAFF = [rule for rule in RULES if rule.rule.startswith("/operator")]
PAGES = [rule for rule in _taking("GET") if rule.endpoint not in PUBLIC_PAGES and rule not in STAFF]
FORMS = _taking("POST")
CUSTOMERS_FORMS = [rule for rule in FORMS if rule.endpoint not in PUBLIC_FORMS and rule not in STAFF]


@pytest.fixture
def things(app: Flask, alice: identity.User, account: int) -> dict[str, int | str]:
    """One of everything that an address can name, each Alice's; a new kind of argument must be added here."""
    with transaction():
        packages.seed({"starter": "product-starter"})
        bought = checkout.Checkout(
            account_id=account,
            package_id=packages.by_key("starter").id,
            state="open",
            credits=1_000,
            price_cents=1_000,
            currency="usd",
            requested_at=clock.now(),
        )
        db.session.add(bought)
        webhooks.receive("msg_of_this_test", b'{"type": "order.paid", "data": {}}')
        db.session.flush()
        identity.create_key(account, name="tests", scopes=("read",), live=False)
        event_id = webhooks.waiting(1, longer_than=timedelta(0))[0]
        alerts.raise_alert(account, "debt", {"debt": "1"})
        rule_id = alerts.add_for_key(account, identity.keys_of(account)[0].id, Decimal(5)).id
    return {
        "transaction_id": ledger.entries(account)[0].id,
        "checkout_id": bought.id,
        "event_id": event_id,
        "key_id": identity.keys_of(account)[0].id,
        "alert_id": alerts.page(account, 1)[0].id,
        "rule_id": rule_id,
        "token": "made-up",
        "month": f"{clock.now():%Y-%m}",
    }


def address(app: Flask, rule: Rule, things: dict[str, int]) -> str:
    """The address of a rule, about Alice's things."""
    with app.test_request_context():
        built = rule.build({name: things[name] for name in rule.arguments})
    assert built is not None
    return built[1]


@pytest.mark.parametrize("rule", PAGES, ids=_named)
def test_a_visitor_is_sent_to_the_sign_in_page(
    app: Flask, client: FlaskClient, things: dict[str, int], rule: Rule
) -> None:
    page = client.get(address(app, rule, things), follow_redirects=True)
    assert page.request.path == "/sign-in"
    assert tree(page).one("h1").words == "Sign in"


@pytest.mark.parametrize("rule", CUSTOMERS_FORMS, ids=_named)
def test_a_visitors_form_leads_to_the_sign_in_page_and_does_nothing(
    app: Flask, client: FlaskClient, things: dict[str, int], rule: Rule
) -> None:
    answer = client.post(address(app, rule, things), data={"csrf_token": csrf_token(client.get("/sign-in"))})
    assert answer.status_code == 303
    assert answer.location.split("?")[0] == "/sign-in"


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.arguments and rule.endpoint not in EVERYBODYS], ids=_named
)
def test_a_stranger_gets_404_for_what_is_another_persons(
    app: Flask,
    things: dict[str, int],
    charlie: identity.User,
    browser_of: Callable[[identity.User], FlaskClient],
    rule: Rule,
) -> None:
    stranger, path = browser_of(charlie), address(app, rule, things)
    if "GET" in (rule.methods or ()):
        assert stranger.get(path).status_code == 404
    if "POST" in (rule.methods or ()):
        token = csrf_token(stranger.get("/credits/settings"))
        assert stranger.post(path, data={"csrf_token": token, "reason": "because"}).status_code == 404


@pytest.mark.parametrize("rule", STAFF, ids=_named)
def test_for_anybody_but_the_sellers_staff_there_are_no_operator_pages(
    app: Flask,
    things: dict[str, int],
    client: FlaskClient,
    browser: FlaskClient,
    bob: identity.User,
    browser_of: Callable[[identity.User], FlaskClient],
    rule: Rule,
) -> None:
    path = address(app, rule, things)
    token = csrf_token(browser.get("/credits/settings"))
    if "GET" in (rule.methods or ()):
        assert client.get(path).status_code == browser.get(path).status_code == 404
        assert browser_of(bob).get(path).status_code == 200
    else:
        assert browser.post(path, data={"csrf_token": token}).status_code == 404
        visitors = {"csrf_token": csrf_token(client.get("/sign-in"))}
        assert client.post(path, data=visitors).status_code == 404


def test_an_operator_page_that_does_not_exist_looks_like_one_that_is_hidden(browser: FlaskClient) -> None:
    hidden, missing = browser.get("/operator/"), browser.get("/operator/no-such-page")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text


@pytest.mark.parametrize("token", [None, "", "made-up"], ids=["missing", "empty", "made up"])
@pytest.mark.parametrize("rule", FORMS, ids=_named)
def test_every_form_refuses_a_missing_token(
    app: Flask,
    things: dict[str, int],
    bob: identity.User,
    browser_of: Callable[[identity.User], FlaskClient],
    rule: Rule,
    token: str | None,
) -> None:
    fields = {"email": "dora@example.com", "password": PASSWORD, "theme": "dark", "name": "Mallory"}
    answer = browser_of(bob).post(
        address(app, rule, things), data=fields if token is None else {**fields, "csrf_token": token}
    )
    assert "Go back, reload the page and try again." in tree(answer, 400).words
    assert "Set-Cookie" not in answer.headers


def test_the_token_of_one_browser_is_worth_nothing_in_another(
    browser: FlaskClient, charlie: identity.User, browser_of: Callable[[identity.User], FlaskClient]
) -> None:
    stolen = csrf_token(browser_of(charlie).get("/credits/settings"))
    answer = browser.post("/credits/settings/name", data={"name": "Mallory", "csrf_token": stolen})
    assert answer.status_code == 400


@pytest.mark.parametrize("rule", [rule for rule in _taking("GET") if rule.endpoint != "static"], ids=_named)
def test_every_page_is_made_of_files_from_here_and_every_form_carries_the_token(
    app: Flask,
    things: dict[str, int],
    alice: identity.User,
    browser_of: Callable[[identity.User], FlaskClient],
    client: FlaskClient,
    rule: Rule,
) -> None:
    with transaction():
        db.session.get_one(identity.User, alice.id).is_operator = True  # she sees every page, and her own things
    reader = client if rule.endpoint in PUBLIC_PAGES else browser_of(alice)
    answer = reader.get(address(app, rule, things), follow_redirects=True)
    if answer.mimetype != "text/html":
        return
    page = tree(answer, answer.status_code)
    for form in page.every("form"):
        if form.attributes.get("method", "get").lower() == "post":
            assert form.one("input", type="hidden", name="csrf_token")["value"]
            assert form.attributes.get("action", "/").startswith("/")
    nodes = list(page._nodes())
    assert not [node for node in nodes if "style" in node.attributes or node.tag == "style"]
    assert not [name for node in nodes for name in node.attributes if name.startswith(("on", "hx-on"))]
    scripts = [node for node in page.every("script") if node.attributes.get("type") != "application/json"]
    assert all(node["src"].startswith("/static/") and not node.words for node in scripts)
    files = [node["href"] for tag in ("link", "use") for node in page.every(tag)]
    assert all(file.startswith("/static/") for file in files)
    ids = [node["id"] for node in nodes if "id" in node.attributes]
    assert len(ids) == len(set(ids))


def _answers(app: Flask, browser: FlaskClient) -> dict[str, TestResponse]:
    visitor = app.test_client()
    return {
        "page": visitor.get("/sign-in"),
        "signed in": browser.get("/credits"),
        "redirect": visitor.get("/credits"),
        "file": visitor.get("/static/app.css"),
        "missing file": visitor.get("/static/nothing.css"),
        "not found": visitor.get("/no-such-page"),
        "wrong method": visitor.get("/sign-out"),
        "no token": visitor.post("/sign-in"),
        "refused sign-in": visitor.post("/sign-in", data={"csrf_token": csrf_token(visitor.get("/sign-in"))}),
        "too large": visitor.post("/sign-in", data={"email": "x" * 1_100_000}),
        "machines' error": visitor.get("/api/credits/balance"),
        "unsigned webhook": visitor.post(WEBHOOK, data=b"{}"),
        "health": visitor.get("/healthz"),
        "old tab": visitor.get("/credits", headers={"HX-Request": "true"}),
    }


def test_every_answer_carries_the_security_headers_errors_and_files_too(app: Flask, browser: FlaskClient) -> None:
    for kind, answer in _answers(app, browser).items():
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", kind
        assert headers["X-Frame-Options"] == "DENY", kind
        assert headers["Referrer-Policy"] == "same-origin", kind
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", kind
        assert _policy(answer)["default-src"] == ["'none'"], kind
        if kind not in {"file", "missing file"}:
            assert headers["Cache-Control"] == "no-store", kind
        assert "Strict-Transport-Security" not in headers, kind


def test_a_page_that_breaks_carries_them_too_and_tells_nothing_of_the_inside(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.empty(SQLITE)  # no tables at all
    broken = app_on(url, tmp_path)
    broken.test_client_class = Client
    with broken.app_context():
        client = broken.test_client()
        token = csrf_token(client.get("/sign-in"))
        answer = client.post("/sign-in", data={"email": "a@example.com", "password": "x", "csrf_token": token})

    assert answer.status_code == 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert _policy(answer)["default-src"] == ["'none'"]
    assert "Something broke on our side" in tree(answer, 500).words
    assert not re.search(r"sqlite|Traceback|no such table", answer.text, re.IGNORECASE)


def test_an_error_page_needs_no_database_even_for_a_person_who_is_signed_in(
    app: Flask, browser: FlaskClient, tmp_path: Path
) -> None:
    nowhere = app_on("sqlite:////no/such/folder/credits.sqlite", tmp_path / "nowhere")
    nowhere.test_client_class = Client
    with nowhere.app_context():
        elsewhere = nowhere.test_client()
        session = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert session
        elsewhere.set_cookie(session.key, session.value)
        answer = elsewhere.get("/credits")
    assert "Something broke on our side" in tree(answer, 500).words


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere_but_polars_checkout(client: FlaskClient) -> None:
    policy = _policy(client.get("/sign-in"))
    assert policy == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'", "https://sandbox.polar.sh", "https://sandbox-api.polar.sh"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }


@pytest.mark.settings(polar_server="http://127.0.0.1:5050")
def test_with_a_polar_of_ones_own_forms_may_lead_there(client: FlaskClient) -> None:
    assert _policy(client.get("/sign-in"))["form-action"] == ["'self'", "http://127.0.0.1:5050"]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_after_signing_in_nobody_is_sent_to_another_site(
    app: Flask, client: FlaskClient, browser: FlaskClient, alice: identity.User, target: str
) -> None:
    fields = {"email": alice.email, "password": PASSWORD, "csrf_token": csrf_token(client.get("/sign-in"))}
    answers = [
        client.post("/sign-in", query_string={"next": target}, data=fields),
        browser.get("/sign-in", query_string={"next": target}),
        browser.get("/sign-up", query_string={"next": target}),
        browser.post(
            "/theme", data={"theme": "dark", "next": target, "csrf_token": csrf_token(browser.get("/credits"))}
        ),
    ]
    assert [(answer.status_code, answer.location) for answer in answers] == [(303, "/credits")] * 4


@pytest.mark.settings(app_url="https://credits.example.com")
def test_over_https_cookies_are_bound_to_the_host_and_to_tls(client: FlaskClient, alice: identity.User) -> None:
    page = client.get("/sign-in", **HTTPS)
    token = csrf_token(page)
    signed_in = client.post("/sign-in", data={"email": alice.email, "password": PASSWORD, "csrf_token": token}, **HTTPS)
    assert signed_in.status_code == 303
    themed = client.post(
        "/theme", data={"theme": "dark", "csrf_token": csrf_token(client.get("/credits", **HTTPS))}, **HTTPS
    )

    cookies = [*signed_in.headers.getlist("Set-Cookie"), *themed.headers.getlist("Set-Cookie")]
    names = {cookie.partition("=")[0] for cookie in cookies}
    assert {"__Host-session", "__Host-theme"} <= names
    for cookie in cookies:
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "path=/", "samesite=lax"} <= parts, cookie
        assert not any(part.startswith("domain") for part in parts), cookie
    assert "max-age=" in page.headers["Strict-Transport-Security"]


@pytest.mark.settings(app_url="http://127.0.0.1:5001")
def test_two_instances_on_one_machine_do_not_share_a_cookie(client: FlaskClient) -> None:
    (cookie,) = client.get("/sign-in").headers.getlist("Set-Cookie")
    assert cookie.startswith("session_5001=")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}


def _session_of(app: Flask, browser: FlaskClient) -> str:
    cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie
    return cookie.value


def _replays(app: Flask, session: str) -> TestResponse:
    thief = app.test_client()
    thief.set_cookie(app.config["SESSION_COOKIE_NAME"], session)
    return thief.get("/credits")


def test_a_cookie_from_before_the_sign_out_is_worth_nothing_afterwards(app: Flask, browser: FlaskClient) -> None:
    kept = _session_of(app, browser)
    assert _replays(app, kept).status_code == 200

    browser.post("/sign-out", data={"csrf_token": csrf_token(browser.get("/credits"))})

    assert _replays(app, kept).status_code == 303


def test_a_cookie_that_was_stolen_is_worth_nothing_once_the_password_is_changed(
    app: Flask, browser: FlaskClient, alice: identity.User, browser_of: Callable[[identity.User], FlaskClient]
) -> None:
    stolen = _session_of(app, browser_of(alice))
    form: dict[str, Any] = {"current_password": PASSWORD, "new_password": "seven other words for the door"}
    form["csrf_token"] = csrf_token(browser.get("/credits/settings"))

    assert browser.post("/credits/settings/password", data=form).status_code == 303

    assert _replays(app, stolen).status_code == 303
    assert browser.get("/credits").status_code == 200


def test_a_session_ends_by_itself_after_two_weeks(app: Flask, browser: FlaskClient) -> None:
    with clock.at(clock.now() + timedelta(days=14, seconds=1)):
        assert browser.get("/credits").status_code == 303


def test_signing_in_begins_a_new_session_whatever_the_browser_carried_before(
    app: Flask, client: FlaskClient, alice: identity.User, sign_in: Callable[..., None]
) -> None:
    before = csrf_token(client.get("/sign-in"))
    planted = _session_of(app, client)

    sign_in(client, alice)

    assert _session_of(app, client) != planted
    assert _replays(app, planted).status_code == 303
    answer = client.post("/credits/settings/name", data={"name": "Mallory", "csrf_token": before})
    assert answer.status_code == 400


def test_a_cookie_that_somebody_wrote_themselves_is_no_session(app: Flask, client: FlaskClient) -> None:
    assert _replays(app, "eyJfdXNlcl9pZCI6IjEifQ.made.up").status_code == 303


def _policy(answer: TestResponse) -> dict[str, list[str]]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return {name: values for name, *values in (part.split() for part in parts)}
