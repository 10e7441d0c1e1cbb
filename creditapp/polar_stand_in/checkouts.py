"""``/v1/checkouts/``: a hosted page is opened for a purchase; it expires a day later (facts §1.4, §2.2)."""

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import customers, shapes
from creditapp.polar_stand_in.clock import new_id, now, stamp, written
from creditapp.polar_stand_in.house import settings, store
from creditapp.polar_stand_in.listing import matching, page
from creditapp.polar_stand_in.products import check_fixed_price, new_price, offered_price, on_sale
from creditapp.polar_stand_in.reading import Body, path_id
from creditapp.polar_stand_in.refusals import not_found, wrong_value
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("checkouts", __name__, url_prefix="/v1/checkouts")

LIFE = timedelta(hours=24)
CHECKOUT_ID = "{CHECKOUT_ID}"  # in a success address: replaced by the checkout's id
LONGEST_NAME = 256
SORTS = {
    "created_at": lambda c: c["created_at"],
    "expires_at": lambda c: c["expires_at"],
    "status": lambda c: c["status"],
}


@bp.get("/")
def list_checkouts() -> Response:
    """Checkouts, newest first."""
    with store().reading() as t:
        found = matching(
            t.all("checkout"),
            product_id="product_id",
            customer_id="customer_id",
            external_customer_id="external_customer_id",
            status="status",
        )
        return page(found, lambda document: shapes.checkout(t, document), sorts=SORTS)


@bp.get("/<id_>")
def get_checkout(id_: str) -> Response:
    """One checkout."""
    with store().reading() as t:
        document = t.get("checkout", path_id(id_))
        if document is None:
            raise not_found()
        return jsonify(shapes.checkout(t, document))


@bp.post("/")
def create_checkout() -> tuple[Response, int]:
    """Open a hosted page for the first of ``products``.

    ``external_customer_id`` links the customer that has it already; otherwise the customer is found or made when the
    person pays. ``prices`` replaces a product's price for this checkout only.
    """
    body = Body()
    given = _given(body)
    product_ids = _product_ids(body)
    ad_hoc = _ad_hoc_prices(body)
    body.done()
    with store().writing() as t:
        products = [on_sale(t, id_, ["body", "products", i]) for i, id_ in enumerate(product_ids)]
        linked = _linked(t, body.uuid("customer_id"), given["external_customer_id"])
        price = _price(t, products[0], ad_hoc, given["currency"])
        document = t.put("checkout", _opened(t, given, products, price, linked))
        shape = shapes.checkout(t, document)
        t.emit("checkout.created", shape)
    return jsonify(shape), 201


def _given(body: Body) -> Document:
    address = body.address("customer_billing_address")
    if body.given.get("discount_id") is not None:
        raise wrong_value(["body", "discount_id"], "Discount does not exist.", body.given["discount_id"])
    return {
        "metadata": body.metadata(),
        "customer_metadata": body.metadata("customer_metadata"),
        "external_customer_id": body.text("external_customer_id", shortest=1),
        "customer_email": body.email("customer_email"),
        "customer_name": body.text("customer_name", longest=LONGEST_NAME),
        "customer_billing_address": address,
        "success_url": body.url("success_url"),
        "return_url": body.url("return_url"),
        "embed_origin": body.text("embed_origin"),
        "locale": body.text("locale"),
        "currency": body.text("currency"),
        "allow_discount_codes": body.yes("allow_discount_codes", default=True),
        "allow_trial": body.yes("allow_trial", default=True),
        "require_billing_address": body.yes("require_billing_address", default=False) or address is not None,
    }


def _product_ids(body: Body) -> list[str]:
    given = body.required("products")
    if given is None:
        return []
    if not isinstance(given, list):
        body.wrong("list_type", "products", "Input should be a valid list", given)
        return []
    if not given:
        msg = "List should have at least 1 item after validation, not 0"
        body.wrong("too_short", "products", msg, given, field_type="List", min_length=1, actual_length=0)
    for i, id_ in enumerate(given):
        body.check_uuid(["products", i], id_)
    return [str(id_) for id_ in given]


def _ad_hoc_prices(body: Body) -> dict[str, Document]:
    given = body.given.get("prices")
    if given is None:
        return {}
    if not isinstance(given, dict):
        body.wrong("dict_type", "prices", "Input should be a valid dictionary", given)
        return {}
    right = {}
    for id_, prices in given.items():
        if not isinstance(prices, list) or not prices:
            msg = "List should have at least 1 item after validation, not 0"
            body.wrong("too_short", ["prices", id_], msg, prices, field_type="List", min_length=1, actual_length=0)
        elif check_fixed_price(body, ["prices", id_, 0], prices[0]):
            right[id_] = prices[0]
    return right


