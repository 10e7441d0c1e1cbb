"""``/v1/webhooks/endpoints``: who is told. The application's own endpoint is built in (facts §1.4)."""

import ipaddress
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import shapes
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import settings, store
from creditapp.polar_stand_in.listing import page
from creditapp.polar_stand_in.reading import Body, path_id
from creditapp.polar_stand_in.refusals import not_found, wrong_value
from creditapp.polar_stand_in.signing import SecretFile, is_standard, new_secret
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("endpoints", __name__, url_prefix="/v1/webhooks/endpoints")

BUILT_IN_ID = "b7c1d9e2-5f4a-4e0b-9a63-0d8e2f1c7a55"
DEAD_EVENTS = 10
FORMATS = ("raw", "discord", "slack")
EVENTS = tuple(
    f"{subject}.{event}"
    for subject, events in {
        "checkout": "created updated expired",
        "customer": "created updated deleted state_changed",
        "customer_seat": "assigned claimed revoked",
        "member": "created updated deleted",
        "order": "created updated paid refunded",
        "subscription": "created updated active canceled uncanceled cycled revoked past_due paused resumed migrated",
        "refund": "created updated",
        "product": "created updated",
        "discount": "created updated deleted",
        "benefit": "created updated",
        "benefit_grant": "created cycled updated revoked",
        "organization": "updated",
    }.items()
    for event in events.split()
)


@bp.get("")
def list_endpoints() -> Response:
    """Every endpoint, newest first."""
    with store().reading() as t:
        return page(t.all("endpoint"), _shape)


@bp.post("")
def create_endpoint() -> tuple[Response, int]:
    """A new endpoint. Its secret is made here and given in the answer."""
    body = Body()
    url, events = _url(body, required=True), _events(body, required=True)
    if body.required("format") is not None:
        body.choice("format", FORMATS)
    version = body.choice("api_version", shapes.API_VERSIONS, shapes.API_VERSION)
    name = body.text("name")
    body.done()
    with store().writing() as t:
        document = _endpoint(t, new_id(), str(url), events, secret=new_secret())
        document.update(name=name, format=body.given["format"], api_version=version)
        return jsonify(_shape(t.put("endpoint", document))), 201


@bp.get("/<id_>")
def get_endpoint(id_: str) -> Response:
    """One endpoint."""
    with store().reading() as t:
        return jsonify(_shape(_found(t, id_)))


@bp.patch("/<id_>")
def update_endpoint(id_: str) -> Response:
    """Change what is given."""
    with store().writing() as t:
        document, body = _found(t, id_), Body()
        changes: Document = {}
        if body.given.get("url") is not None:
            changes["url"] = _url(body, required=False)
        if body.given.get("events") is not None:
            changes["events"] = _events(body, required=False)
        if "name" in body:
            changes["name"] = body.text("name")
        for field, allowed in (("format", FORMATS), ("api_version", shapes.API_VERSIONS)):
            if body.given.get(field) is not None:
                changes[field] = body.choice(field, allowed)
        if body.given.get("enabled") is not None:
            changes["enabled"] = body.yes("enabled", default=None)
        body.done()
        if changes.get("enabled") and not document["_built_in"] and _why_not(str(changes.get("url", document["url"]))):
            msg = "Cannot enable a webhook endpoint with an invalid URL. Please update the URL first."
            raise wrong_value(["body", "enabled"], msg, changes["enabled"])
        document.update(changes, modified_at=stamp(t))
        return jsonify(_shape(t.put("endpoint", document)))


@bp.delete("/<id_>")
def delete_endpoint(id_: str) -> tuple[str, int]:
    """Forget an endpoint; what waits for it is skipped."""
    with store().writing() as t:
        t.remove("endpoint", _found(t, id_)["id"])
    return "", 204


