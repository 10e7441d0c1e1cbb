"""What Polar tells of one order, in every order in which it may arrive: one end."""

import itertools
import json
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from creditapp import checkout, identity, jobs, ledger, webhooks
from creditapp.checkout import Order
from creditapp.db import db, transaction
from creditapp.packages import CreditPackage
from tests.deliveries import moment, order_changed, order_paid, refund

SAMPLE = {"sqlite": 200, "postgresql": 60}
ORDERS_OF_ONE_ACCOUNT = 40
_deliveries = itertools.count(1)


def told(package: CreditPackage, account: int, order_id: str) -> list[dict[str, Any]]:
    """Seven events about one order of 5,000 credits for $40.00, of which $10.00 are refunded in the end."""
    paid = order_paid(package, account, order_id=order_id, created_at=moment(-60), modified_at=moment(-59))

    def refunded(amount: int, seconds: float) -> dict[str, Any]:
        return order_changed(
            paid,
            "order.refunded",
            refunded_amount=amount,
            status="partially_refunded",
            modified_at=moment(seconds),
        )

    return [
        order_changed(paid, "order.created", modified_at=None),
        paid,
        order_changed(paid, "order.paid", modified_at=moment(-58)),
        order_changed(paid, "order.updated", modified_at=moment(-57)),
        refunded(300, -20),
        refunded(1_000, -10),
        refund(paid, amount=500, status="pending", created_at=moment(-5)),
    ]


def arrive(events: Sequence[dict[str, Any]]) -> None:
    """Each in its own delivery, handled at once."""
    for event in events:
        with transaction():
            row = webhooks.receive(f"msg_{next(_deliveries)}", json.dumps(event).encode())
        assert row is not None
        jobs.handle_webhook(row)


def orders_of_arrival(full: bool, database_kind: str) -> Iterator[tuple[int, ...]]:
    every = list(itertools.permutations(range(7)))
    return iter(every if full else random.Random(7).sample(every, SAMPLE[database_kind]))


def _accounts() -> Iterator[int]:
    """A new account for every so many orders: one that holds thousands of lots makes each further step slower."""
    for number in itertools.count(1):
        with transaction():
            user = identity.sign_up(
                f"buyer{number}@example.com", "four plain words together", identity.Welcome(0, None)
            )
        account = identity.account_id_of(user)
        yield from itertools.repeat(account, ORDERS_OF_ONE_ACCOUNT)


@pytest.mark.both_databases
def test_all_orders_of_arrival_end_in_one_state(
    app: Flask, shelf: dict[str, CreditPackage], full: bool, database_kind: str
) -> None:
    arrivals = enumerate(orders_of_arrival(full, database_kind))
    for (number, arrival), account in zip(arrivals, _accounts(), strict=False):
        before = ledger.balance(account).balance
        events = told(shelf["professional"], account, f"order-{number}")
        arrive([events[place] for place in arrival])
        order = db.session.scalars(select(Order).where(Order.polar_order_id == f"order-{number}")).one()
        assert (order.state, order.refunded_amount, order.returned_amount) == ("credited", 1_000, 1_000), arrival
        assert (order.credits, order.taken_back) == (Decimal(5_000), Decimal(1_250)), arrival
        assert ledger.balance(account).balance - before == 3_750, arrival

    assert [*ledger.verify(), *checkout.verify()] == []


@pytest.mark.both_databases
def test_so_it_is_while_credits_are_spent_in_between(
    app: Flask, shelf: dict[str, CreditPackage], database_kind: str
) -> None:
    chance = random.Random(11)
    for number in range(30):
        with transaction():
            user = identity.sign_up(f"buyer{number}@example.com", "four plain words together", identity.Welcome(100, 9))
        account = identity.account_id_of(user)
        events = told(shelf["professional"], account, f"order-{number}")
        chance.shuffle(events)
        spent = 0
        for event in events:
            arrive([event])
            wanted = chance.choice((0, 40, 100, 2_000, 4_900))
            if 0 < wanted <= ledger.balance(account).available:
                with transaction():
                    ledger.spend(account, ledger.Charge(amount=Decimal(wanted)))
                spent += wanted
        standing = ledger.balance(account)
        assert standing.balance - standing.debt == 100 + 3_750 - spent
        arrive(events)  # everything once more, under new ids
        assert ledger.balance(account) == standing

    assert [*ledger.verify(), *checkout.verify()] == []
