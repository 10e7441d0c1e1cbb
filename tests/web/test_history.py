"""The history: complete, without repeats, narrowed as asked, and the same as a file."""

import csv
import io
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from creditapp import clock, identity, ledger
from creditapp.db import db, transaction
from creditapp.exports import cell
from creditapp.web.history import STREAM_ROWS, csv_lines
from tests.entries import every_entry
from tests.web.seeing import DAY, HOUR, NOON, grant, set_account, signed_up, spend, spend_at
from tests.web.tree import Node, tree

ADDRESS = "/credits/history"

on_both = pytest.mark.both_databases


@pytest.fixture
def alice(app: Flask) -> identity.User:
    return signed_up(app, "alice@example.com")


@pytest.fixture
def browser(
    client: FlaskClient, alice: identity.User, sign_in: Callable[[FlaskClient, identity.User], None]
) -> Iterator[FlaskClient]:
    with clock.at(NOON):
        sign_in(client, alice)
        yield client


@pytest.fixture
def busy(account: int) -> int:
    """An account with 65 rows: the welcome, a purchase, 61 charges, a bonus and an adjustment."""
    with clock.at(NOON - 10 * DAY):
        grant(account, 1_000, description="Starter package", polar_order_id="order-1", reference_id="77")
    with transaction():
        for number in range(61):
            operation = "ai_analysis" if number % 3 else "data_export"
            with clock.at(NOON - 9 * DAY + number * HOUR):
                ledger.spend(
                    account,
                    ledger.Charge(amount=Decimal(1), operation_type=operation, operation_id=f"job-{number}"),
                )
    with clock.at(NOON - 5 * DAY):
        grant(account, 50, transaction_type="bonus", description="Thank you for 100 % patience")
        with transaction():
            ledger.adjust(account, Decimal(-5), reason="Counted twice", key="adjust:1")
    return account


def history(browser: FlaskClient, status: int = 200, **asked: Any) -> Node:
    query = {name.rstrip("_"): value for name, value in asked.items()}
    return tree(browser.get(f"{ADDRESS}?{urlencode(query)}"), status)


def rows(page: Node) -> list[list[str]]:
    """The cells of the rows, as words."""
    tables = page.with_id("rows").every("tbody")
    return [
        [cell.words for cell in row.inside if isinstance(cell, Node)] for table in tables for row in table.every("tr")
    ]


def ids(page: Node) -> list[int]:
    """The ids of the transactions on the page, in its order."""
    links = [row.one("th").every("a")[0]["href"] for row in page.with_id("rows").one("tbody").every("tr")]
    return [int(link.removeprefix("/credits/")) for link in links]


