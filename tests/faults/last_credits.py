"""Many callers over two web processes of their own: who gets the last credits, and what one key does."""

from collections import Counter
from dataclasses import dataclass

from tests.faults import books
from tests.faults.calling import consume, together
from tests.faults.product import WELCOME, Product
from tests.faults.report import Report

CALLERS, LAST = 64, 10


@dataclass(frozen=True, slots=True)
class Size:
    """How often it is repeated, each time with a new account."""

    rounds: int


SHORT, FULL = Size(1), Size(20)


def last_credits(product: Product, size: Size, _seed: int) -> Report:
    """64 callers want one credit each, and ten are left."""
    report = Report(f"Last credits: {product.kind}, {CALLERS} callers over two webs, {size.rounds} rounds")
    seen: Counter[int] = Counter()
    with product.second_web() as second:
        for _ in range(size.rounds):
            seen += _fight(product, second, report)
    report.figure("answers", ", ".join(f"{count:,} x {status}" for status, count in sorted(seen.items())))
    return report


def one_key(product: Product, size: Size, _seed: int) -> Report:
    """64 callers charge under one and the same Idempotency-Key."""
    report = Report(f"One key: {product.kind}, {CALLERS} callers over two webs, {size.rounds} rounds")
    replayed = 0
    with product.second_web() as second:
        for number in range(size.rounds):
            replayed += _repeat(product, second, report, key=f"the same {number}")
    report.figure("replayed", f"{replayed:,} of {CALLERS * size.rounds:,} answers")
    return report


def _fight(product: Product, second: int, report: Report) -> Counter[int]:
    account_id = product.accounts(1)[0]
    api_key = product.key_for(account_id)
    spent = consume(product.port, api_key, amount=WELCOME.credits - LAST)
    ports = (product.port, second)
    answers = together(CALLERS, lambda number: consume(ports[number % 2], api_key))

    charges = books.charges(product, account_id)
    seen = Counter(answer.status for answer in answers)
    winners = {answer.json["transaction_id"] for answer in answers if answer.status == 201}
    report.promise(spent.status == 201, "the account has ten credits left")
    report.promise(seen == {201: LAST, 402: CALLERS - LAST}, f"exactly ten are charged, the rest told why not: {seen}")
    report.promise(
        winners == {str(row.id) for row in charges[1:]}, "the history has the charges that were answered, and no other"
    )
    left = [row.balance_after for row in charges[1:]]
    report.promise(left == list(range(LAST - 1, -1, -1)), f"each charge leaves one credit less: {left}")
    report.promise(books.available(product, account_id) == 0, "nothing is left, and nothing is owed")
    return seen


def _repeat(product: Product, second: int, report: Report, *, key: str) -> int:
    account_id = product.accounts(1)[0]
    api_key = product.key_for(account_id)
    ports = (product.port, second)
    answers = together(CALLERS, lambda number: consume(ports[number % 2], api_key, key=key))

    charges = books.charges(product, account_id)
    replayed = sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers)
    statuses = Counter(answer.status for answer in answers)
    report.promise(statuses == {201: CALLERS}, f"every caller is told that it was charged: {statuses}")
    report.promise(len({answer.body for answer in answers}) == 1, "every caller gets the same answer")
    report.promise(replayed == CALLERS - 1, f"all but one are told that it is a repetition: {replayed}")
    report.promise(len(charges) == 1, f"one key is one charge: {len(charges)}")
    report.promise(books.available(product, account_id) == WELCOME.credits - 1, "one credit is gone")
    return replayed
