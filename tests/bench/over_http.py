"""What a program does over HTTP: charges with its key, one by one and a hundred in a call."""

import random
from collections.abc import Callable

from tests.bench import client
from tests.bench.house import ACCOUNTS, HOT, House

CONNECTIONS, IN_A_BATCH = 16, 100
ITEM = '{"operation_type":"basic_api_call","key":"%x"}'


def consume(house: House, port: int, seconds: float) -> client.Told:
    """Single charges by the rate card, each under a key of its own, of any account."""
    drawn, head = random.Random(), _head(house)

    def request() -> bytes:
        body = f'{{"account":"{drawn.randint(1, ACCOUNTS)}","operation_type":"basic_api_call"}}'
        key = f"Idempotency-Key: {drawn.getrandbits(62):x}"
        return client.written("POST", "/api/credits/consume", head, key, body=body)

    return client.drive(port, request, status=201, connections=CONNECTIONS, seconds=seconds)


def batch(house: House, port: int, seconds: float) -> float:
    """Charges a second, a hundred in a call, every call for any account."""
    return _batches(house, port, seconds, lambda: random.randint(1, ACCOUNTS))


def batch_hot(house: House, port: int, seconds: float) -> float:
    """The same, always for one account."""
    return _batches(house, port, seconds, lambda: HOT)


def _batches(house: House, port: int, seconds: float, account: Callable[[], int]) -> float:
    drawn, head = random.Random(), _head(house)

    def request() -> bytes:
        items = ",".join(ITEM % drawn.getrandbits(62) for _ in range(IN_A_BATCH))
        body = f'{{"account":"{account()}","items":[{items}]}}'
        return client.written("POST", "/api/credits/consume/batch", head, body=body)

    told = client.drive(port, request, status=200, connections=CONNECTIONS, seconds=seconds)
    return told.per_second * IN_A_BATCH


def _head(house: House) -> str:
    return f"Authorization: Bearer {house.key}"
