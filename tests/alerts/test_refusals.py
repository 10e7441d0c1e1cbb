"""A charge that is refused while a few credits are left: told once, until credits come in."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from creditapp import Credits, alerts, checkout, clock, ledger, recharge, schedule
from creditapp.db import db, transaction
from creditapp.gateway import Card, Payer
from creditapp.packages import CreditPackage
from tests.alerts.living import told, tops_up
from tests.alerts.test_letters import sent
from tests.browsing import Api

pytestmark = pytest.mark.both_databases

LOW, TOLD = ("low_balance", "active"), ("zero_balance", "active")
OVER = ("zero_balance", "resolved")
HOUR = timedelta(hours=1)


@pytest.fixture
def account(account: int) -> int:
    """Alice's, with her rules and 1,100 credits."""
    with transaction():
        alerts.begin(account)
    tops_up(account, 1_000)
    return account


@pytest.fixture
def program(account: int, make_key: Any, api: Callable[[str], Api]) -> Api:
    return api(make_key(account))


def charges(program: Api, amount: int, status: int = 201) -> Any:
    answer = program.post("/consume", {"amount": amount})
    assert answer.status_code == status, answer.text
    return answer.json


def news(account: int) -> list[tuple[str, str]]:
    return [one for one in told(account) if one[0] == "zero_balance"]


def subjects() -> list[str]:
    return [str(letter["Subject"]) for letter in sent()]


def changes(account: int, kind: str, **wanted: bool) -> None:
    with transaction():
        rule = next(one for one in alerts.rules_of(account) if one.kind == kind)
        alerts.save(account, rule.id, **{"enabled": True, "mail": True, **wanted}, threshold=None)


def test_the_first_refused_charge_is_told_and_no_other_until_credits_come_in(
    account: int, program: Api, run_jobs: Callable[[], None]
) -> None:
    charges(program, 1_088)
    for needed in (40, 40, 13, 900):
        charges(program, needed, 402)
    charges(program, 12)  # nothing is left: that is no news any more
    charges(program, 1, 402)
    schedule.consider_alerts()
    run_jobs()

    assert told(account) == [LOW, TOLD]
    assert subjects() == ["12 credits left", "12 credits left: a charge was refused"]
    [alert] = [one for one in alerts.page(account, 9) if one.alert_type == "zero_balance"]
    assert alert.message == (
        "12 credits left: a charge was refused. It needed 40. What needs more than is left is refused until you add "
        "credits."
    )
    assert alerts.due_accounts(9) == []  # the clock does not look again and again


def test_credits_that_come_in_end_it_and_the_next_refusal_is_told_again(account: int, program: Api) -> None:
    charges(program, 1_088)
    charges(program, 40, 402)
    tops_up(account, 1_000)
    assert news(account) == [OVER]

    charges(program, 1_000)
    charges(program, 40, 402)
    assert news(account) == [OVER, TOLD]


def test_a_gift_of_one_credit_ends_it_and_makes_no_news_of_the_next_refusal(account: int, program: Api) -> None:
    charges(program, 1_088)
    charges(program, 40, 402)
    tops_up(account, 1, transaction_type="bonus")
    charges(program, 40, 402)
    assert news(account) == [OVER]


def test_what_is_only_given_back_or_freed_ends_nothing(account: int, program: Api) -> None:
    charged = charges(program, 500)
    held = program.post("/holds", {"amount": 590}).json
    charges(program, 40, 402)
    assert program.post(f"/holds/{held['hold_id']}/release").status_code == 200
    assert program.post(f"/transactions/{charged['transaction_id']}/reverse").status_code == 201
    schedule.consider_alerts()
    charges(program, 2_000, 402)
    assert news(account) == [TOLD]
    assert alerts.due_accounts(9) == []


def test_one_charge_too_large_for_all_that_is_left_hides_nothing_that_comes_after(account: int, program: Api) -> None:
    charges(program, 5_000, 402)
    schedule.consider_alerts()
    charges(program, 6_000, 402)
    assert told(account) == [TOLD]

    charges(program, 1_100)
    assert news(account) == [OVER, TOLD]  # having run out is told though