@bp.patch("/<id_>/secret")
def reset_secret(id_: str) -> Response:
    """A new secret, which signs at once. The built-in endpoint's is put first in its file."""
    with store().writing() as t:
        document, secret = _found(t, id_), new_secret()
        if document["_built_in"]:
            settings().secrets.put_first(secret)
        else:
            document["secret"] = secret
        document["modified_at"] = stamp(t)
        return jsonify(_shape(t.put("endpoint", document)))


def disable_if_dead(t: Transaction, endpoint_id: str) -> None:
    """Polar gives up on an endpoint whose last ten events all failed for good; what waits for it is skipped."""
    endpoint = t.get("endpoint", endpoint_id)
    states = t.rows(
        "SELECT state FROM deliveries WHERE endpoint_id = ? AND state IN ('delivered', 'failed')"
        " ORDER BY last_try DESC LIMIT ?",
        endpoint_id,
        DEAD_EVENTS,
    )
    if endpoint is None or [row["state"] for row in states] != ["failed"] * DEAD_EVENTS:
        return
    t.put("endpoint", {**endpoint, "enabled": False, "modified_at": stamp(t)})
    t.run("UPDATE deliveries SET state = 'skipped' WHERE endpoint_id = ? AND state = 'waiting'", endpoint_id)


def build_in(t: Transaction, url: str) -> None:
    """The endpoint of the command line, which may be on this machine; it hears every event, from every start on."""
    fresh = _endpoint(t, BUILT_IN_ID, url, list(EVENTS), secret="")  # the file has it
    document = t.get("endpoint", BUILT_IN_ID) or fresh
    t.put("endpoint", {**document, "url": url, "enabled": True, "_built_in": True})


def secret_of(endpoint: Document, secrets: SecretFile) -> str:
    """The secret that signs for this endpoint now."""
    return secrets.signing() if endpoint["_built_in"] else str(endpoint["secret"])


def _endpoint(t: Transaction, id_: str, url: str, events: list[str], *, secret: str) -> Document:
    return {
        "created_at": stamp(t),
        "modified_at": None,
        "id": id_,
        "url": url,
        "name": None,
        "format": "raw",
        "secret": secret,
        "organization_id": shapes.ORGANIZATION_ID,
        "events": events,
        "enabled": True,
        "api_version": shapes.API_VERSION,
        "_built_in": False,
    }


def _shape(document: Document) -> Document:
    secret = secret_of(document, settings().secrets)
    return {**shapes.public(document), "secret": secret, "uses_standard_webhook_signature": is_standard(secret)}


def _url(body: Body, *, required: bool) -> str | None:
    url = body.required("url") if required else body.given.get("url")
    if not isinstance(url, str):
        return None
    if urlsplit(url).scheme != "https":
        if urlsplit(url).scheme and "://" in url:
            body.wrong("url_scheme", "url", "URL scheme should be 'https'", url, expected_schemes="'https'")
        else:
            body.url("url")
    elif why := _why_not(url):
        body.wrong("value_error", "url", f"Value error, {why}", url, error={})
    return url


def _why_not(url: str) -> str:
    """Why Polar does not send there; empty when it does."""
    host = urlsplit(url).hostname or ""
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        public = host != "localhost" and not host.endswith((".localhost", ".local", ".internal"))
    if not host or not public:
        return "Webhook URLs cannot point to localhost or private IP addresses."
    return "" if urlsplit(url).scheme == "https" else "Webhook URLs must use https."


def _events(body: Body, *, required: bool) -> list[str]:
    events = body.required("events") if required else body.given.get("events")
    if events is None:
        return []
    if not isinstance(events, list):
        body.wrong("list_type", "events", "Input should be a valid list", events)
        return []
    for i, event in enumerate(events):
        if event not in EVENTS:
            words = ", ".join(f"'{known}'" for known in EVENTS)
            body.wrong("enum", ["events", i], f"Input should be {words}", event, expected=words)
    return list(events)


def _found(t: Transaction, id_: str) -> Document:
    document = t.get("endpoint", path_id(id_))
    if document is None:
        raise not_found()
    return document
