"""``/v1/customers/``: who buys. E-mail and external id are unique; an external id once set never changes (facts §4)."""

import hashlib
from typing import Any

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import shapes
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import asked, asked_yes, matching, page
from creditapp.polar_stand_in.reading import Body, path_id
from creditapp.polar_stand_in.refusals import Problem, not_found, problem, refused, wrong_value
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("customers", __name__, url_prefix="/v1/customers")

LONGEST_NAME = 256
SORTS = {
    "created_at": lambda c: c["created_at"],
    "email": lambda c: c["_email"],
    "name": lambda c: (c["name"] or "").lower(),
    "customer_name": lambda c: (c["name"] or "").lower(),
}


@bp.get("/")
def list_customers() -> Response:
    """Customers, newest first."""
    with store().reading() as t:
        emails = [email.lower() for email in asked("email")]
        listed = matching(t.all("customer", _email=emails) if emails else t.all("customer"))
    listed = [c for c in listed if c["deleted_at"] is None]
    for words in asked("query"):
        listed = [c for c in listed if words.lower() in f"{c['email']} {c['name']} {c['external_id']}".lower()]
    return page(listed, shapes.customer, sorts=SORTS)


@bp.post("/")
def create_customer() -> tuple[Response, int]:
    """A new customer."""
    body = Body()
    email = body.email("email", required=True)
    given = _given(body)
    body.choice("type", ("individual",), "individual")
    body.done()
    with store().writing() as t:
        _refuse_taken(t, email=email, external_id=given.get("external_id"), but="")
        document = new_customer(t, email=str(email), **given)
        announce(t, "customer.created", document)
    return jsonify(shapes.customer(document)), 201


@bp.get("/<id_>")
def get_customer(id_: str) -> Response:
    """One customer by Polar's id."""
    with store().reading() as t:
        return jsonify(shapes.customer(found(t, path_id(id_))))


@bp.get("/external/<external_id>")
def get_external_customer(external_id: str) -> Response:
    """One customer by the merchant's id."""
    with store().reading() as t:
        return jsonify(shapes.customer(found_external(t, external_id)))


@bp.get("/<id_>/state")
def get_state(id_: str) -> Response:
    """One customer and what is active for it."""
    with store().reading() as t:
        return jsonify(shapes.customer_state(found(t, path_id(id_))))


@bp.get("/external/<external_id>/state")
def get_external_state(external_id: str) -> Response:
    """One customer by the merchant's id and what is active for it."""
    with store().reading() as t:
        return jsonify(shapes.customer_state(found_external(t, external_id)))


@bp.patch("/<id_>")
def update_customer(id_: str) -> Response:
    """Change what is given."""
    id_ = path_id(id_)
    with store().writing() as t:
        return _update(t, found(t, id_))


@bp.patch("/external/<external_id>")
def update_external_customer(external_id: str) -> Response:
    """Change what is given, by the merchant's id."""
    with store().writing() as t:
        return _update(t, found_external(t, external_id))


@bp.delete("/<id_>")
def delete_customer(id_: str) -> tuple[str, int]:
    """Delete a customer."""
    id_ = path_id(id_)
    with store().writing() as t:
        _delete(t, found(t, id_))
    return "", 204


@bp.delete("/external/<external_id>")
def delete_external_customer(external_id: str) -> tuple[str, int]:
    """Delete a customer, by the merchant's id."""
    with store().writing() as t:
        _delete(t, found_external(t, external_id))
    return "", 204


def asked_ids(t: Transaction) -> list[str] | None:
    """Whom a query asks for by ``customer_id`` or ``external_customer_id``, as Polar's ids; None when by neither."""
    ids, externals = asked("customer_id"), asked("external_customer_id")
    if not externals:
        return ids or None
    known = [customer["id"] for customer in t.all("customer", external_id=externals)]
    return [id_ for id_ in known if id_ in ids] if ids else known


def new_customer(t: Transaction, *, email: str, **given: Any) -> Document:
    """Write a new customer; it is the caller who announces it."""
    name = given.get("name")
    return t.put(
        "customer",
        {
            "id": new_id(),
            "created_at": stamp(t),
            "modified_at": None,
            "metadata": given.get("metadata", {}),
            "external_id": given.get("external_id"),
            "email": email,
            "email_verified": False,
            "type": "individual",
            "name": name,
            "billing_name": name,
            "billing_address": given.get("billing_address"),
            "tax_id": None,
            "locale": given.get("locale"),
            "organization_id": shapes.ORGANIZATION_ID,
            "default_payment_method_id": None,
            "deleted_at": None,
            "first_user_event_at": None,
            "_email": email.lower(),
            "_processor_id": "cus_" + new_id().replace("-", "")[:24],
        },
    )


