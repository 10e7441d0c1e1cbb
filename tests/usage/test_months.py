"""Months, read and counted."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from creditapp.usage import Month, months


def test_a_month_is_written_as_it_is_read() -> None:
    assert Month.read("2026-11") == Month(2026, 11)
    assert str(Month(2026, 3)) == "2026-03"


@pytest.mark.parametrize("written", ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", "November", "", "2026-١١"])
def test_what_is_no_month_is_not_read_as_one(written: str) -> None:
    assert Month.read(written) is None


def test_a_month_begins_and_ends_at_midnight_of_its_zone() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")

    assert Month(2026, 11).begins(kathmandu) == datetime(2026, 10, 31, 18, 15, tzinfo=UTC)
    assert Month.of(datetime(2026, 10, 31, 18, 15, tzinfo=UTC), kathmandu) == Month(2026, 11)
    assert Month.of(datetime(2026, 10, 31, 18, 14, tzinfo=UTC), kathmandu) == Month(2026, 10)


def test_months_follow_each_other_over_the_turn_of_the_year() -> None:
    assert [str(month) for month in months(Month(2026, 11), Month(2027, 2))] == [
        "2026-11",
        "2026-12",
        "2027-01",
        "2027-02",
    ]
    assert Month(2028, 2).last_day == date(2028, 2, 29)
