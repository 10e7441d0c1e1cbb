"""A demo person's life, told to the ledger as it would have happened: each step at its own moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from sqlalchemy import select

from creditapp import alerts, checkout, clock, gateway, identity, ledger, letters, packages, recharge, usage
from creditapp.db import db, transaction
from creditapp.demo import PASSWORD, Person
from creditapp.demo.stories import STORIES, Bonus, Buys, Chapter, Correction, Happening, Story
from creditapp.demo.usage import spread
from creditapp.wiring import welcome

OPENING = time(9, 10)
LATEST_START_SECONDS = 2 * 3600
SIGNED_UP_BEFORE = timedelta(minutes=25)
BETWEEN = timedelta(minutes=7)
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
        for use in spread(_to_use(account_id, chapter), begin, end, zone=zone, units=story.units, chance=chance):
            with clock.at(use.at):
                charge = ledger.Charge(
                    amount=Decimal(0), operation_type=use.operation_type, api_endpoint=use.api_endpoint
                )
                usage.consume(account_id, charge, quantity=use.quantity)
        with clock.at(end):
            ledger.expire(account_id)
    if story.recharges_at is not None:
        recharge.save(account_id, _wishes(story.recharges_at))


def _wishes(threshold: int) -> recharge.Wishes:
    """A Professional package, at most five of them a month."""
    package = packages.by_key(recharge.USUAL_PACKAGE)
    return recharge.Wishes(
        enabled=True,
        threshold=Decimal(threshold),
        package=package.key,
        quantity=1,
        target=None,
        monthly_cap_cents=package.price_cents * 5,
        notify="always",
    )


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


def _to_use(account_id: int, chapter: Chapter) -> int:
    """How many credits the chapter uses; never more than there are."""
    available = int(ledger.balance(account_id).available)
    return min(chapter.uses, available) if chapter.left is None else max(available - chapter.left, 0)


def _happen(account_id: int, happening: Happening, *, name: str, end: datetime) -> None:
    match happening:
        case Buys(package_key):
            _buy(account_id, package_key, order_id=str(uuid5(NAMESPACE_URL, f"demo-order:{name}")))
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


def _buy(account_id: int, package_key: str, *, order_id: str) -> None:
    """A paid order, as Polar would have told of it. Its letter counts as sent: nobody waits for it today."""
    package = packages.by_key(package_key)
    checkout.fulfil(
        gateway.PolarOrder(
            id=order_id,
            status="paid",
            paid=True,
            product_id=package.polar_product_id,
            customer_id=None,
            external_customer_id=str(account_id),
            our_checkout_id=None,
            subtotal_amount=package.price_cents,
            discount_amount=0,
            net_amount=package.price_cents,
            tax_amount=0,
            total_amount=package.price_cents,
            refunded_amount=0,
            currency=package.currency,
            invoice_number=None,
            modified_at=clock.now(),
            created_at=clock.now(),
        )
    )
    letters.sent(
        db.session.scalars(
            select(letters.Letter.id).where(letters.Letter.key == f"purchase_confirmed:{order_id}")
        ).one()
    )


@contextmanager
def _every_package_sold() -> Iterator[None]:
    """A purchase needs its product at Polar; a package that has none yet gets one while history is told."""
    unconnected = [package for package in packages.everything() if package.polar_product_id is None]
    for package in unconnected:
        package.polar_product_id = f"demo-{package.key}"
    yield
    for package in unconnected:
        package.polar_product_id = None
