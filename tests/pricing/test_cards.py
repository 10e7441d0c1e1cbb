"""Which rate card holds when: published ahead, known to every process in time, never changed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from creditapp import clock, ledger, pricing, usage
from creditapp.db import db, transaction
from creditapp.errors import InvalidInput
from creditapp.pricing import FIRST_CARD, Rate, RateCard

pytestmark = pytest.mark.both_databases

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
BEFORE = NEW_YEAR - timedelta(days=30)


def card(version: str = "2027-01", price: int = 2) -> RateCard:
    """Basic calls cost more, data exports are gone, something new is there."""
    basic = Rate(key="basic_api_call", name="Plain call", description="Simple", credits=Decimal(price))
    more = Rate(key="translation", name="Translation", description="A page", credits=Decimal("7.5"))
    return RateCard(version=version, operations=(basic, more), aliases={"api_call": "basic_api_call"})


def publish(found: RateCard | None = None, holds_from: datetime = NEW_YEAR) -> None:
    with clock.at(BEFORE), transaction():
        pricing.publish(found or card(), holds_from=holds_from)


def charge_at(moment: datetime, account: int, operation: str = "api_call") -> ledger.CreditTransaction:
    """What was written down about a charge at *moment*."""
    with clock.at(moment), transaction():
        spent = usage.consume(account, ledger.Charge(amount=Decimal(0), operation_type=operation))
    return ledger.entry(account, spent.transaction_id)


def test_until_another_is_published_the_first_card_holds(app: Flask) -> None:
    assert pricing.current_card() is FIRST_CARD
    assert pricing.holding().holds_from is None
    with clock.at(datetime(2001, 1, 1, tzinfo=UTC)):
        assert pricing.current_card() is FIRST_CARD


def test_a_published_card_holds_from_its_moment_on_and_every_charge_says_which_priced_it(account: int) -> None:
    publish()
    last = charge_at(NEW_YEAR - timedelta(microseconds=1), account)
    first = charge_at(NEW_YEAR, account)

    assert (last.amount, last.price_version) == (-1, "2026-11")
    assert (first.amount, first.price_version) == (-2, "2027-01")
    record = ledger.usage_of(first)
    assert record is not None
    assert (record.units_consumed, record.cost_per_unit) == (1, 2)


def test_what_is_no_longer_on_the_card_can_not_be_charged_and_keeps_its_name(account: int) -> None:
    publish()
    charge_at(NEW_YEAR - timedelta(days=1), account, "data_export")

    with pytest.raises(pricing.UnknownOperation):
        charge_at(NEW_YEAR, account, "data_export")
    assert pricing.name_of("data_export") == "Data export"
    assert pricing.name_of("basic_api_call") == "Plain call"
    assert pricing.name_of("a label of somebody's") is None


def test_of_two_that_hold_from_one_moment_the_later_published_wins(app: Flask) -> None:
    publish(card("2027-01-wrong", 200))
    publish(card("2027-01"))

    with clock.at(NEW_YEAR):
        assert pricing.current_card().version == "2027-01"


def test_what_is_coming_is_told_soonest_first(app: Flask) -> None:
    publish(card("2027-02"), NEW_YEAR + timedelta(days=31))
    publish(card("2027-01"))

    with clock.at(BEFORE):
        assert [found.card.version for found in pricing.coming()] == ["2027-01", "2027-02"]
    with clock.at(NEW_YEAR):
        assert [found.card.version for found in pricing.coming()] == ["2027-02"]


@pytest.mark.parametrize("ahead", [timedelta(0), pricing.NOTICE - timedelta(seconds=1), timedelta(days=-3)])
def test_a_card_can_not_be_published_at_the_last_moment(app: Flask, ahead: timedelta) -> None:
    with pytest.raises(InvalidInput):
        publish(card(), BEFORE + ahead)
    publish(card(), BEFORE + pricing.NOTICE)


@pytest.mark.parametrize("version", ["2026-11", "2027-01"])
def test_a_version_is_given_once(app: Flask, version: str) -> None:
    publish()
    with pytest.raises(pricing.BadRateCard):
        publish(card(version), NEW_YEAR + timedelta(days=1))


def test_the_database_refuses_to_change_or_delete_a_card(app: Flask) -> None:
    publish()
    for statement in ("UPDATE rate_cards SET version = 'x'", "DELETE FROM rate_cards"):
        with pytest.raises(DBAPIError), transaction():
            db.session.execute(text(statement))

    with clock.at(NEW_YEAR):
        assert pricing.current_card() == card()


def test_a_publication_that_is_rolled_back_never_holds(app: Flask) -> None:
    with pytest.raises(RuntimeError), clock.at(BEFORE), transaction():
        pricing.publish(card(), holds_from=NEW_YEAR)
        message = "changed their mind"
        raise RuntimeError(message)

    with clock.at(NEW_YEAR):
        assert pricing.current_card() is FIRST_CARD


def test_another_process_knows_a_card_long_before_it_holds(app: Flask) -> None:
    other = pricing.Cards(look_again_seconds=0)  # as old as it gets between two looks
    assert len(other.known()) == 1
    publish()

    assert [found.card.version for found in other.known()] == ["2026-11", "2027-01"]
    assert timedelta(seconds=pricing.LOOK_AGAIN_SECONDS) < pricing.NOTICE


def test_a_charge_asks_the_database_nothing_about_prices(account: int) -> None:
    charge_at(BEFORE, account)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    charge_at(BEFORE, account)

    assert asked
    assert [statement for statement in asked if "rate_cards" in statement] == []