def change(t: Transaction, document: Document, **changes: Any) -> Document:
    """Write changes of a customer; it is the caller who announces them."""
    document.update(changes, modified_at=stamp(t))
    document["_email"] = None if document["deleted_at"] else document["email"].lower()
    return t.put("customer", document)


def announce(t: Transaction, type_: str, document: Document) -> None:
    """Every write to a customer is followed by its state (facts §2.2)."""
    t.emit(type_, shapes.customer(document))
    t.emit("customer.state_changed", shapes.customer_state(document))


def may_be_taxed(document: Document) -> bool:
    """Whether the address is complete. Without any, Polar takes no tax and lets it be (facts §1.5)."""
    address = document["billing_address"]
    if address is None:
        return True
    needed = ["country", "line1", "city", "postal_code"]
    if address["country"] in shapes.STATE_COUNTRIES:
        needed.append("state")
    return all(address[name] for name in needed)


def found(t: Transaction, id_: str) -> Document:
    """Give the customer with Polar's id; 404 when there is none."""
    document = living(t, id_)
    if document is None:
        raise not_found()
    return document


def living(t: Transaction, id_: str | None) -> Document | None:
    """The customer with Polar's id; None when there is none or it was deleted."""
    document = t.get("customer", id_)
    return document if document and document["deleted_at"] is None else None


def found_external(t: Transaction, external_id: str) -> Document:
    """Give the customer with the merchant's id; 404 when there is none."""
    document = t.one("customer", external_id=external_id)
    if document is None:
        raise not_found()
    return document


def _given(body: Body) -> Document:
    """The fields that both a create and an update may bring."""
    readers: dict[str, Any] = {
        "name": lambda: body.text("name", longest=LONGEST_NAME),
        "external_id": lambda: body.text("external_id", shortest=1, longest=LONGEST_NAME),
        "billing_address": lambda: body.address("billing_address"),
        "metadata": body.metadata,
        "locale": lambda: body.text("locale"),
    }
    return {name: read() for name, read in readers.items() if name in body}


def _update(t: Transaction, document: Document) -> Response:
    body = Body()
    changes = _given(body)
    if body.given.get("email") is not None:
        changes["email"] = body.email("email")
    body.done()
    before, wanted = document["external_id"], changes.get("external_id")
    if "external_id" in changes and before is not None and wanted != before:
        raise wrong_value(["body", "external_id"], "Customer external ID cannot be updated.", wanted)
    _refuse_taken(t, email=changes.get("email"), external_id=wanted, but=document["id"])
    if "name" in changes and document["billing_name"] == document["name"]:
        changes["billing_name"] = changes["name"]
    announce(t, "customer.updated", change(t, document, **changes))
    return jsonify(shapes.customer(document))


def _delete(t: Transaction, document: Document) -> None:
    """Its e-mail and external id are free again, its cards are gone; its orders stay, and name it as it was."""
    for method in t.all("method", customer_id=document["id"]):
        t.remove("method", method["id"])
    metadata, external_id = document["metadata"], document["external_id"]
    changes: Document = {"deleted_at": stamp(t), "external_id": None, "default_payment_method_id": None}
    if external_id:
        changes["metadata"] = {**metadata, "__external_id": external_id}  # where Polar keeps it
    if asked_yes("anonymize"):
        nobody = hashlib.sha256(document["email"].encode()).hexdigest()
        changes.update(email=f"{nobody}@anonymized.invalid", name=None, billing_name=None, billing_address=None)
    announce(t, "customer.deleted", change(t, document, **changes))


def _refuse_taken(t: Transaction, *, email: str | None, external_id: str | None, but: str) -> None:
    """422 when another customer has the e-mail or the external id; both are named at once, as recorded."""
    problems: list[Problem] = []
    if email and any(c["id"] != but for c in t.all("customer", _email=email.lower())):
        msg = "A customer with this email address already exists."
        problems.append(problem("value_error", ["body", "email"], msg, email))
    if external_id and any(c["id"] != but for c in t.all("customer", external_id=external_id)):
        msg = "A customer with this external ID already exists."
        problems.append(problem("value_error", ["body", "external_id"], msg, external_id))
    if problems:
        raise refused(*problems)