def as_file(browser: FlaskClient, **asked: Any) -> list[dict[str, str]]:
    query = {name.rstrip("_"): value for name, value in asked.items()}
    answer = browser.get(f"{ADDRESS}.csv?{urlencode(query)}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


@on_both
def test_turning_the_pages_shows_every_transaction_once_newest_first(browser: FlaskClient, busy: int) -> None:
    page, seen, pages = history(browser), [], 0
    while True:
        pages += 1
        seen += ids(page)
        if not page.has_id("older"):
            break
        page = tree(browser.get(page.with_id("older")["href"]))

    everything = [entry.id for entry in every_entry(busy)]
    assert pages == 3
    assert len(seen) == 65
    assert seen == everything


def test_a_page_holds_25_and_says_where_it_stands(browser: FlaskClient, busy: int) -> None:
    page = history(browser)

    assert len(ids(page)) == 25
    assert "1–25 of 65" in page.words
    older = tree(browser.get(page.with_id("older")["href"]))
    assert "26–50 of 65" in older.words


@on_both
def test_the_way_back_leads_over_the_same_pages(browser: FlaskClient, busy: int) -> None:
    first = history(browser)
    second = tree(browser.get(first.with_id("older")["href"]))
    third = tree(browser.get(second.with_id("older")["href"]))

    assert ids(tree(browser.get(third.with_id("newer")["href"]))) == ids(second)
    back = tree(browser.get(second.with_id("newer")["href"]))
    assert ids(back) == ids(first)
    assert not back.has_id("newer")


def test_what_happens_while_pages_are_turned_moves_nothing(browser: FlaskClient, busy: int) -> None:
    first = history(browser)
    for _ in range(30):
        spend(busy, 1)

    second = tree(browser.get(first.with_id("older")["href"]))

    assert ids(second) == [entry.id for entry in every_entry(busy)][55:80]
    assert second.has_id("newer")


def test_a_page_that_is_turned_brings_only_its_rows(browser: FlaskClient, busy: int) -> None:
    link = history(browser).with_id("older")
    assert (link["hx-get"], link["hx-target"], link["hx-push-url"]) == (link["href"], "#rows", "true")

    answer = browser.get(link["hx-get"], headers={"HX-Request": "true", "HX-Target": "section#rows"})

    assert [node["id"] for node in tree(answer).inside if isinstance(node, Node)] == ["rows"]


def test_a_row_says_what_when_how_much_and_what_was_left(browser: FlaskClient, busy: int) -> None:
    set_account(busy, time_zone="Europe/Berlin")

    page = history(browser, type="consumption")

    what, kind, operation, when, amount, after = rows(page)[0]
    assert what.startswith("Data export")
    assert (kind, operation, when) == ("Usage", "data_export", "18 Nov 2026, 01:00")
    assert amount.split("Balance")[0] == "−1"
    assert after == "1,039"
    time = page.with_id("rows").every("time")[0]
    assert time["datetime"] == "2026-11-18T00:00:00Z"
    assert time["title"] == "18 Nov 2026, 00:00:00 UTC"


def test_a_purchase_leads_to_its_receipt(browser: FlaskClient, busy: int) -> None:
    page = history(browser, type="purchase")

    (row,) = page.with_id("rows").one("tbody").every("tr")
    receipt = row.every("a")[1]
    assert receipt.words == "Receipt of Starter package"
    assert receipt["href"] == f"/credits/{ids(page)[0]}/receipt"


@pytest.mark.parametrize(
    ("type_", "count"),
    [("purchase", 1), ("consumption", 61), ("bonus", 2), ("adjustment", 1), ("refund", 0), ("expiration", 0)],
)
def test_the_chips_narrow_by_type(browser: FlaskClient, busy: int, type_: str, count: int) -> None:
    page = history(browser, type=type_)

    found = ids(page) if count else []
    while page.has_id("older"):
        page = tree(browser.get(page.with_id("older")["href"]))
        found += ids(page)

    assert len(set(found)) == len(found) == count
    if not count:
        assert "Nothing matches" in page.with_id("rows").words


def test_the_chip_in_force_is_marked_and_the_others_keep_the_other_filters(browser: FlaskClient, busy: int) -> None:
    page = history(browser, type="bonus", from_="2026-11-01", q="Thank")

    chips = page.one("div", class_="chips")
    assert [chip.words for chip in chips.every("a")] == [
        "All", "Purchases", "Usage", "Refunds", "Bonuses", "Expirations", "Adjustments",
    ]  # fmt: skip
    assert [chip.words for chip in chips.every("a", aria_current="true")] == ["Bonuses"]
    purchases = next(chip for chip in chips.every("a") if chip.words == "Purchases")
    assert purchases["href"] == f"{ADDRESS}?type=purchase&from=2026-11-01&q=Thank"


@on_both
def test_days_are_whole_days_of_the_account(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="Asia/Kathmandu")
    midnight = datetime(2026, 11, 20, tzinfo=ZoneInfo("Asia/Kathmandu")).astimezone(UTC)
    for moment, amount in (
        (midnight - timedelta(seconds=1), 1),
        (midnight, 2),
        (midnight + DAY - timedelta(seconds=1), 3),
        (midnight + DAY, 4),
    ):
        spend_at(moment, account, amount)

    page = history(browser, from_="2026-11-20", to="2026-11-20")

    assert [row[4].split("Balance")[0] for row in rows(page)] == ["−3", "−2"]
    assert page.with_id("from")["value"] == page.with_id("to")["value"] == "2026-11-20"


@on_both
def test_operation_and_text_narrow_further(browser: FlaskClient, busy: int) -> None:
    assert len(rows(history(browser, operation="data_export"))) == 21
    assert [row[0].split("Usage")[0] for row in rows(history(browser, q="job-7"))] == ["AI analysis"]
    assert len(rows(history(browser, q="order-1"))) == 1
    assert len(rows(history(browser, q="100 % pat"))) == 1
    assert len(rows(history(browser, q="STARTER"))) == 1


@on_both
def test_a_number_finds_its_transaction(browser: FlaskClient, busy: int) -> None:
    wanted = ledger.entries(busy, limit=1)[0]

    assert wanted.id in ids(history(browser, q=str(wanted.id)))
    assert wanted.id in ids(history(browser, q=str(wanted.number)))


@on_both
@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"from": "2026-13-01"}, "from", "“2026-13-01” is not a day"),
        ({"to": "yesterday"}, "to", "“yesterday” is not a day"),
        ({"from": "0001-01-01"}, "from", "is not a day"),
        ({"from": "2026-11-20", "to": "2026-11-19"}, "to", "The last day lies before the first one"),
        ({"operation": "x" * 101}, "operation", "Enter at most 100 ordinary characters"),
        ({"q": "x" * 101}, "q", "Enter at most 100 ordinary characters"),
        ({"q": "a\0b"}, "q", "Enter at most 100 ordinary characters"),
    ],
)
def test_a_filter_that_can_not_be_read_is_said_beside_its_field_and_the_page_works(
    browser: FlaskClient, busy: int, asked: dict[str, str], field: str, said: str
) -> None:
    page = history(browser, status=422, **asked)

    wrong = page.with_id(field)
    assert wrong["aria-invalid"] == "true"
    assert said in page.with_id(wrong["aria-describedby"]).words
    assert len(ids(page)) == 25


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"type": "gift"}, "There is no such type of transaction"),
        ({"before": "x"}, "There is no such page"),
        ({"after": "9" * 30}, "There is no such page"),
    ],
)
def test_an_address_that_was_mistyped_is_explained(
    browser: FlaskClient, busy: int, asked: dict[str, str], said: str
) -> None:
    page = history(browser, status=422, **asked)

    assert said in page.words
    assert len(ids(page)) == 25