def _linked(t: Transaction, customer_id: str | None, external_id: str | None) -> Document | None:
    """The customer that the checkout belongs to from the start."""
    if customer_id is not None:
        customer = customers.living(t, customer_id)
        if customer is None:
            raise wrong_value(["body", "customer_id"], "Customer does not exist.", customer_id)
        return customer
    return t.one("customer", external_id=external_id) if external_id else None


def _price(t: Transaction, product: Document, ad_hoc: dict[str, Document], currency: str | None) -> Document:
    if product["id"] in ad_hoc:
        return new_price(t, product["id"], ad_hoc[product["id"]], source="ad_hoc")
    return offered_price(product, currency)


def _opened(
    t: Transaction, given: Document, products: list[Document], price: Document, linked: Document | None
) -> Document:
    """The stored checkout: Polar's keys, and with an underscore what only the stand-in needs."""
    id_, secret, opened_at = new_id(), "polar_c_" + secrets.token_urlsafe(32), now(t)
    url = f"{settings().base_url}/checkout/{secret}"
    known_address = linked["billing_address"] if linked else None
    amount = price["price_amount"]
    processor: dict[str, Any] = {"publishable_key": "pk_test_stub"}
    if known_address:
        processor["customer_session_client_secret"] = "cuss_secret_" + new_id().replace("-", "")
    address = given["customer_billing_address"] or known_address
    return {
        "id": id_,
        "created_at": written(opened_at),
        "modified_at": None,
        "custom_field_data": {},
        "payment_processor": "stripe",
        "status": "open",
        "client_secret": secret,
        "url": url,
        "expires_at": written(opened_at + LIFE),
        "success_url": (given["success_url"] or f"{url}/confirmation").replace(CHECKOUT_ID, quote(id_)),
        "return_url": given["return_url"],
        "embed_origin": given["embed_origin"],
        "amount": amount,
        "seats": None,
        "min_seats": None,
        "max_seats": None,
        "units": None,
        "min_units": None,
        "max_units": None,
        "discount_amount": 0,
        "net_amount": amount,
        "tax_amount": 0 if address else None,
        "tax_behavior": "exclusive" if address else None,
        "total_amount": amount,
        "currency": price["price_currency"],
        "allow_trial": given["allow_trial"],
        "active_trial_interval": None,
        "active_trial_interval_count": None,
        "trial_end": None,
        "organization_id": shapes.ORGANIZATION_ID,
        "product_id": products[0]["id"],
        "product_price_id": price["id"],
        "discount_id": None,
        "allow_discount_codes": given["allow_discount_codes"],
        "require_billing_address": given["require_billing_address"],
        "is_discount_applicable": True,
        "is_free_product_price": amount == 0,
        "is_payment_required": amount > 0,
        "is_payment_setup_required": False,
        "is_payment_form_required": amount > 0,
        "customer_id": linked["id"] if linked else None,
        "is_business_customer": bool(known_address and linked and linked["billing_name"]),
        "customer_name": linked["name"] if linked else given["customer_name"],
        "customer_email": linked["email"] if linked else given["customer_email"],
        "customer_ip_address": None,
        "customer_billing_name": linked["billing_name"] if linked else None,
        "customer_billing_address": address,
        "customer_tax_id": None,
        "locale": given["locale"] or "en",
        "payment_method_type": None,
        "payment_processor_metadata": processor,
        "trial_interval": None,
        "trial_interval_count": None,
        "metadata": given["metadata"],
        "external_customer_id": given["external_customer_id"] or (linked["external_id"] if linked else None),
        "customer_metadata": given["customer_metadata"],
        "subtotal_amount": amount,
        "_price": price,
        "_product_ids": [product["id"] for product in products],
        "_awaiting": None,
    }


def change(t: Transaction, document: Document, **changes: Any) -> None:
    """Write changes of a checkout and tell the world: ``checkout.updated``."""
    document.update(changes, modified_at=stamp(t))
    t.put("checkout", document)
    t.emit("checkout.updated", shapes.checkout(t, document))


def expire_overdue(t: Transaction) -> int:
    """Polar's sweep: open checkouts a day old expire, each with ``checkout.expired``. How many did."""
    overdue = t.rows(
        "SELECT id FROM documents WHERE kind = 'checkout' AND json_extract(body, '$.status') = 'open'"
        " AND json_extract(body, '$.expires_at') <= ?",
        stamp(t),
    )
    for row in overdue:
        document = t.get("checkout", row["id"]) or {}
        document.update(status="expired", modified_at=stamp(t))
        t.emit("checkout.expired", shapes.checkout(t, t.put("checkout", document)))
    return len(overdue)
