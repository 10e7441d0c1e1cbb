from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from creditapp import clock, identity, ledger
from creditapp.db import transaction
from creditapp.packages import CreditPackage
from tests.browsing import Api

Shelf = dict[str, CreditPackage]


@pytest.fixture
def program(account: int, shelf: Shelf, make_key: Callable[..., str], api: Callable[..., Api]) -> Api:
    """A program of Alice's, with every scope."""
    return api(make_key(account))


def charged(account: int, times: int) -> None:
    with transaction():
        for number in range(times):
            ledger.spend(account, ledger.Charge(amount=Decimal("0.5"), operation_type=f"op{number % 2}"))


def every_page(program: Api, query: str = "") -> list[dict[str, Any]]:
    items, cursor = [], ""
    for _ in range(50):
        page = program.get(f"/transactions?limit=7{query}{cursor}").json
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = f"&cursor={page['next_cursor']}"
    raise AssertionError


def test_the_balance_says_everything_in_plain_numbers(program: Api, account: int) -> None:
    charged(account, 1)
    answer = program.get("/balance").json

    assert answer.pop("updated_at").endswith("Z")
    assert answer == {
        "account": str(account),
        "balance": 99.5,
        "available": 99.5,
        "reserved": 0,
        "debt": 0,
        "total_purchased": 0,
        "total_consumed": 0.5,
        "expiring": 0,
        "auto_recharge_enabled": False,
    }


def test_credits_that_expire_within_thirty_days_are_told(program: Api) -> None:
    with clock.at(clock.now() + timedelta(days=61)):
        assert program.get("/balance").json["expiring"] == 100
    with clock.at(clock.now() + timedelta(days=91)):
        assert program.get("/balance").json["available"] == 0


@pytest.mark.both_databases
def test_the_pages_of_the_history_hold_every_row_once_newest_first(program: Api, account: int) -> None:
    charged(account, 30)
    numbers = [row["number"] for row in every_page(program)]

    assert numbers == list(range(31, 0, -1))


def test_rows_that_come_meanwhile_do_not_disturb_the_pages(program: Api, account: int) -> None:
    charged(account, 20)
    first = program.get("/transactions?limit=10").json
    charged(account, 5)
    second = program.get(f"/transactions?limit=10&cursor={first['next_cursor']}").json

    assert [row["number"] for row in second["items"]] == list(range(11, 1, -1))


@pytest.mark.both_databases
def test_the_history_can_be_narrowed(program: Api, account: int) -> None:
    charged(account, 10)

    assert {row["transaction_type"] for row in every_page(program, "&type=bonus")} == {"bonus"}
    assert len(every_page(program, "&type=consumption&operation_type=op1")) == 5
    tomorrow = (clock.now() + timedelta(days=1)).isoformat().replace("+00:00", "Z")
    assert every_page(program, f"&from={tomorrow}") == []
    assert len(every_page(program, f"&to={tomorrow}")) == 11


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "type=nonsense",
        "cursor=nonsense",
        "cursor=%00",
        "cursor=" + "A" * 200,
        "from=yesterday",
        "from=2026-11-23",
        "surprise=1",
        "limit=5&limit=6",
        "account=%00",
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_words(program: Api, query: str) -> None:
    answer = program.get(f"/transactions?{query}")

    assert answer.status_code == 422
    assert answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("operation_type=" + "x" * 101, "operation_type must have at most 100 characters."),
        ("account=", "account must have at least 1 character."),
        ("limit=0", "limit must be greater than or equal to 1."),
    ],
)
def test_what_a_field_must_be_is_said_as_people_say_it(program: Api, query: str, words: str) -> None:
    assert program.get(f"/transactions?{query}").json["detail"] == words


def test_one_transaction_is_found_by_its_id_and_anothers_is_not(
    program: Api, account: int, charlie: identity.User
) -> None:
    charged(account, 1)
    newest = program.get("/transactions?limit=1").json["items"][0]
    theirs = ledger.entries(identity.account_id_of(charlie))[0]

    assert program.get(f"/{newest['id']}").json == newest
    assert program.get(f"/{theirs.id}").status_code == 404
    assert program.get("/999999999999999999999").status_code == 404


def test_the_five_packages_are_offered_with_what_they_save(program: Api) -> None:
    items = {item["key"]: item for item in program.get("/packages").json["items"]}

    assert {key: item["savings_percentage"] for key, item in items.items()} == {
        "starter": 0,
        "professional": 20,
        "business": 30,
        "enterprise": 40,
        "holiday_bonus": 47,
    }
    assert items["professional"]["price_per_credit"] == 0.008
    assert items["professional"]["price_cents"] == 4_000
    assert "Best value" in items["enterprise"]["badges"]
    assert "Most popular" in items["business"]["badges"]
    assert "Limited" in items["holiday_bonus"]["badges"]
    assert all(item["available"] for item in items.values())


def test_a_package_that_can_not_be_bought_says_why(program: Api) -> None:
    with clock.at(clock.now() + timedelta(days=31)):
        [ended] = [item for item in program.get("/packages").json["items"] if item["key"] == "holiday_bonus"]

    assert (ended["available"], ended["unavailable_reason"]) == (False, "The offer has ended.")


def test_a_purchase_while_polar_is_away_says_so_and_charges_nothing(program: Api) -> None:
    answer = program.post("/purchase", {"package": "starter"}, key="k")

    assert (answer.status_code, answer.json["code"]) == (503, "polar_unavailable")
    assert program.post("/purchase", {"package": "nonsense"}).status_code == 404
    assert program.post("/purchase", {}).status_code == 422