def test_beyond_the_last_page_there_is_a_way_back(browser: FlaskClient, busy: int) -> None:
    page = history(browser, before="1")

    assert "No older transactions" in page.words
    assert page.with_id("rows").one("a")["href"] == ADDRESS


@pytest.mark.settings(welcome_credits=0)
def test_an_empty_history_says_what_to_do_next(browser: FlaskClient) -> None:
    page = history(browser)

    assert "Nothing has moved yet" in page.words
    assert page.with_id("rows").one("a")["href"] == "/credits/packages"


@on_both
def test_the_lifetime_totals_stand_on_top(browser: FlaskClient, busy: int) -> None:
    totals = history(browser, type="purchase").one("dl", class_="stats")

    shown = [(line.one("dt").words, line.one("dd").words) for line in totals.every("div")]
    assert shown == [
        ("Purchased, lifetime", "1,000"),
        ("Bonuses", "150"),
        ("Used", "61"),
        ("Adjusted", "−5"),
        ("Available", "1,084"),
    ]


def test_another_accounts_transactions_are_never_here(browser: FlaskClient, app: Flask, account: int) -> None:
    other = identity.account_id_of(signed_up(app, "charlie@example.com"))
    for _ in range(30):
        spend(other, 1, description="not hers")

    assert "not hers" not in history(browser).words
    assert as_file(browser, q="not hers") == []
    assert len(as_file(browser)) == 1


@on_both
def test_the_file_holds_everything_that_matches_in_the_order_of_the_page(browser: FlaskClient, busy: int) -> None:
    lines = as_file(browser)

    assert [int(line["id"]) for line in lines] == [entry.id for entry in every_entry(busy)]
    assert [line["transaction_type"] for line in as_file(browser, type="bonus")] == ["bonus", "bonus"]
    assert sum(Decimal(line["amount"]) for line in lines) == ledger.balance(busy).balance
    assert Decimal(lines[0]["balance_after"]) == ledger.balance(busy).balance


