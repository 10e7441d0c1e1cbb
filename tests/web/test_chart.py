"""What a chart is drawn of: the bars, the table beside them and the line, all of the same numbers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from creditapp import usage
from creditapp.exports import plain
from creditapp.usage import Day
from creditapp.web.chart import COLOURS, shares, stacked
from creditapp.web.line import LONGEST_DAYS, PAST_DAYS, SHORTEST_DAYS, line, past_midnights
from tests.usage.test_outlook import seen
from tests.usage.test_runway import recharging
from tests.web.seeing import DAY, NOON

FIRST = date(2026, 11, 11)
HALF_A_DAY = Decimal("0.5")  # it is noon


def days(*used: dict[str, int]) -> list[Day]:
    return [
        Day(FIRST + timedelta(days=ago), {operation: Decimal(credits) for operation, credits in day.items()})
        for ago, day in enumerate(used)
    ]


def named(slots: list[Day]) -> list[str]:
    return [slot.on.isoformat() for slot in slots]


def test_the_rows_and_the_bars_add_up_to_the_same() -> None:
    used = days({"a": 5, "b": 3}, {}, {"b": 7, "c": 1})

    drawn = stacked(used, named(used))

    assert drawn.total == sum(row.total for row in drawn.series) == 16
    assert drawn.totals == (8, 0, 8)
    assert [(row.name, row.total, row.colour) for row in drawn.series] == [("b", 10, 1), ("a", 5, 2), ("c", 1, 3)]
    assert [row.amounts for row in drawn.series] == [(3, 0, 7), (5, 0, 0), (0, 0, 1)]


def test_more_than_there_are_colours_share_the_last_one_and_still_add_up() -> None:
    used = days({f"operation-{number}": 100 - number for number in range(10)})

    drawn = stacked(used, named(used), str.upper)

    assert len(drawn.series) == COLOURS
    assert drawn.series[0].name == "OPERATION-0"
    assert (drawn.series[-1].merged, drawn.series[-1].name) == (5, "All others")
    assert sum(row.total for row in drawn.series) == drawn.total == sum(100 - number for number in range(10))


def test_as_many_as_there_are_colours_are_all_told_apart() -> None:
    used = days({f"operation-{number}": 100 - number for number in range(COLOURS)})

    assert [row.merged for row in stacked(used, named(used)).series] == [0] * COLOURS


def test_shares_are_whole_and_add_up_to_a_hundred() -> None:
    assert shares([Decimal(1), Decimal(1), Decimal(1)]) == [34, 33, 33]
    assert sum(shares([Decimal(n) for n in (7, 11, 13, 17, 19)])) == 100
    assert shares([Decimal(0)]) == [0]


def test_days_without_usage_have_a_place_and_nothing_in_it() -> None:
    used = days({}, {}, {})

    assert stacked(used, named(used)).data == {
        "kind": "bars",
        "names": tuple(named(used)),
        "totals": ["0", "0", "0"],
        "series": [],
    }


def test_a_number_keeps_all_its_places_on_the_way_to_the_script() -> None:
    assert plain(Decimal("999999999.000001")) == "999999999.000001"
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("0.500000")) == "0.5"


def test_the_line_ends_on_the_ground_where_credits_end() -> None:
    drawn = line(seen([10] * 5, 400), [Decimal(420), Decimal(405)])

    assert SHORTEST_DAYS <= drawn.days <= LONGEST_DAYS
    assert [(mark.kind, mark.at) for mark in drawn.marks] == [("end", (40 + HALF_A_DAY, 0))]
    assert drawn.expected[0] == drawn.past[-1] == (HALF_A_DAY, 400)
    assert drawn.expected[-1] == (40 + HALF_A_DAY, 0)
    assert drawn.past[:-1] == ((-1, 420), (0, 405))


def test_a_line_that_does_not_end_has_no_mark() -> None:
    drawn = line(seen([1] * 5, 1_000_000), [])

    assert (drawn.marks, drawn.days, drawn.threshold) == ((), LONGEST_DAYS, None)


def test_the_line_goes_on_after_each_recharge() -> None:
    drawn = line(seen([10] * 5, 100, recharges=recharging(300, threshold=Decimal(44))), [])

    assert [(mark.kind, mark.at) for mark in drawn.marks] == [
        ("recharge", (Decimal("5.6") + HALF_A_DAY, 44)),
        ("recharge", (Decimal("35.6") + HALF_A_DAY, 44)),
        ("recharge", (Decimal("65.6") + HALF_A_DAY, 44)),
    ]
    assert drawn.threshold == 44
    fired = [left for at, left in drawn.expected if at == Decimal("5.6") + HALF_A_DAY]
    assert fired == [44, 344]  # straight up


def test_where_a_recharge_may_have_come_there_are_no_bounds() -> None:
    drawn = line(seen([5, 15, 10, 0, 20] * 4, 200, recharges=recharging(300)), [])

    assert drawn.low == drawn.high == ((HALF_A_DAY, 200),)  # it comes at once


def test_the_bounds_lie_on_either_side_of_what_is_expected() -> None:
    drawn = line(seen([5, 15, 10, 0, 20] * 4, 200), [])

    assert drawn.low[0] == drawn.high[0] == drawn.expected[0]
    end = drawn.expected[-1][0]
    assert next(at for at, left in drawn.low if left == 0) < end
    assert all(left > 0 for at, left in drawn.high if at <= end)
    assert drawn.low[-1] == (drawn.days + HALF_A_DAY, 0)
    for bound in (drawn.low, drawn.high, drawn.expected):
        assert all(before[0] <= after[0] for before, after in pairwise(bound))


def test_a_lapse_falls_straight_down() -> None:
    outlook = seen([10] * 5, 1_000)
    steps = (
        usage.Step(Decimal(0), outlook.today, Decimal(1_000)),
        usage.Step(Decimal(14), outlook.today + timedelta(days=14), Decimal(500), lapsed=Decimal(360)),
    )

    drawn = line(replace(outlook, steps=steps), [])

    assert drawn.expected == ((HALF_A_DAY, 1_000), (14 + HALF_A_DAY, 860), (14 + HALF_A_DAY, 500))
    assert [(mark.kind, mark.words) for mark in drawn.marks] == [("expiry", "360 expire")]


def test_the_line_in_numbers_is_the_line() -> None:
    drawn = line(seen([5, 15, 10, 0, 20] * 4, 105), [])

    assert [evening.on.day for evening in drawn.evenings] == [24, 25, 26, 27, 28, 29, 30, 7]
    assert [evening.expected for evening in drawn.evenings] == [100, 90, 80, 70, 60, 50, 40, 0]
    assert all(evening.low <= evening.expected <= evening.high for evening in drawn.evenings)
    assert drawn.evenings[0].low == drawn.evenings[0].high == 100  # today goes on as expected
    assert drawn.evenings[-1].low == 0 < drawn.evenings[-1].high


def test_in_numbers_too_there_are_no_bounds_where_a_recharge_may_have_come() -> None:
    drawn = line(seen([5, 15, 10, 0, 20] * 4, 105, recharges=recharging(300, threshold=Decimal(44))), [])

    known = [evening.low is not None for evening in drawn.evenings]
    assert known == sorted(known, reverse=True)
    assert known[0]
    assert not known[-1]
    assert drawn.evenings[-1].on > FIRST + timedelta(days=40)


def test_the_past_is_told_by_midnights_and_not_from_before_there_was_an_account() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    outlook = replace(seen([10] * 5, 400), zone=berlin)

    assert len(past_midnights(outlook, NOON - 99 * DAY)) == PAST_DAYS + 1
    assert past_midnights(outlook, NOON - 2 * DAY) == [
        datetime(2026, 11, 22, 23, tzinfo=UTC),
        datetime(2026, 11, 23, 23, tzinfo=UTC),
    ]


def test_what_the_script_gets_is_written_to_the_millionth() -> None:
    data = line(
        seen([10] * 5, 100, recharges=recharging(10, threshold=Decimal("44.5"), monthly_cap_cents=4_000, spent=4_000)),
        [Decimal("101.000001")],
    ).data

    assert (data["today"], data["threshold"]) == ("2026-11-24", "44.5")
    assert data["past"] == [["0", "101.000001"], ["0.5", "100"]]
    assert data["marks"][-1] == {"kind": "end", "at": ["11.5", "0"], "words": "Nothing left"}
