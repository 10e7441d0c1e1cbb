"""Which rate card holds when. Published ones are rows; each process knows them by heart and looks again now and then.

A card is published ahead of time, by more than a process may go without looking: so all of them change to it at the
same moment, and a charge asks the database nothing.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from creditapp import clock
from creditapp.db import after_commit, db, of_app
from creditapp.errors import InvalidInput
from creditapp.pricing.first_card import FIRST_CARD
from creditapp.pricing.models import PublishedCard
from creditapp.pricing.rate_card import BadRateCard, RateCard, read_card

LOOK_AGAIN_SECONDS = 30.0
NOTICE = timedelta(minutes=2)
MOST_CARDS = 1_000


@dataclass(frozen=True, slots=True)
class Holding:
    """A rate card and the moment from which it holds; None is from the beginning."""

    card: RateCard
    holds_from: datetime | None


class Cards:
    """What one process knows of the rate cards."""

    def __init__(self, look_again_seconds: float = LOOK_AGAIN_SECONDS) -> None:
        self._every = look_again_seconds
        self._known: tuple[Holding, ...] = (Holding(FIRST_CARD, None),)
        self._fresh_until = 0.0

    def known(self) -> tuple[Holding, ...]:
        """Every card, in the order in which they hold; where two hold from one moment, the later published wins."""
        if time.monotonic() >= self._fresh_until:
            published = select(PublishedCard).order_by(PublishedCard.holds_from, PublishedCard.id).limit(MOST_CARDS)
            later = (Holding(read_card(row.card), row.holds_from) for row in db.session.scalars(published))
            self._known = (Holding(FIRST_CARD, None), *later)
            self._fresh_until = time.monotonic() + self._every
        return self._known

    def forget(self) -> None:
        """Look again at the next question."""
        self._fresh_until = 0.0


def current_card() -> RateCard:
    """The rate card that holds now."""
    return holding().card


def holding() -> Holding:
    """The rate card that holds now, and since when."""
    now = clock.now()
    return next(found for found in reversed(_cards().known()) if found.holds_from is None or found.holds_from <= now)


def coming() -> list[Holding]:
    """The rate cards that will hold, soonest first."""
    now = clock.now()
    return [found for found in _cards().known() if found.holds_from is not None and found.holds_from > now]


def name_of(operation_type: str) -> str | None:
    """How an operation is called on the newest card that has it; None for a label that is on none."""
    for found in reversed(_cards().known()):
        if rate := found.card.rates.get(operation_type):
            return rate.name
    return None


def publish(card: RateCard, *, holds_from: datetime) -> None:
    """Let *card* hold from that moment on, which must be two minutes ahead or more.

    Raises InvalidInput for an earlier moment, and BadRateCard for a version that is taken.
    """
    now = clock.now()
    if holds_from < now + NOTICE:
        message = "A rate card must be published at least two minutes before it holds, so that every process knows it."
        raise InvalidInput(message)
    taken = select(PublishedCard.id).where(PublishedCard.version == card.version)
    if card.version == FIRST_CARD.version or db.session.scalar(taken) is not None:
        message = f"There is already a rate card {card.version}. Give this one a version of its own."
        raise BadRateCard(message)
    db.session.add(
        PublishedCard(version=card.version, holds_from=holds_from, card=card.model_dump(mode="json"), published_at=now)
    )
    db.session.flush()
    after_commit(_cards().forget)


def _cards() -> Cards:
    given: Cards = of_app("rate_cards")
    return given
