"""Somebody with a saved card at the stand-in, who is charged while away."""

from typing import Any

from .program import Json, StandIn

PAYS, DECLINES, ASKS = "4242424242424242", "4000000000000341", "4000002760003184"


class Person:
    """A customer with a saved card, and what is charged to it."""

    def __init__(self, stand_in: StandIn, name: str, card: str | None = PAYS) -> None:
        self.stand_in, self.name = stand_in, name
        if card:
            self.saves(card)
        else:
            stand_in.polar.customers.create(email=f"{name}@example.com", external_id=name)
        self.id: str = stand_in.polar.customers.get_external(name).id
        self.product = stand_in.sell()

    def saves(self, card: str) -> str:
        return str(self.stand_in.control("card", customer=self.name, card_number=card)["payment_method"])

    def asks_for(self, **fields: Any) -> Any:
        given = {"customer_id": self.id, "product_id": self.product.id, **fields}
        return self.stand_in.polar.orders.create(**given)

    def finalizes(self, order: Any, **fields: Any) -> Any:
        return self.stand_in.http.post(f"/v1/orders/{order.id}/finalize", json=fields, timeout=30)

    @property
    def charges(self) -> list[Json]:
        return [charge for charge in self.stand_in.charges() if charge["customer"] == self.name]
