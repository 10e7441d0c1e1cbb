"""A seller's service that charges credits per picture: once over HTTP, once embedded in the same process.

Over HTTP it needs the address of the product and a key:

    CREDITS_URL=http://127.0.0.1:5000 CREDITS_KEY=ck_test_… flask --app picture_service run

Embedded it needs the product's own settings (DATABASE_URL and the rest) in its environment.
"""

import os
from decimal import Decimal
from typing import Any

import httpx
from flask import Flask, jsonify, request

from creditapp import Credits
from creditapp.ledger import InsufficientCredits


def service_over_http(url: str, key: str) -> Flask:
    """A service that asks the product's API before it works."""
    app = Flask(__name__)
    credits = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10)

    @app.post("/pictures")
    def resize() -> Any:
        """Charge, work, and give back what failed."""
        job = request.headers["X-Job"]
        charged = credits.post(
            "/api/credits/consume",
            json={"operation_type": "image_processing", "operation_id": job},
            headers={"Idempotency-Key": job},  # the same job is charged once, however often it is sent
        )
        if charged.status_code == 402:
            return jsonify(buy_at=charged.json()["checkout_url"]), 402
        charged.raise_for_status()
        try:
            return jsonify(resized(request.get_data()))
        except ValueError as error:
            reverse = f"/api/credits/transactions/{charged.json()['transaction_id']}/reverse"
            credits.post(reverse, json={"reason": str(error)}).raise_for_status()
            return jsonify(error=str(error)), 422

    return app


def service_embedded(credits: Credits) -> Flask:
    """The same service, in one process with the product's ledger."""
    app = Flask(__name__)

    def customer() -> str:
        return request.headers["X-Customer"]

    @app.post("/pictures")
    @credits.charge("image_processing", account=customer)  # nothing is charged for an exception or a 5xx
    def resize() -> Any:
        """Work; the charge follows when it succeeded."""
        return jsonify(resized(request.get_data()))

    @app.post("/albums")
    def album() -> Any:
        """Hold the most it may cost, capture per picture, release the rest."""
        pictures = request.get_json()["pictures"]
        with credits.hold(customer(), Decimal(10) * len(pictures)) as held:
            done = [resized(picture.encode()) for picture in pictures if picture]
            if done:
                held.capture(Decimal(10) * len(done), operation_type="image_processing", units=len(done))
        return jsonify(done)

    @app.errorhandler(InsufficientCredits)
    def too_few(error: InsufficientCredits) -> Any:
        """Say how many are missing."""
        return jsonify(missing=str(error.shortfall)), 402

    return app


def resized(picture: bytes) -> dict[str, int]:
    """The work itself."""
    if not picture:
        message = "The picture is empty."
        raise ValueError(message)
    return {"bytes": len(picture)}


if __name__ == "__main__":
    service_over_http(os.environ["CREDITS_URL"], os.environ["CREDITS_KEY"]).run(port=8000)
