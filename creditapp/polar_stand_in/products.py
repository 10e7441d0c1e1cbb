"""``/v1/products/``: what is sold. One-time products with a fixed price per currency (facts §1.4)."""

from typing import Any

from flask import Blueprint, Response, jsonify

from creditapp.polar_stand_in import shapes
from creditapp.polar_stand_in.clock import new_id, stamp
from creditapp.polar_stand_in.house import store
from creditapp.polar_stand_in.listing import asked, asked_yes, matching, page
from creditapp.polar_stand_in.reading import NOT_AN_OBJECT, Body, path_id
from creditapp.polar_stand_in.refusals import not_found, wrong_value
from creditapp.polar_stand_in.store import Document, Transaction

bp = Blueprint("products", __name__, url_prefix="/v1/products")

SHORTEST_NAME, LONGEST_NAME = 3, 64
SMALLEST_PRICE, LARGEST_PRICE = 50, 99_999_999
VISIBILITIES = ("public", "private", "draft")
SORTS = {
    "created_at": lambda p: p["created_at"],
    "name": lambda p: p["name"].lower(),
    "price_amount": lambda p: p["prices"][0]["price_amount"],
}


@bp.get("/")
def list_products() -> Response:
    """Products, newest first."""
    with store().reading() as t:
        found = matching(t.all("product"), id="id", visibility="visibility")
    archived, recurring = asked_yes("is_archived"), asked_yes("is_recurring")
    found = [p for p in found if archived in {None, p["is_archived"]} and recurring in {None, p["is_recurring"]}]
    for words in asked("query"):
        found = [p for p in found if words.lower() in p["name"].lower()]
    return page(found, shapes.product, sorts=SORTS)


@bp.post("/")
def create_product() -> tuple[Response, int]:
    """A new one-time product."""
    body = Body()
    name = _name(body) if body.required("name") is not None else None
    description, metadata = body.text("description"), body.metadata()
    visibility = body.choice("visibility", VISIBILITIES, "public")
    if body.given.get("recurring_interval") is not None:
        body.wrong("none_required", "recurring_interval", "Input should be None", body.given["recurring_interval"])
    amounts = _prices(body, known=set()) if body.required("prices") is not None else []
    body.done()
    with store().writing() as t:
        id_ = new_id()
        document = t.put(
            "product",
            {
                "id": id_,
                "created_at": stamp(t),
                "modified_at": None,
                "trial_interval": None,
                "trial_interval_count": None,
                "name": name,
                "description": description,
                "visibility": visibility,
                "recurring_interval": None,
                "recurring_interval_count": None,
                "meter_interval": None,
                "meter_interval_count": None,
                "is_recurring": False,
                "is_archived": False,
                "organization_id": shapes.ORGANIZATION_ID,
                "metadata": metadata,
                "is_deletable": False,
                "prices": [new_price(t, id_, amount) for amount in amounts],
                "benefits": [],
                "medias": [],
                "attached_custom_fields": [],
            },
        )
        shape = shapes.product(document)
        t.emit("product.created", shape)
    return jsonify(shape), 201


@bp.get("/<id_>")
def get_product(id_: str) -> Response:
    """One product."""
    with store().reading() as t:
        return jsonify(shapes.product(_found(t, path_id(id_))))


@bp.patch("/<id_>")
def update_product(id_: str) -> Response:
    """Change what is given. ``prices`` is the whole new list: ``{"id"}`` keeps one, what is not listed is archived."""
    id_, body = path_id(id_), Body()
    with store().writing() as t:
        document = _found(t, id_)
        changes: Document = {}
        if body.given.get("name") is not None:
            changes["name"] = _name(body)
        if "description" in body:
            changes["description"] = body.text("description")
        if "metadata" in body:
            changes["metadata"] = body.metadata()
        if body.given.get("visibility") is not None:
            changes["visibility"] = body.choice("visibility", VISIBILITIES)
        if body.given.get("is_archived") is not None:
            changes["is_archived"] = body.yes("is_archived", default=None)
        if body.given.get("prices") is not None:
            changes["prices"] = _new_prices(t, document, body)
        body.done()
        document.update(changes, modified_at=stamp(t))
        shape = shapes.product(t.put("product", document))
        t.emit("product.updated", shape)
    return jsonify(shape)


