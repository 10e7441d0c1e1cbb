"""The web, or the database, is killed under programs that consume.

What they were told is true, and a retry never charges twice.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from tests.dev.conftest import eventually
from tests.faults import books
from tests.faults.calling import consume
from tests.faults.product import WELCOME, Product
from tests.faults.report import Report

CALLERS, NOT_NOW = 16, 503
CREDITS = 1_000_000
BUSY_SECONDS = (0.1, 0.5)
BACK_SECONDS, RETRY_SECONDS, GIVE_UP_SECONDS = 60.0, 0.1, 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How often it is killed."""

    kills: int


SHORT, FULL = Size(5), Size(100)
SHORT_OF_DATABASE, FULL_OF_DATABASE = Size(2), Size(20)


@dataclass
class Call:
    """One charge that a program wants, under its key, until it is answered."""

    key: str
    attempts: int = 0
    transaction_id: str | None = None
    replayed: bool = False
    refused: list[int] = field(default_factory=list)


def web_killed(product: Product, size: Size, seed: int) -> Report:
    """Kill the web: who asks meanwhile is not answered at all."""
    return _drill(product, size, seed, "web", may_refuse=frozenset())


def postgresql_killed(product: Product, size: Size, seed: int) -> Report:
    """Kill the database: who asks meanwhile is told to come again."""
    return _drill(product, size, seed, "postgresql", may_refuse={NOT_NOW})


def _drill(product: Product, size: Size, seed: int, part: str, *, may_refuse: AbstractSet[int]) -> Report:
    """Kill *part* while 16 programs consume, each under keys of its own, and again until it is answered."""
    account_id = product.accounts(1)[0]
    product.give(account_id, CREDITS)
    api_key, enough = product.key_for(account_id), threading.Event()
    calls: list[list[Call]] = [[] for _ in range(CALLERS)]

    def consume_on(number: int) -> None:
        while not enough.is_set():
            calls[number].append(Call(f"{number}-{len(calls[number])}"))
            _until_answered(product, api_key, calls[number][-1])

    programs = [threading.Thread(target=consume_on, args=(number,), daemon=True) for number in range(CALLERS)]
    for program in programs:
        program.start()
    kills = _kill(product, size, calls, random.Random(seed), part)
    enough.set()
    for program in programs:
        program.join()
    report = Report(f"{part} killed: {product.kind}, {CALLERS} programs that consume")
    report.figure("kill -9", f"{kills} of {part}")
    report.promise(kills == size.kills, f"{part} is back after every one of {size.kills} kills")
    _judge(product, account_id, [call for some in calls for call in some], report, may_refuse)
    return report


def _until_answered(product: Product, api_key: str, call: Call) -> None:
    give_up = time.monotonic() + GIVE_UP_SECONDS
    while call.transaction_id is None and time.monotonic() < give_up:
        call.attempts += 1
        answer = consume(product.port, api_key, key=call.key)
        if answer.status == 201:
            call.replayed = answer.headers.get("idempotent-replayed") == "true"
            call.transaction_id = answer.json["transaction_id"]
        else:
            if answer.status:
                call.refused.append(answer.status)
            time.sleep(RETRY_SECONDS)


def _kill(product: Product, size: Size, calls: list[list[Call]], chance: random.Random, part: str) -> int:
    """Kill it each time the programs are busy again."""
    kills = 0
    while kills < size.kills:
        answered = sum(map(len, calls))
        if not eventually(lambda before=answered: sum(map(len, calls)) > before + CALLERS, BACK_SECONDS):  # type: ignore[misc]
            break
        time.sleep(chance.uniform(*BUSY_SECONDS))
        kills += product.kill(part, whole=True)
    return kills


def _judge(product: Product, account_id: int, calls: list[Call], report: Report, may_refuse: AbstractSet[int]) -> None:
    charges = books.charges(product, account_id)
    booked = Counter(str(row.key).removeprefix("api:") for row in charges)
    by_key = {str(row.key).removeprefix("api:"): str(row.id) for row in charges}
    told = {call.key: call.transaction_id for call in calls if call.transaction_id is not None}
    cut_off = [call for call in calls if call.attempts > 1]
    told_to_wait = sum(bool(call.refused) for call in calls)
    refused = sorted({status for call in calls for status in call.refused} - may_refuse)

    report.figure("charges", f"{len(charges):,} in the history, {len(told):,} answered with 201")
    if may_refuse:
        report.figure("told to wait", f"{told_to_wait} calls")
    held = sum(call.replayed for call in cut_off)
    report.figure("calls cut off", f"{len(cut_off)}, of which {held} had been charged and were answered at the retry")
    report.promise(len(told) == len(calls), "every call is answered in the end")
    report.promise(not refused, f"no call is refused (some were: {refused})")
    report.promise(told == by_key, "what the programs were told is what the history has, key by key")
    report.promise(max(booked.values(), default=0) == 1, "no key is charged twice")
    left = WELCOME.credits + CREDITS - len(charges)
    report.promise(books.available(product, account_id) == left, "the balance is what the charges left")
    books.tie_out(product, report)
