"""The five products at the stand-in for Polar, made over HTTP as anybody would make them."""

import http.client
from decimal import Decimal
from typing import Any

from creditapp.config import PRODUCT_SETTINGS
from creditapp.dev import knocking
from creditapp.dev.folder import CannotStart
from creditapp.dev.settings_file import InstanceSettings

API_VERSION = "2026-10"
PATH = "/v1/products/"
CURRENCY = "usd"


def connect(settings: InstanceSettings, *, polar_port: int) -> None:
    """Give every package's setting the id of a product that the stand-in has; what it lacks is made.

    Raises CannotStart where the stand-in refuses one, OSError and HTTPException where it does not answer.
    """
    headers = {"Authorization": f"Bearer {settings.values['POLAR_ACCESS_TOKEN']}", "Polar-Version": API_VERSION}
    missing = [
        key for key, name in PRODUCT_SETTINGS.items() if not _is_there(polar_port, headers, settings.values.get(name))
    ]
    wanted = _as_polar_wants_them() if missing else {}
    for key in missing:
        status, made = knocking.ask(polar_port, "POST", PATH, headers=headers, body=wanted[key])
        if status != http.client.CREATED:
            message = f"The stand-in for Polar refused the product {key} ({status}). Its log: log/polar.log."
            raise CannotStart(message)
        settings.values[PRODUCT_SETTINGS[key]] = made["id"]


def _is_there(port: int, headers: dict[str, str], product_id: str | None) -> bool:
    return bool(product_id) and knocking.ask(port, "GET", f"{PATH}{product_id}", headers=headers)[0] == http.client.OK


def _as_polar_wants_them() -> dict[str, dict[str, Any]]:
    """The packages by key, as the body of a new product."""
    # What knows them takes a moment to load, and they are made but once.
    from creditapp import packages
    from creditapp.packages.starter_set import STARTER_SET

    shelf = [
        packages.CreditPackage(
            key=key,
            name=name,
            credits=Decimal(credits),
            price_cents=cents,
            currency=CURRENCY,
            active=True,
            featured=featured,
            sort_order=order,
            max_purchases_per_account=1 if key == "holiday_bonus" else None,
        )
        for order, (key, name, credits, cents, featured) in enumerate(STARTER_SET)
    ]
    products = {package.key: packages.as_product(package, packages.compare(shelf)) for package in shelf}
    return {
        key: {
            "name": product["name"],
            "prices": [
                {
                    "amount_type": "fixed",
                    "price_amount": product["price_cents"],
                    "price_currency": product["currency"],
                }
            ],
            "metadata": product["metadata"],
        }
        for key, product in products.items()
    }