def test_the_page_offers_the_file_of_its_own_filters(browser: FlaskClient, busy: int) -> None:
    links = history(browser, type="bonus", q="Thank").every("a")

    (file,) = [link for link in links if "history.csv" in link["href"]]
    assert file["href"] == f"{ADDRESS}.csv?type=bonus&q=Thank"


def test_the_file_is_named_for_the_accounts_day(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="Pacific/Kiritimati")

    answer = browser.get(f"{ADDRESS}.csv")

    assert answer.headers["Content-Disposition"] == 'attachment; filename="credits-2026-11-25.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


@on_both
def test_times_in_the_file_are_in_utc_and_in_the_accounts_zone(browser: FlaskClient, account: int) -> None:
    set_account(account, time_zone="America/New_York")
    spend_at(datetime(2026, 11, 20, 2, 30, tzinfo=UTC), account, 1)

    line = as_file(browser)[0]

    assert (line["processed_at"], line["local_time"]) == ("2026-11-20T02:30:00Z", "2026-11-19 21:30:00")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_in_the_file_is_never_a_formula(browser: FlaskClient, account: int, start: str) -> None:
    evil = f"{start}HYPERLINK(A1)"
    spend(account, "0.5", operation=f"{start}op", description=evil, operation_id=evil, reference_id=evil)

    line = as_file(browser)[0]

    assert line["description"].startswith(f"'{start}")
    assert line["operation_type"].startswith(f"'{start}")
    assert line["operation_id"].startswith(f"'{start}")
    assert line["reference_id"].startswith(f"'{start}")
    assert line["amount"] == "-0.5"


LEADS = ("", ";", ",", "|", "\t", "\n", "\r\n", '"', "'", ' "', ";;", '; "', "a;", "a\tb\t", "x\n")
SIGNS = ("=", "+", "-", "@", "\uff1d", "\uff20")


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
def test_no_spreadsheet_finds_a_formula_whatever_it_takes_for_the_separator(separator: str) -> None:
    for lead, sign in itertools.product(LEADS, SIGNS):
        text = io.StringIO(newline="")
        csv.writer(text).writerow([1, cell(f"{lead}{sign}HYPERLINK(A1)"), 2])

        read = csv.reader(io.StringIO(text.getvalue(), newline=""), delimiter=separator)
        assert [part for row in read for part in row if part.strip(' "').startswith(sign)] == [], (lead, sign)


def test_harmless_texts_stay_as_they_are() -> None:
    harmless = ("a=b", "", "1-2", "'quoted", "a; b", "5 = 5; ok", "a, -b", '{"a": [1, -2], "b": "c-d"}')
    assert tuple(cell(text) for text in harmless) == harmless
    assert cell(None) == ""


def test_a_file_of_a_filter_that_can_not_be_read_is_refused_with_the_reason(browser: FlaskClient) -> None:
    answer = browser.get(f"{ADDRESS}.csv?from=never&type=bonus")

    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{ADDRESS}?type=bonus&from=never"


@on_both
def test_the_file_streams_in_parts_and_holds_up_nobody_between_them(app: Flask, account: int) -> None:
    with clock.at(NOON), transaction():
        ledger.grant(account, Decimal(10_000), transaction_type="bonus", key="many")
        for number in range(STREAM_ROWS + 10):
            ledger.spend(account, ledger.Charge(amount=Decimal(1), description=f"call {number}"))
    parts = csv_lines(account, ledger.Filters(), ZoneInfo("UTC"))

    assert next(parts).count("\r\n") == 1
    assert next(parts).count("\r\n") == STREAM_ROWS
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    spend(account, 5, description="meanwhile")
    last = next(parts)
    assert last.count("\r\n") == 12
    assert "meanwhile" not in last
    assert list(parts) == []


@on_both
def test_the_file_is_sent_while_it_is_read(browser: FlaskClient, busy: int) -> None:
    answer = browser.get(f"{ADDRESS}.csv")

    assert "Content-Length" not in answer.headers  # nobody knew it when the first part left
    assert sum(1 for _ in csv.reader(io.StringIO(answer.text))) == 66