def new_price(t: Transaction, product_id: str, amount: Document, *, source: str = "catalog") -> Document:
    """A fixed price, as it is stored inside its product."""
    return {
        "created_at": stamp(t),
        "modified_at": None,
        "id": new_id(),
        "source": source,
        "amount_type": "fixed",
        "price_currency": amount.get("price_currency", "usd"),
        "tax_behavior": amount.get("tax_behavior"),
        "is_archived": False,
        "product_id": product_id,
        "type": "one_time",
        "recurring_interval": None,
        "price_amount": amount["price_amount"],
    }


def on_sale(t: Transaction, id_: str, loc: list[str | int]) -> Document:
    """The product that somebody wants to buy; 422 at *loc* when it isn't sold."""
    document = t.get("product", id_)
    if document is None:
        raise wrong_value(loc, "Product does not exist.", id_)
    if document["is_archived"]:
        raise wrong_value(loc, "Product is archived.", id_)
    return document


def offered_price(product: Document, currency: str | None) -> Document:
    """The product's price in *currency*, or its first one; 422 when there is none."""
    offered = [price for price in product["prices"] if not price["is_archived"]]
    fitting = [price for price in offered if currency in {None, price["price_currency"]}]
    if not fitting:
        raise wrong_value(["body", "currency"], "Currency is not available for this product.", currency)
    return dict(fitting[0])


def check_fixed_price(body: Body, loc: list[str | int], price: Any) -> bool:
    """Note what is wrong with one fixed price; whether it is right."""
    before = len(body.problems)
    if not isinstance(price, dict):
        body.wrong("model_attributes_type", loc, NOT_AN_OBJECT, price)
        return False
    if price.get("amount_type") != "fixed":
        expected = "'fixed'"
        tag = str(price.get("amount_type"))
        msg = f"Input tag '{tag}' found using 'amount_type' does not match any of the expected tags: {expected}"
        body.wrong("union_tag_invalid", loc, msg, price, discriminator="'amount_type'", tag=tag, expected_tags=expected)
        return False
    where = [*loc, "fixed", "price_amount"]
    amount, currency = price.get("price_amount"), price.get("price_currency", "usd")
    if "price_amount" not in price:
        body.wrong("missing", where, "Field required", price)
    elif not isinstance(amount, int) or isinstance(amount, bool):
        body.wrong("int_type", where, "Input should be a valid integer", amount)
    elif amount < 0 or 0 < amount < SMALLEST_PRICE:
        body.wrong("greater_than_equal", where, "Amount must be at least $0.50.", amount, ge=SMALLEST_PRICE)
    elif amount > LARGEST_PRICE:
        msg = f"Input should be less than or equal to {LARGEST_PRICE}"
        body.wrong("less_than_equal", where, msg, amount, le=LARGEST_PRICE)
    if not isinstance(currency, str) or len(currency) != 3 or not currency.islower():
        msg = "Input should be a currency code such as 'usd' or 'eur'"
        body.wrong("enum", [*loc, "fixed", "price_currency"], msg, currency, expected="a currency code")
    return len(body.problems) == before


def _name(body: Body) -> str | None:
    return body.text("name", shortest=SHORTEST_NAME, longest=LONGEST_NAME)


def _prices(body: Body, *, known: set[str]) -> list[Document]:
    """The given prices, new ones checked; ids of kept ones must be known."""
    given = body.given["prices"]
    if not isinstance(given, list):
        body.wrong("list_type", "prices", "Input should be a valid list", given)
        return []
    if not given:
        msg = "List should have at least 1 item after validation, not 0"
        body.wrong("too_short", "prices", msg, given, field_type="List", min_length=1, actual_length=0)
    kept = [price for price in given if isinstance(price, dict) and price.get("id") in known]
    fresh = [p for i, p in enumerate(given) if p not in kept and check_fixed_price(body, ["prices", i], p)]
    return [*kept, *fresh]


def _new_prices(t: Transaction, document: Document, body: Body) -> list[Document]:
    """The product's prices after the change; the ones that are gone stay as archived rows."""
    given = _prices(body, known={price["id"] for price in document["prices"] if not price["is_archived"]})
    kept = {price["id"] for price in given if "id" in price}
    old = [price if price["id"] in kept else {**price, "is_archived": True} for price in document["prices"]]
    return [*old, *(new_price(t, document["id"], price) for price in given if "id" not in price)]


def _found(t: Transaction, id_: str) -> Document:
    document = t.get("product", id_)
    if document is None:
        raise not_found()
    return document
