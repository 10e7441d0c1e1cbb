"""A demo person's life, told to the ledger as it would have happened: each step at its own moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from heapq import merge
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import select

from creditapp import alerts, clock, identity, ledger, letters, packages, recharge, usage
from creditapp.db import db, transaction
from creditapp.demo import PASSWORD, Person, money
from creditapp.demo.stories import (
    STORIES,
    Bonus,
    Buys,
    Chapter,
    Correction,
    Fails,
    Happening,
    Recharged,
    Refunded,
    Story,
)
from creditapp.demo.usage import MIX, Use, spread
from creditapp.wiring import welcome

OPENING = time(9, 10)
LATEST_START_SECONDS = 2 * 3600
SIGNED_UP_BEFORE = timedelta(minutes=25)
BETWEEN = timedelta(minutes=7)
FAILED_AFTER = timedelta(minutes=4)
SPIKE, SPIKE_LASTS = time(10, 0), timedelta(hours=5)
SATURDAY = 5


def live(person: Person) -> None:
    """Make *person* with their history, unless they are there."""
    story = STORIES.get(person.email)
    with transaction():
        if db.session.scalar(select(identity.User.id).where(identity.User.email == person.email)) is not None:
            return
        if story is None:
            user = identity.sign_up(person.email, PASSWORD, welcome(), operator=person.operator)
            alerts.begin(identity.account_id_of(user))
        else:
            with _every_package_sold():
                _tell(person, story)


def _tell(person: Person, story: Story) -> None:
    zone, chance = ZoneInfo(story.time_zone), Random(person.email)  # noqa: S311  (the same history every time)
    moments = _moments(story, zone, clock.now(), chance)
    with clock.at(moments[0] - SIGNED_UP_BEFORE):
        user = identity.sign_up(person.email, PASSWORD, welcome(), operator=person.operator)
        account_id = identity.account_id_of(user)
        identity.set_time_zone(account_id, story.time_zone)
        alerts.begin(account_id)
    for number, (chapter, (start, end)) in enumerate(zip(story.chapters, pairwise(moments), strict=True)):
        for place, happening in enumerate(chapter.begins_with):
            with clock.at(start + place * BETWEEN):
                _happen(account_id, happening, name=f"{person.email}/{number}/{place}", end=end)
        begin = start + len(chapter.begins_with) * BETWEEN
        for use in _uses(account_id, chapter, begin, end, zone=zone, units=story.units, chance=chance):
            with clock.at(use.at):
                _use(account_id, use.operation_type, use.quantity, use.api_endpoint)
        with clock.at(end):
            ledger.expire(account_id)
            _file_letters(account_id)
    if story.recharges_at is not None:
        recharge.save(account_id, money.wishes(story.recharges_at))


def _uses(
    account_id: int, chapter: Chapter, begin: datetime, end: datetime, *, zone: ZoneInfo, units: float, chance: Random
) -> Iterator[Use]:
    """What the chapter uses, oldest first; never more than there are."""
    available = int(ledger.balance(account_id).available)
    credits = min(chapter.uses, available) if chapter.left is None else max(available - chapter.left, 0)
    usual = spread(credits, begin, end, zone=zone, units=units, chance=chance)
    if not chapter.spike:
        return usual
    noon = datetime.combine((begin + (end - begin) / 2).astimezone(zone), SPIKE, zone).astimezone(UTC)
    while noon.astimezone(zone).weekday() >= SATURDAY:
        noon += timedelta(days=1)
    busiest = spread(chapter.spike, noon, noon + SPIKE_LASTS, zone=zone, units=units, chance=chance)
    return merge(usual, busiest, key=lambda use: use.at)


def _use(account_id: int, operation: str, quantity: int, endpoint: str) -> int:
    charge = ledger.Charge(amount=Decimal(0), operation_type=operation, api_endpoint=endpoint)
    return usage.consume(account_id, charge, quantity=quantity).transaction_id


def _file_letters(account_id: int) -> None:
    """Letters of the past count as sent: nobody waits for them today."""
    waiting = select(letters.Letter.id).where(letters.Letter.account_id == account_id, letters.Letter.state == "queued")
    for letter_id in db.session.scalars(waiting).all():
        letters.sent(letter_id)


def _moments(story: Story, zone: ZoneInfo, now: datetime, chance: Random) -> list[datetime]:
    """When each chapter begins, on a working morning, and at last when the story ends: now."""
    today, ahead, moments = now.astimezone(zone).date(), story.days, []
    for chapter in story.chapters:
        on = today - timedelta(days=ahead)
        on += timedelta(days=max(7 - on.weekday(), 0) if on.weekday() >= SATURDAY else 0)
        opening = datetime.combine(on, OPENING, zone).astimezone(UTC)
        moments.append(opening + timedelta(seconds=chance.randrange(LATEST_START_SECONDS)))
        ahead -= chapter.days
    return [*moments, now]


def _happen(account_id: int, happening: Happening, *, name: str, end: datetime) -> None:
    match happening:
        case Buys(package_key):
            money.buy(account_id, package_key, name=name)
        case Refunded(cents):
            money.refund(account_id, cents, name=name)
        case Recharged(threshold):
            money.recharged(account_id, money.wishes(threshold), name=name)
        case Bonus(credits, words, stays):
            ledger.grant(
                account_id,
                Decimal(credits),
                transaction_type="bonus",
                key=f"demo:{name}",
                description=words,
                expires_at=None if stays else end,
            )
        case Correction(credits, words):
            ledger.adjust(account_id, Decimal(credits), reason=words, key=f"demo:{name}")
        case Fails(operations, operation, units, why):
            failed = [_use(account_id, operation, units, MIX[operation][2]) for _ in range(operations)]
            with clock.at(clock.now() + FAILED_AFTER):
                for number, charge_id in enumerate(failed):
                    ledger.reverse(account_id, charge_id, key=f"demo:{name}/{number}", reason=why)


@contextmanager
def _every_package_sold() -> Iterator[None]:
    """A purchase needs its product at Polar; a package that has none yet gets one while history is told."""
    unconnected = [package for package in packages.everything() if package.polar_product_id is None]
    for package in unconnected:
        package.polar_product_id = f"demo-{package.key}"
    yield
    for package in unconnected:
        package.polar_product_id = None
