"""Periods and days: pure, so every zone can be asked."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditapp.usage.periods import PERIODS, Span, midnight, offsets, span, span_before, span_of_days

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Kiritimati",
)
moments = st.integers(0, 10_000 * 86_400).map(lambda seconds: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(0, seconds))


@given(st.sampled_from(ZONES), moments, st.integers(0, 400 * 86_400))
def test_the_zone_shows_at_every_moment_what_its_offsets_say(zone: str, since: datetime, seconds: int) -> None:
    asked = Span(since, since + timedelta(days=400), ZoneInfo(zone))
    moment = since + timedelta(seconds=seconds)

    seen = [offset for begins, offset in offsets(asked) if begins <= moment][-1]

    assert timedelta(seconds=seen) == moment.astimezone(asked.zone).utcoffset()


@given(st.sampled_from(sorted(PERIODS)), st.sampled_from(ZONES), moments)
def test_a_period_and_the_one_before_meet_and_are_as_long_as_each_other(period: str, zone: str, now: datetime) -> None:
    here = span(period, ZoneInfo(zone), now)
    there = span_before(here, period)

    assert here.until == now
    assert there.until < here.since
    # But for the days on which the clocks change, and the night that is not over yet.
    assert abs((here.until - here.since) - (there.until - there.since)) <= timedelta(hours=26)


@given(st.sampled_from(ZONES), moments, st.integers(0, 399), st.integers(0, 500))
def test_chosen_days_are_whole_and_as_many_lie_just_before(zone: str, now: datetime, more: int, ago: int) -> None:
    today = now.astimezone(ZoneInfo(zone)).date()
    last = today - timedelta(days=ago)
    first = last - timedelta(days=more)

    here = span_of_days(first, last, ZoneInfo(zone), now)
    there = span_before(here)

    assert (here.days[0], here.days[-1]) == (first, last)
    assert here.until == now if ago == 0 else here.until < midnight(last + timedelta(days=1), here.zone)
    assert there.days[0] == first - timedelta(days=more + 1)
    assert there.until < here.since
    assert there.days[-1] == first - timedelta(days=1)


@pytest.mark.parametrize(
    ("period", "first"), [("last_7_days", date(2026, 11, 18)), ("last_30_days", date(2026, 10, 26))]
)
def test_days_are_whole_and_today_is_one_of_them(period: str, first: date) -> None:
    asked = span(period, ZoneInfo("America/New_York"), NOON)

    assert (asked.days[0], asked.days[-1]) == (first, date(2026, 11, 24))
    assert len(asked.days) == PERIODS[period]
    assert asked.since == midnight(first, asked.zone)


def test_24_hours_are_exactly_that_and_touch_two_days() -> None:
    asked = span("last_24_hours", ZoneInfo("Asia/Kathmandu"), NOON)

    assert asked.since == NOON - timedelta(hours=24)
    assert asked.days == [date(2026, 11, 23), date(2026, 11, 24)]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 10, 4), "Australia/Lord_Howe", 23.5),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
    ],
)
def test_a_day_on_which_the_clocks_change_has_its_own_length(day: date, zone: str, hours: float) -> None:
    length = midnight(day + timedelta(days=1), ZoneInfo(zone)) - midnight(day, ZoneInfo(zone))

    assert length == timedelta(hours=hours)