def test_after_having_run_out_a_refused_charge_is_no_news(account: int, program: Api) -> None:
    charges(program, 1_100)
    charges(program, 1, 402)
    assert news(account) == [TOLD]
    assert not alerts.hears_of_refusals(account)


ITEMS = [{"key": f"k{amount}", "amount": amount} for amount in (3, 40, 41)]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/holds", {"amount": 40}),
        ("/consume/batch", {"items": ITEMS, "mode": "each"}),
        ("/consume/batch", {"items": ITEMS, "mode": "all"}),
    ],
    ids=["hold", "batch of each", "batch of all"],
)
def test_every_way_to_be_refused_is_told(account: int, program: Api, path: str, asked: dict[str, Any]) -> None:
    charges(program, 1_088)
    program.post(path, asked)
    assert news(account) == [TOLD]


def test_a_capture_beyond_what_is_held_and_left_is_told(account: int, program: Api) -> None:
    charges(program, 1_040)
    held = program.post("/holds", {"amount": 50}).json
    assert program.post(f"/holds/{held['hold_id']}/capture", {"amount": 90}).status_code == 402
    assert news(account) == [TOLD]


def test_a_program_that_charges_without_http_tells_too(app: Flask, account: int) -> None:
    credits = Credits(app=app)
    credits.consume(account, amount=1_088)
    with pytest.raises(ledger.InsufficientCredits):
        credits.consume(account, amount=40)
    assert news(account) == [TOLD]

    tops_up(account, 1_000)
    with pytest.raises(ledger.InsufficientCredits), credits.hold(account, 2_000):
        pass
    assert news(account) == [OVER, TOLD]


def test_who_wants_no_letter_or_no_alert_of_it_gets_none(
    account: int, program: Api, run_jobs: Callable[[], None]
) -> None:
    changes(account, "run_out", mail=False)
    charges(program, 2_000, 402)
    run_jobs()
    assert (news(account), subjects()) == ([TOLD], [])

    changes(account, "run_out", enabled=False)
    assert news(account) == [OVER]
    charges(program, 2_000, 402)
    assert news(account) == [OVER]


def test_of_debt_its_own_alert_tells(account: int, program: Api) -> None:
    with transaction():
        bought = ledger.grant(account, Decimal(50), transaction_type="purchase", key="k", polar_order_id="o").id
        ledger.spend(account, ledger.Charge(amount=Decimal(1_150)))
        ledger.claw_back(account, Decimal(50), purchase_id=bought, key="r", description="Refund", polar_order_id="o")
        alerts.consider(account)
    before = told(account)
    charges(program, 40, 402)
    assert told(account) == before


def test_while_a_recharge_is_under_way_it_tells_how_that_went(
    account: int, program: Api, shelf: dict[str, CreditPackage]
) -> None:
    card = Card(id="pm_1", brand="visa", last4="4242", expires="12/2029", is_default=True)
    with transaction():
        checkout.remember_customer(account, "customer-1")
        checkout.cards_told(account, Payer(cards=(card,), has_address=True))
        recharge.switch(account, on=True)  # at 500
    charges(program, 1_000)
    assert charges(program, 400, 402)["recharge_in_progress"]
    assert news(account) == []

    db.session.rollback()
    [attempt] = recharge.attempts(account, 9)
    with transaction():
        recharge.needs_set_up(attempt.id, "The billing address is missing.")
    charges(program, 400, 402)
    assert news(account) == [TOLD]


def test_a_later_refusal_has_its_letter_in_its_turn(account: int, program: Api, run_jobs: Callable[[], None]) -> None:
    charges(program, 1_088)
    charges(program, 40, 402)
    run_jobs()
    tops_up(account, 1_000)
    charges(program, 1_000)
    charges(program, 40, 402)
    run_jobs()
    assert [one for one in subjects() if "refused" in one] == ["12 credits left: a charge was refused"]
    with clock.at(clock.now() + HOUR):
        run_jobs()
    assert [one for one in subjects() if "refused" in one] == ["12 credits left: a charge was refused"] * 2
